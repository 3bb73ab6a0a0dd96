import { expect, test } from "bun:test";
import type { LogRecord } from "../../src/log/record.ts";
import { answererOf, hasFailedOver, listAttempts } from "../../src/usage/outcome.ts";

const A = { upstream_base_url: "https://a.example/v1", upstream_label: "main#1" };
const B = { upstream_base_url: "https://b.example/v1", upstream_label: "main#2" };
/** Another key of A's address. */
const C = { ...A, upstream_label: "main#3" };
const record = (parts: Partial<LogRecord>): LogRecord => ({ timestamp_ms: 1, outcome: "ok", ...parts });

const failed = (at: object) => ({ ...at, verdict: "server-error", shown: false });
const good = (at: object) => ({ ...at, verdict: "ok", shown: true });

test.each([
  ["an answer", record(A), ["main#1"]],
  [
    "an answer after a failure",
    record({ ...B, attempts: [failed(A), good(B)] }),
    ["main#1 failed", "main#2"],
  ],
  ["an answer that broke off", record({ ...A, outcome: "cut", attempts: [good(A)] }), ["main#1 failed"]],
  [
    "an answer after a failure that broke off",
    record({ ...B, outcome: "cut", attempts: [failed(A), good(B)] }),
    ["main#1 failed", "main#2 failed"],
  ],
  [
    "a client that left in the middle",
    record({ ...A, outcome: "client_gone", attempts: [good(A)] }),
    ["main#1"],
  ],
  [
    "a client that left before the answer",
    record({ ...A, outcome: "client_gone", attempts: [{ ...A, verdict: "client-gone", shown: false }] }),
    ["main#1"],
  ],
  ["no upstream", record({ outcome: "refused", upstream_base_url: null }), []],
])("attempts and failures of %s", (_, line, expected) => {
  const listed = listAttempts(line).map(({ hasFailed, label }) => (hasFailed ? `${label} failed` : label));
  expect(listed).toEqual(expected);
});

test.each([
  ["one answer", undefined, false],
  ["the same upstream asked again", [failed(A), good(A)], false],
  ["another upstream", [failed(A), good(B)], true],
  ["another key of the same address", [failed(A), good(C)], true],
  ["two that failed", [failed(A), failed(B)], true],
])("%s: a failover is another upstream after the first", (_, attempts, expected) => {
  expect(hasFailedOver(record({ ...A, attempts }))).toBe(expected);
});

test("the upstream that answered is named, and none for an answer of ours", () => {
  const label = (parts: Partial<LogRecord>) => answererOf(record(parts))?.label ?? null;
  expect(label(A)).toBe("main#1");
  expect(label({ ...B, attempts: [failed(A), good(B)] })).toBe("main#2");
  expect(label({ ...B, outcome: "error", attempts: [failed(A), failed(B)] })).toBeNull();
  // An upstream's own refusal was shown.
  expect(label({ ...A, outcome: "error", attempts: [{ ...failed(A), shown: true }] })).toBe("main#1");
  expect(label({ outcome: "refused", upstream_base_url: null })).toBeNull();
});
