import { expect, test } from "bun:test";
import { describeVerdicts, judge, type Kept, readRatios } from "../../bench/gate.ts";
import type { Row } from "../../bench/report.ts";

const KEPT: Kept = { date: "2026-01-01", machine: "one", ratios: { small: 2, large: 1.5 } };

const row = (workload: string, contender: string, cpuUs: number): Row => ({
  workload,
  contender,
  cpuUs,
  requestsPerSecond: 1,
  eventsPerSecond: null,
  cpuUsPerEvent: null,
  addedTtfbP50: 0,
  addedTtfbP99: 0,
  addedEventP50: null,
  addedEventP99: null,
  errors: 0,
});

test("a ratio is our CPU over the minimal proxy's, and a workload without either has none", () => {
  const rows = [
    row("small", "ch", 300),
    row("small", "minimal Bun", 120),
    row("large", "ch", 1_000),
    row("none", "direct", 1),
  ];
  expect(readRatios(rows)).toEqual({ small: 2.5 });
});

test("a ratio fails above 1.3 times the one that is kept, not at it", () => {
  const holds = (small: number): boolean =>
    judge({ small, large: 1 }, KEPT).every((verdict) => verdict.holds);
  expect(holds(2.6)).toBeTrue();
  expect(holds(2.61)).toBeFalse();
});

test("a workload that was not measured fails, and so does one that is not kept", () => {
  const verdicts = judge({ small: 2, other: 1 }, KEPT);
  expect(verdicts.filter(({ holds }) => !holds).map(({ workload }) => workload)).toEqual(["large", "other"]);
  expect(describeVerdicts(verdicts)).toBe(
    [
      "ok    small    2.00 x minimal Bun, kept   2.00, at most   2.60",
      "FAIL  large       - x minimal Bun, kept   1.50, at most   1.95",
      "FAIL  other    1.00 x minimal Bun, kept      -, at most      -",
    ].join("\n"),
  );
});

test("the ratios that are kept are of the workloads that the bench has", async () => {
  const { workloads } = await import("../../bench/wire.ts");
  const kept = (await Bun.file(new URL("../../bench/ratios.json", import.meta.url)).json()) as Kept;
  const names = workloads(true).map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(Object.keys(kept.ratios)));
  expect(Object.values(kept.ratios).every((ratio) => ratio > 0.5)).toBeTrue();
});
