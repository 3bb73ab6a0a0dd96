import { expect, test } from "bun:test";
import { createMemoryBudget } from "../../src/base/memory-budget.ts";
import { createUploads, type Upload } from "../../src/proxy/uploads.ts";

const MIB = 2 ** 20;

function start(limitMib = 1024) {
  let now = 0;
  const budget = createMemoryBudget(() => limitMib);
  const uploads = createUploads(budget, () => now);
  const lost: string[] = [];
  const begin = (name: string, bytes = 1000): Upload => {
    const upload = uploads.begin(bytes, () => lost.push(name));
    if (upload === null) throw new Error(`no room for ${name}`);
    return upload;
  };
  return { uploads, budget, lost, begin, pass: (ms: number) => void (now += ms) };
}

test("64 are read at once; the next waits for one that ends, or that pauses", async () => {
  const { begin } = start();
  const reading = Array.from({ length: 64 }, (_, n) => begin(`${n}`));
  expect(reading.map((upload) => upload.waitForTurn())).toEqual(reading.map(() => null));
  const [next, last] = [begin("next"), begin("last")];
  const [turn, lastTurn] = [next.waitForTurn(), last.waitForTurn()];
  expect(turn).toBeInstanceOf(Promise);
  reading[0]?.end();
  await turn;
  reading[1]?.pause();
  await lastTurn;
  expect(begin("another").waitForTurn()).toBeInstanceOf(Promise);
});

test("one that comes on slowly goes to the end of the line when its turn is over, and keeps it where no other waits", async () => {
  const { begin, pass } = start();
  const slow = Array.from({ length: 64 }, (_, n) => begin(`${n}`));
  for (const upload of slow) void upload.waitForTurn();
  pass(150);
  expect(slow[0]?.waitForTurn()).toBeNull();
  const whole = begin("whole");
  const turn = whole.waitForTurn();
  const again = slow[0]?.waitForTurn();
  await turn;
  whole.end();
  await again;
});

test("where the budget is spent those that have been idle for longest lose their places, and no more of them than it takes", () => {
  const { begin, budget, lost, pass, uploads } = start(16);
  for (const name of ["first", "second", "third"]) {
    void begin(name, 5 * MIB).waitForTurn();
    pass(100);
  }
  // All of them may still come.
  expect(uploads.begin(2 * MIB, () => {})).toBeNull();
  pass(1_300);
  const whole = begin("whole", 6 * MIB);
  expect(lost).toEqual(["first"]);
  expect(budget.heldBytes()).toBe(16 * MIB);
  whole.end();
  expect(budget.heldBytes()).toBe(10 * MIB);
});

test("one that comes on keeps its place, however long it takes", () => {
  const { begin, lost, pass, uploads } = start(16);
  const slow = begin("slow", MIB);
  void slow.waitForTurn();
  const idle = begin("idle", 10 * MIB);
  void idle.waitForTurn();
  for (let second = 0; second < 60; second += 1) {
    pass(900);
    expect(slow.receive(1000)).toBe(true);
  }
  begin("whole", 14 * MIB).end();
  expect(lost).toEqual(["idle"]);
  expect(uploads.begin(16 * MIB, () => {})).toBeNull();
});

test("what is received beyond the length that was counted first is counted as it comes, and refused where there is no room", () => {
  const { begin, budget } = start(16);
  const upload = begin("chunked", MIB);
  void upload.waitForTurn();
  expect([upload.receive(MIB), budget.heldBytes()]).toEqual([true, MIB]);
  expect([upload.receive(14 * MIB), budget.heldBytes()]).toEqual([true, 15 * MIB]);
  expect([upload.receive(2 * MIB), budget.heldBytes()]).toEqual([false, 15 * MIB]);
  upload.end();
  upload.end();
  expect(budget.heldBytes()).toBe(0);
});

test("1,024 may be open; one more takes the place of the one that has been idle for longest", () => {
  const { begin, lost, pass } = start();
  const [first] = Array.from({ length: 1_024 }, (_, n) => {
    pass(1);
    return begin(`${n}`);
  });
  first?.receive(1);
  begin("whole");
  expect(lost).toEqual(["1"]);
});
