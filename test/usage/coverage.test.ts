import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Service } from "../../src/base/service.ts";
import { createCoverage } from "../../src/usage/coverage.ts";
import { makeRecord } from "../log/make-record.ts";

const S = "01a22802-3fc8-7023-8e07-445a7dec763a";
const answer = (at: number, sessionId: string | null = S, service: Service = "codex") => ({
  service,
  sessionId,
  at,
});
const request = (from: number, to: number, fields: object = {}) =>
  makeRecord({
    timestamp_ms: from,
    duration_ms: to - from,
    service: "codex",
    method: "POST",
    path: "/v1/responses",
    session_id: S,
    status_code: 200,
    outcome: "ok",
    ...fields,
  });

function missing(
  requests: readonly ReturnType<typeof request>[],
  answers: readonly ReturnType<typeof answer>[],
) {
  const coverage = createCoverage();
  for (const one of requests) coverage.add(one);
  return [...coverage.findMissing(answers)].map(({ at }) => at);
}

const MINUTE = 60_000;

test("an answer that no request of its conversation was running for did not come through", () => {
  expect(missing([], [answer(5)])).toEqual([5]);
  const through = request(MINUTE, 2 * MINUTE);
  expect(missing([through], [answer(MINUTE / 2), answer(MINUTE + 9), answer(5 * MINUTE)])).toEqual([
    MINUTE / 2,
    5 * MINUTE,
  ]);
  // Noted right after its last byte.
  expect(missing([through], [answer(2 * MINUTE + 300)])).toEqual([]);
  expect(missing([through], [answer(MINUTE + 9, S.toUpperCase())])).toEqual([]);
  expect(missing([through], [answer(MINUTE + 9, S, "claude"), answer(MINUTE + 9, null)])).toEqual([
    MINUTE + 9,
    MINUTE + 9,
  ]);
});

test("a request stands for one answer, and one that failed or generates nothing for none", () => {
  expect(missing([request(0, MINUTE)], [answer(10), answer(20)])).toEqual([20]);
  expect(missing([request(0, MINUTE), request(0, MINUTE)], [answer(10), answer(20)])).toEqual([]);
  const none = [
    request(0, MINUTE, { outcome: "error", status_code: 502 }),
    request(0, MINUTE, { method: "GET", path: "/v1/models" }),
    request(0, MINUTE, { outcome: "refused", status_code: 403, refusals: 3 }),
    request(0, MINUTE, { session_id: undefined }),
  ];
  expect(missing(none, [answer(10)])).toEqual([10]);
  expect(missing([request(0, MINUTE, { outcome: "cut" })], [answer(10)])).toEqual([]);
  expect(missing([request(0, MINUTE, { outcome: "client_gone", status_code: 499 })], [answer(10)])).toEqual(
    [],
  );
});

test("of agents at the same time exactly those are missing that went another way, however their answers overlap", () => {
  const exchange = fc.record({
    from: fc.integer({ min: 0, max: 1000 }),
    length: fc.integer({ min: 1, max: 400 }),
    session: fc.constantFrom("a", "b"),
    isThrough: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(exchange, { maxLength: 30 }), (exchanges) => {
      const SECOND = 1000;
      const through = exchanges.filter(({ isThrough }) => isThrough);
      const requests = through.map(({ from, length, session }) =>
        request(from * SECOND, (from + length) * SECOND, { session_id: session }),
      );
      const answers = exchanges.map(({ from, length, session }) =>
        answer((from + length) * SECOND + 20, session),
      );
      // An answer may be taken for one that ended in the same moments, so that only their number is certain.
      expect(missing(requests, answers).length).toBe(exchanges.length - through.length);
      const alone = through.map(({ from, length, session }) =>
        answer((from + length) * SECOND + 20, session),
      );
      expect(missing(requests, alone)).toEqual([]);
    }),
  );
});
