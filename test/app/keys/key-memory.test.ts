// The commands that print keys: run once for many, used for so long, asked again, masked.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { createKeyMemory } from "../../../src/app/keys/key-memory.ts";
import { inEnglish } from "../../../src/base/text.ts";
import type { KeyRead } from "../../../src/base/upstream.ts";
import { makeTempHome } from "../../helpers/temp-home.ts";
import { waitUntil } from "../../helpers/wait.ts";

function start(script: string, { ttlMs = 60_000 } = {}) {
  const home = makeTempHome();
  const troubles: string[] = [];
  let now = 1_000_000;
  const memory = createKeyMemory({
    env: home.env,
    now: () => now,
    onTrouble: (words) => troubles.push(inEnglish(words)),
  });
  home.write("script", script);
  const runs = home.path + "/runs";
  const words = ["sh", "-c", `echo run >> ${runs}; . ${home.path}/script`];
  const source = { words, ttlMs };
  return {
    home,
    troubles,
    memory,
    source,
    read: (refused?: string) => memory.read(source, refused),
    rewrite: (text: string) => home.write("script", text),
    pass: (ms: number) => void (now += ms),
    runs: () => (existsSync(runs) ? readFileSync(runs, "utf8").trim().split("\n").length : 0),
    [Symbol.dispose]() {
      memory.stop();
      home[Symbol.dispose]();
    },
  };
}

const key = (secret: string): KeyRead => ({ kind: "key", secret });
const whyOf = (read: KeyRead): string => (read.kind === "none" ? inEnglish(read.why) : "a key");
const saidOf = (read: KeyRead): string => (read.kind === "none" ? read.said : "a key");

test("many that need the key at once share one run, and what it printed is used until its time is over", async () => {
  using keys = start("echo sk-one");
  expect(await Promise.all([keys.read(), keys.read(), keys.read()])).toEqual([
    key("sk-one"),
    key("sk-one"),
    key("sk-one"),
  ]);
  keys.rewrite("echo sk-two");
  keys.pass(59_999);
  expect(await keys.read()).toEqual(key("sk-one"));
  expect(keys.runs()).toBe(1);
  keys.pass(1);
  expect(await keys.read()).toEqual(key("sk-two"));
  expect(keys.runs()).toBe(2);
});

test("a clock that was set back does not make a key last longer", async () => {
  using keys = start("echo sk-one");
  await keys.read();
  keys.pass(-1);
  await keys.read();
  expect(keys.runs()).toBe(2);
});

test("a refused key is asked for again by whoever was refused first, and the others get the new one", async () => {
  using keys = start("echo sk-old");
  await keys.read();
  keys.rewrite("echo sk-new");
  expect(await Promise.all([keys.read("sk-old"), keys.read("sk-old")])).toEqual([
    key("sk-new"),
    key("sk-new"),
  ]);
  expect(await keys.read("sk-old")).toEqual(key("sk-new"));
  expect(keys.runs()).toBe(2);
});

test("a command that fails, or keeps printing what is refused, is not run without a pause", async () => {
  using keys = start("exit 3");
  await keys.read();
  await keys.read();
  expect(keys.runs()).toBe(1);
  keys.rewrite("echo sk-dead");
  keys.pass(60_000);
  expect(await keys.read()).toEqual(key("sk-dead"));
  await keys.read("sk-dead");
  await keys.read("sk-dead");
  expect(keys.runs()).toBe(3);
  keys.pass(60_000);
  keys.rewrite("echo sk-alive");
  expect(await keys.read("sk-dead")).toEqual(key("sk-alive"));
});

test.each([
  ["with a line break of Windows", "printf 'sk-one\\r\\n'", "sk-one"],
  ["without one", "printf sk-one", "sk-one"],
  ["before notes, as a password store has it", "printf 'sk-one\\nlogin: me\\nurl: x\\n'", "sk-one"],
  ["after blank lines and with blanks around", "printf '\\n  sk-one  \\n'", "sk-one"],
  ["after a byte order mark", "printf '\\357\\273\\277sk-one\\n'", "sk-one"],
  ["as long as a token of a login", "printf 'a%.0s' $(seq 4000)", "a".repeat(4000)],
])("a key is read %s", async (_, script, secret) => {
  using keys = start(script);
  expect(await keys.read()).toEqual(key(secret));
});

