import { expect, test } from "bun:test";
import fc from "fast-check";
import { findTicks } from "../../../src/cli/report/axis.ts";
import { type Unit, listNames } from "../../../src/usage/timeline.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const hourOf = (at: number): string => `${new Date(at).toISOString().slice(0, 13).replace("T", " ")}:00`;
const FIRST = Date.UTC(2026, 10, 24);

function ticksOf(unit: Unit, from: number, to: number): string[] {
  const names = listNames(from, to, { unit, nameOf: hourOf });
  return findTicks(names, unit, 8).map(({ index, label }) => `${names[index]?.slice(5)}=${label}`);
}

test.each<[what: string, unit: Unit, spanMs: number, ticks: string[]]>([
  ["a single hour", "hour", 0, ["11-24"]],
  [
    "a day, by every third hour",
    "hour",
    23 * HOUR_MS,
    ["11-24", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"],
  ],
  ["two days, by every sixth", "hour", 47 * HOUR_MS, ["11-24", "06:00", "12:00", "18:00", "11-25", "06:00"]],
  ["a week of hours, by the day", "hour", 167 * HOUR_MS, ["11-24", "11-25", "11-26", "11-27", "11-28"]],
  ["a week", "day", 6 * DAY_MS, ["11-24", "11-25", "11-26", "11-27", "11-28", "11-29", "11-30"]],
  ["nine days, by the Monday", "day", 8 * DAY_MS, ["11-30"]],
  ["a month", "day", 29 * DAY_MS, ["11-30", "12-07", "12-14", "12-21"]],
])("%s", (_, unit, spanMs, ticks) => {
  const labels = ticksOf(unit, FIRST, FIRST + spanMs).map((tick) => tick.split("=")[1] ?? "");
  expect(labels.slice(0, ticks.length)).toEqual(ticks);
});

test("marks every Monday of three months, and names every second", () => {
  const ticks = ticksOf("day", FIRST, FIRST + 90 * DAY_MS);
  expect(ticks).toHaveLength(13);
  expect(ticks.slice(0, 4)).toEqual(["11-30=11-30", "12-07=", "12-14=12-14", "12-21="]);
});

test("marks every month of two years, and names every third", () => {
  const ticks = ticksOf("month", FIRST, FIRST + 700 * DAY_MS);
  expect(ticks).toHaveLength(24);
  expect(ticks.slice(0, 4)).toEqual(["11=2026-11", "12=", "01=", "02=2027-02"]);
});

test("never names more than there is room for, nor what is no period", () => {
  const anyUnit = fc.constantFrom<Unit>("hour", "day", "month");
  fc.assert(
    fc.property(anyUnit, fc.nat(800), fc.integer({ min: 1, max: 12 }), (unit, days, most) => {
      const shown = unit === "hour" ? days % 8 : days;
      const names = listNames(FIRST, FIRST + shown * DAY_MS, { unit, nameOf: hourOf });
      const ticks = findTicks(names, unit, most);
      expect(ticks.filter(({ label }) => label !== "").length).toBeLessThanOrEqual(most);
      expect(ticks.every(({ index }) => names[index] !== undefined)).toBe(true);
    }),
    { numRuns: 100 },
  );
});
