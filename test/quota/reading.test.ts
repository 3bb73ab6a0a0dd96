import { expect, test } from "bun:test";
import { makeBalance, makeMeter } from "../../src/quota/balance.ts";
import { forecastEnd, makeReading, withBalance } from "../../src/quota/reading.ts";

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function meterOf(left: number, resetsAt: number | null = null) {
  const meter = makeMeter({ name: "key", unit: "USD", left, limit: 20, resetsAt });
  if (meter === null) throw new Error("no meter");
  return meter;
}

test("the spending of the last hours goes on until nothing is left", () => {
  const samples = [
    [NOW - 2 * HOUR, 10],
    [NOW - HOUR, 9],
    [NOW, 8],
  ] as const;
  expect(forecastEnd(meterOf(8), samples, NOW)).toBe(NOW + 8 * HOUR);
});

test("a top-up is not spending, and what is older than the window does not count", () => {
  const samples = [
    [NOW - 9 * HOUR, 20],
    [NOW - 2 * HOUR, 4],
    [NOW - HOUR, 14],
    [NOW, 12],
  ] as const;
  expect(forecastEnd(meterOf(12), samples, NOW)).toBe(NOW + 12 * HOUR);
});

test("nothing is said without spending, before ten minutes, behind a reset, and for the far future", () => {
  const since = (ms: number, before: number): readonly (readonly [number, number])[] => [
    [NOW - ms, before],
    [NOW, 8],
  ];
  expect(forecastEnd(meterOf(8), since(HOUR, 8), NOW)).toBeNull();
  expect(forecastEnd(meterOf(8), since(9 * MINUTE, 10), NOW)).toBeNull();
  expect(forecastEnd(meterOf(8), [], NOW)).toBeNull();
  expect(forecastEnd(meterOf(8, NOW + 3 * HOUR), since(HOUR, 10), NOW)).toBeNull();
  expect(forecastEnd(meterOf(8, NOW + 5 * HOUR), since(HOUR, 10), NOW)).toBe(NOW + 4 * HOUR);
  expect(forecastEnd(meterOf(8), since(HOUR, 8.01), NOW)).toBeNull();
  expect(forecastEnd(meterOf(0), since(HOUR, 10), NOW)).toBeNull();
});

test("a reading a minute for a day keeps the samples of some hours, few enough to be stored", () => {
  let reading = makeReading("relay");
  for (let minute = 0; minute < 1_440; minute += 1) {
    const balance = makeBalance([meterOf(1_440 - minute)]);
    if (balance !== null) reading = withBalance(reading, balance, NOW + minute * MINUTE);
  }
  const samples = reading.samples["key"] ?? [];
  expect(samples.length).toBeLessThanOrEqual(82);
  expect(samples.length).toBeGreaterThan(60);
  const now = NOW + 1_439 * MINUTE;
  expect(samples.at(-1)).toEqual([now, 1]);
  const end = forecastEnd(meterOf(1), samples, now) ?? 0;
  expect(Math.abs(end - (now + MINUTE))).toBeLessThan(MINUTE);
});