test.each([
  ["fails", "echo sk-no; exit 4", "exited with code 4"],
  ["prints nothing", "true", "printed nothing"],
  ["prints blanks", "printf ' \\n \\n'", "printed nothing"],
  ["prints a sentence", "echo 'Error: not signed in'", "printed something that cannot be a key"],
  ["prints what no header can hold", "printf 'sk-\\303\\251\\n'", "printed something that cannot be a key"],
])("a command that %s gives none, and says so without its output", async (_, script, words) => {
  using keys = start(script);
  const read = await keys.read();
  expect(whyOf(read)).toBe(`the command for its key (sh) ${words}`);
  expect(JSON.stringify(read)).not.toContain("sk-no");
  expect(inEnglish(keys.memory.problemOf(keys.source) ?? "")).toContain(words);
});

test("a program that is not there is named", async () => {
  using keys = start("");
  const read = await keys.memory.read({ words: ["no-such-manager", "read"], ttlMs: 1_000 });
  expect(whyOf(read)).toBe("the command for its key (no-such-manager) was not found");
});

test.each([
  ["what it printed itself", "echo 'my own pass-phrase-x'; echo 'got my own pass-phrase-x' >&2; exit 1"],
  ["what a tracing shell shows of a pipe", 'K=tr0ub4dor; echo $K; echo "+ echo $K" >&2; exit 1'],
  ["a well-known form", "echo 'bad key sk-abcdef0123456789' >&2; exit 1"],
  ["a long word of letters and digits", "echo 'vault 7xkq2vhrfz4w3jtm6yna5cbdle: locked' >&2; exit 1"],
  ["a bearer token", "echo 'Authorization: Bearer abc123def456' >&2; exit 1"],
])("%s is masked in what it says", async (_, script) => {
  using keys = start(script);
  const said = saidOf(await keys.read());
  expect(said).toContain("…");
  expect(said).not.toMatch(/pass-phrase-x|tr0ub4dor|abcdef0123456789|7xkq2v|abc123/);
});

test("an earlier key is masked in what a later run says, and plain words stay", async () => {
  using keys = start("echo plainkey", { ttlMs: 1_000 });
  await keys.read();
  keys.rewrite("printf '\\033[31m[ERROR] plainkey: you are not signed in\\033[0m\\n' >&2; exit 1");
  keys.pass(1_000);
  expect(saidOf(await keys.read())).toBe("[ERROR] …: you are not signed in");
  expect(keys.troubles).toEqual([
    "the command for its key (sh) exited with code 1: [ERROR] …: you are not signed in",
  ]);
});

test("a failure is told once, and once more after the command has worked", async () => {
  using keys = start("exit 1");
  for (const script of ["exit 1", "exit 1", "echo sk-ok", "exit 1"]) {
    keys.rewrite(script);
    keys.pass(3_600_000);
    await keys.read();
  }
  expect(keys.troubles).toHaveLength(2);
});

test("what hangs is ended with all that it has started", async () => {
  using keys = start(`sleep 1000 & echo $! > "$HOME/child"; wait`);
  const reading = keys.read();
  const child = keys.home.path + "/child";
  await waitUntil(() => existsSync(child) && readFileSync(child, "utf8") !== "");
  keys.memory.stop();
  expect((await reading).kind).toBe("none");
  const pid = Number(readFileSync(child, "utf8"));
  const isGone = (): boolean => {
    try {
      process.kill(pid, 0);
      return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      return true;
    }
  };
  await waitUntil(isGone);
  expect(isGone()).toBe(true);
});

test("no shell reads the words, and the program runs in the home directory with no input", async () => {
  using keys = start("");
  const words = ["printf", "%s", "$HOME;`id`|x"];
  expect(await keys.memory.read({ words, ttlMs: 1_000 })).toEqual(key("$HOME;`id`|x"));
  expect(await keys.memory.read({ words: ["pwd"], ttlMs: 1_000 })).toEqual(key(keys.home.env["HOME"] ?? ""));
  expect(whyOf(await keys.memory.read({ words: ["cat"], ttlMs: 1_000 }))).toContain("printed nothing");
});
