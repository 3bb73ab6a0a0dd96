import { expect, test } from "bun:test";
import type { LogRecord, RecordedAttempt } from "../../src/log/record.ts";
import { createSeenTally } from "../../src/usage/seen.ts";

const NOW = 1_790_000_000_000;
const A = "https://a.example/v1";
const B = "https://b.example/v1";

const failed = (verdict: string, more: RecordedAttempt = {}): RecordedAttempt => ({
  upstream_base_url: A,
  upstream_label: "main#1",
  verdict,
  error: `${verdict}, in words`,
  reason: { rule: verdict },
  ...more,
});
const good = (baseUrl = B, label = "main#2"): RecordedAttempt => ({
  upstream_base_url: baseUrl,
  upstream_label: label,
  verdict: "ok",
  shown: true,
});

const turn = (
  secs: number,
  attempts?: readonly RecordedAttempt[],
  more: Partial<LogRecord> = {},
): LogRecord => ({
  timestamp_ms: NOW + secs * 1_000,
  service: "codex",
  method: "POST",
  path: "/v1/responses",
  status_code: 200,
  outcome: "ok",
  upstream_base_url: attempts?.at(-1)?.upstream_base_url ?? A,
  upstream_label: attempts?.at(-1)?.upstream_label ?? "main#1",
  attempts,
  ...more,
});

function see(...records: readonly LogRecord[]) {
  const tally = createSeenTally();
  for (const record of records) tally.add(record);
  return tally.finish();
}

test("a failure is told once, with how often and when it was last", () => {
  const seen = see(
    turn(1, [failed("credential", { status_code: 401 }), good()]),
    turn(5, [failed("credential", { status_code: 401 }), good()]),
    turn(3, [failed("credential", { status_code: 401 }), good()]),
    turn(2, [failed("page"), good()]),
  );
  expect(seen.map(({ count, lastAt, reason }) => [reason?.rule, count, lastAt])).toEqual([
    ["credential", 3, NOW + 5_000],
    ["page", 1, NOW + 2_000],
  ]);
});

test("statuses and codes of one rule are told apart, and upstreams of one address, too", () => {
  const seen = see(
    turn(1, [failed("credential", { reason: { rule: "credential", status: 401 } }), good()]),
    turn(2, [failed("credential", { reason: { rule: "credential", status: 403 } }), good()]),
    turn(3, [failed("never-sent", { reason: { rule: "never-sent", code: "ECONNREFUSED" } }), good()]),
    turn(4, [failed("never-sent", { reason: { rule: "never-sent", code: "EHOSTUNREACH" } }), good()]),
    turn(5, [failed("page", { upstream_label: "main#3" }), failed("page"), good()]),
  );
  expect(seen).toHaveLength(6);
});

test("an answer after it ends it, one before it does not", () => {
  const page = turn(10, [failed("page"), good()]);
  expect(see(turn(20), page)[0]?.answeredAt).toBe(NOW + 20_000);
  expect(see(page, turn(5))[0]?.answeredAt).toBeNull();
  // Of another upstream.
  expect(see(page, turn(20, [failed("credential"), good()]))[0]?.answeredAt).toBeNull();
});

test("what the request, the client or this machine did is none of the upstream's", () => {
  for (const verdict of [
    "ok",
    "client-gone",
    "context-length",
    "policy",
    "malformed-json",
    "client-error",
    "local-shortage",
  ])
    expect(see(turn(1, [failed(verdict), good()]))).toEqual([]);
});

test("a request that is no turn says nothing: many relays know no other", () => {
  const missing = [failed("not-served"), good()];
  expect(see(turn(1, missing, { method: "GET", path: "/v1/models" }))).toEqual([]);
  expect(see(turn(1, missing, { path: "/v1/messages/count_tokens" }))).toEqual([]);
  expect(see(turn(1, missing, { path: "/v1/chat/completions" }))).toHaveLength(1);
});

test("lines of older and of newer versions are read as far as they go", () => {
  const old = { upstream_base_url: A, verdict: "page", error: "answered with a web page" };
  const odd = [{ verdict: "page" }, { upstream_base_url: A }, {}];
  expect(see(turn(1, [old, good()]), turn(2, odd), turn(3, [], { service: undefined }))).toMatchObject([
    { label: null, reason: undefined, error: "answered with a web page", count: 1 },
  ]);
});
