import { expect, test } from "bun:test";
import { makeBalance, makeMeter } from "../../src/quota/balance.ts";
import { forecastEnd } from "../../src/quota/forecast.ts";
import { makeReading, withBalance } from "../../src/quota/reading.ts";

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;

function meterOf(left: number, resetsAt: number | null = null) {
  const meter = makeMeter({ name: "key", unit: "USD", left, limit: 20, resetsAt });
  if (meter === null) throw new Error("no meter");
  return meter;
}

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
  const end = forecastEnd(meterOf(1), samples, now);
  expect(end?.from).toBeLessThan(now + MINUTE);
  expect(end?.to).toBeGreaterThan(now + MINUTE);
});
