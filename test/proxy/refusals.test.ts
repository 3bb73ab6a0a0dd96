import { expect, test } from "bun:test";
import { request as httpRequest } from "node:http";
import { t } from "../../src/base/text.ts";
import type { LogEntry } from "../../src/log/entry.ts";
import type { Refusal } from "../../src/proxy/guard.ts";
import { createRefusals, isCounted } from "../../src/proxy/refusals.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";

const PAGE: Refusal = { status: 403, message: t`requests from web pages are refused` };
const HOST: Refusal = { status: 421, message: t`this proxy answers only on its own loopback address` };

/** A counter whose minutes pass when the test says so. */
function startCounter() {
  const lines: LogEntry[] = [];
  const waiting = new Set<() => void>();
  let now = 1_000;
  const refusals = createRefusals({
    service: "codex",
    now: () => now,
    record: (entry) => lines.push(entry),
    later(work, ms) {
      expect(ms).toBe(60_000);
      waiting.add(work);
      return () => waiting.delete(work);
    },
  });
  return {
    lines,
    refusals,
    waiting,
    note: (refusal: Refusal, path = "/a"): void => {
      now += 1;
      refusals.note({ method: "GET", path, refusal });
    },
    passMinute: (): void => {
      now += 60_000;
      const due = [...waiting];
      waiting.clear();
      for (const work of due) work();
    },
  };
}

test("the first refused request has its line at once, those of the next minute one together", () => {
  const { lines, note, passMinute } = startCounter();
  note(PAGE, "/first");
  expect(lines).toMatchObject([
    {
      outcome: "refused",
      status_code: 403,
      path: "/first",
      refusals: 1,
      error: "requests from web pages are refused",
    },
  ]);
  for (let index = 0; index < 9_999; index += 1) note(index % 2 === 0 ? PAGE : HOST, `/${index}`);
  expect(lines).toHaveLength(1);
  passMinute();
  expect(lines.slice(1)).toMatchObject([{ status_code: 403, path: "/9998", refusals: 9_999 }]);
});

test("there is at most one line a minute, however long it goes on, and none for a quiet minute", () => {
  const { lines, note, passMinute, waiting } = startCounter();
  for (let minute = 0; minute < 5; minute += 1) {
    for (let index = 0; index < 100; index += 1) note(PAGE);
    passMinute();
  }
  expect(lines.map(({ refusals }) => refusals)).toEqual([1, 99, 100, 100, 100, 100]);
  passMinute();
  passMinute();
  expect(lines).toHaveLength(6);
  expect(waiting.size).toBe(0);
  note(HOST);
  expect(lines.at(-1)).toMatchObject({ status_code: 421, refusals: 1 });
});

test("what was not written yet is written at the end, and nothing is left waiting", () => {
  const { lines, note, refusals, waiting } = startCounter();
  for (let index = 0; index < 3; index += 1) note(PAGE);
  refusals.close();
  refusals.close();
  expect(lines.map((line) => line.refusals)).toEqual([1, 2]);
  expect(waiting.size).toBe(0);
});

test("the facts count every one, by status, with the time of the last", () => {
  const { note, refusals } = startCounter();
  expect(refusals.facts()).toEqual({ count: 0, by_status: {}, last_at_ms: null });
  for (const refusal of [PAGE, HOST, PAGE]) note(refusal);
  expect(refusals.facts()).toEqual({ count: 3, by_status: { 403: 2, 421: 1 }, last_at_ms: 1_003 });
});

test.each([
  [400, false],
  [401, true],
  [403, true],
  [405, true],
  [421, true],
  [426, false],
  [508, true],
] as const)("a %p is counted: %p", (status, expected) => {
  expect(isCounted({ status, message: t`refused` })).toBe(expected);
});

/** Header names that `fetch` does not send. */
const send = (port: number, options: { method?: string; headers: Record<string, string> }): Promise<number> =>
  new Promise((resolve, reject) => {
    const asked = httpRequest({ host: "127.0.0.1", port, path: "/v1/responses", ...options }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode ?? 0));
    });
    asked.on("error", reject);
    asked.end();
  });

test("pages, other hosts, other methods and loops share one line; what a client does itself has its own", async () => {
  await using proxy = startTestProxy({ upstreams: ["http://127.0.0.1:9/v1"] });
  const own = `127.0.0.1:${proxy.port}`;
  const refused = [
    { headers: { host: own, origin: "https://page.example" } },
    { headers: { host: own, "sec-fetch-site": "cross-site" } },
    { headers: { host: "evil.example" } },
    { headers: { host: own }, method: "TRACE" },
    { headers: { host: own, "x-codex-helper-hops": "a,b,c,d,e" } },
  ];
  for (const one of refused) expect(await send(proxy.port, one)).toBeGreaterThanOrEqual(403);
  expect(proxy.entries).toMatchObject([{ status_code: 403, refusals: 1 }]);
  const upgrade = { host: own, upgrade: "websocket", connection: "upgrade" };
  for (let index = 0; index < 2; index += 1) expect(await send(proxy.port, { headers: upgrade })).toBe(426);
  expect(proxy.entries.map(({ refusals, status_code }) => [status_code, refusals])).toEqual([
    [403, 1],
    [426, undefined],
    [426, undefined],
  ]);
});
