import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Report, createReport } from "../../src/usage/report.ts";
import { makeRecord } from "../log/make-record.ts";

const dayOf = (timestampMs: number): string => new Date(timestampMs).toISOString().slice(0, 10);
const DAY_MS = 86_400_000;
const FIRST = Date.UTC(2026, 1, 26);

function reportOf(entries: readonly Readonly<Record<string, unknown>>[]): Report {
  const builder = createReport({ dayOf, costOf: () => ({ kind: "priced", usd: 1 }) });
  for (const entry of entries) {
    builder.add(
      makeRecord({ method: "POST", path: "/v1/responses", outcome: "ok", upstream_base_url: "u", ...entry }),
    );
  }
  return builder.finish();
}

test("has every day from the first to the last, with what each upstream did on it", () => {
  const { periods } = reportOf([
    { timestamp_ms: FIRST + 3 * DAY_MS, usage: { total_tokens: 5 } },
    { timestamp_ms: FIRST, upstream_base_url: null },
    { timestamp_ms: FIRST, path: "/v1/models" },
  ]);
  expect(periods.map(({ name, byUpstream }) => [name, ...byUpstream.keys()])).toEqual([
    ["2026-02-26", "-"],
    ["2026-02-27"],
    ["2026-02-28"],
    ["2026-03-01", "u"],
  ]);
  expect(periods.at(-1)?.byUpstream.get("u")).toMatchObject({ requests: 1, total_tokens: 5, cost_usd: 1 });
});

test("has no day and no upstream for lines that stand for refused requests", () => {
  const entry = { timestamp_ms: FIRST, usage: { total_tokens: 5 } };
  const refused = { timestamp_ms: FIRST + DAY_MS, upstream_base_url: null, outcome: "refused", refusals: 3 };
  expect(reportOf([entry, refused])).toEqual(reportOf([entry]));
});

test("goes by month where there are more days than a picture has room for", () => {
  const entries = [0, 40, 100].map((day) => ({ timestamp_ms: FIRST + day * DAY_MS }));
  const { periods } = reportOf(entries);
  expect(periods.map(({ name, byUpstream }) => [name, byUpstream.get("u")?.requests])).toEqual([
    ["2026-02", 1],
    ["2026-03", undefined],
    ["2026-04", 1],
    ["2026-05", undefined],
    ["2026-06", 1],
  ]);
});

test("loses no request, and bears a clock that stood wrong", () => {
  const time = fc.oneof(
    fc.integer({ min: FIRST, max: FIRST + 50 * DAY_MS }),
    fc.constantFrom(0, 8.64e15, -1),
  );
  fc.assert(
    fc.property(fc.array(time, { maxLength: 20 }), (times) => {
      const { periods, upstreams } = reportOf(times.map((timestamp_ms) => ({ timestamp_ms })));
      expect(upstreams.total.requests).toBe(times.length);
      const drawn = periods.reduce((sum, { byUpstream }) => sum + (byUpstream.get("u")?.requests ?? 0), 0);
      if (times.every((one) => one >= FIRST && one < 8e15)) expect(drawn).toBe(times.length);
      expect(periods.length).toBeLessThan(2000);
    }),
    { numRuns: 50 },
  );
});

test("of nothing is empty", () => {
  expect(reportOf([]).periods).toEqual([]);
});
