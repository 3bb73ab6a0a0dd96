import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { makeBalance, makeMeter } from "../../src/quota/balance.ts";
import { type Forecast, forecastEnd } from "../../src/quota/forecast.ts";
import { createLedger } from "../../src/quota/ledger.ts";
import { type Sample, makeReading, withBalance } from "../../src/quota/reading.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Friday, local. */
const NOON = new Date(2026, 10, 27, 12).getTime();

/** Dollars an hour at a time of the wall clock. */
type Pace = (at: number) => number;

interface History {
  readonly pace: Pace;
  /** What is left at the moment that is asked. */
  readonly left: number;
  readonly now?: number;
  /** Hours of it that were watched. */
  readonly hours?: number;
  /** A relay is read so often; null: the user's own ledger, by its slices. */
  readonly everyMin?: number | null;
  /** What a reading shows of what is left. */
  readonly shown?: (left: number, at: number, count: number) => number;
  readonly limit?: number;
}

const hourOf = (at: number): number => new Date(at).getHours() + new Date(at).getMinutes() / 60;
const within = (at: number, from: number, to: number): boolean => hourOf(at) >= from && hourOf(at) < to;
const spentBetween = (pace: Pace, from: number, to: number): number => {
  let sum = 0;
  for (let at = from; at < to; at += MINUTE) sum += pace(at) / 60;
  return sum;
};

/** When it really is at its end, if the pace goes on as it is given. */
function endOf({ left, now = NOON, pace }: History): number {
  let [at, rest] = [now, left];
  for (; rest > 0 && at < now + 14 * 24 * HOUR; at += MINUTE) rest -= pace(at) / 60;
  return at;
}

function forecast(history: History): Forecast | null {
  const { everyMin = 10, hours = 5, left, limit = 1_000, now = NOON, pace, shown = (one) => one } = history;
  const begin = now - hours * HOUR;
  if (everyMin === null) {
    const ledger = createLedger();
    for (let at = begin; at < now; at += 5 * MINUTE) {
      const usd = spentBetween(pace, at, at + 5 * MINUTE);
      if (usd > 0) ledger.add("k", at, usd);
    }
    const spent = spentBetween(pace, new Date(2026, 10, new Date(now).getDate()).getTime(), now);
    const reading = ledger.read("k", { day: spent + left, month: null }, now);
    const [meter] = reading.balance?.meters ?? [];
    return meter === undefined
      ? null
      : forecastEnd({ ...meter, left, resetsAt: null }, reading.samples["day"] ?? [], now);
  }
  let reading = makeReading("relay");
  let count = 0;
  for (let at = begin; at <= now; at += everyMin * MINUTE, count += 1) {
    const rest = left + spentBetween(pace, at, now);
    const meter = makeMeter({ name: "key", unit: "USD", left: shown(rest, at, count), limit });
    const balance = makeBalance([meter]);
    if (balance !== null) reading = withBalance(reading, balance, at);
  }
  const [meter] = reading.balance?.meters ?? [];
  return meter === undefined ? null : forecastEnd({ ...meter, left }, reading.samples["key"] ?? [], now);
}

const after =
  (from: number, usd: number, before = 0): Pace =>
  (at) =>
    at >= from ? usd : before;

const TOLD: readonly (readonly [string, History])[] = [
  ["an even pace", { pace: () => 6, left: 12 }],
  ["half an hour of work after a pause", { pace: after(NOON - 30 * MINUTE, 7), left: 6.5, everyMin: null }],
  [
    "the same at a relay that was read before it",
    { pace: after(NOON - 35 * MINUTE, 7), left: 6.5, everyMin: 5 },
  ],
  ["faster for half an hour", { pace: after(NOON - 30 * MINUTE, 12, 3), left: 20 }],
  ["slower for half an hour", { pace: after(NOON - 40 * MINUTE, 2, 8), left: 6 }],
  [
    "a burst of ten minutes in each half hour",
    { pace: (at) => (new Date(at).getMinutes() % 30 < 10 ? 12 : 0), left: 9, everyMin: 5 },
  ],
  [
    "two replicas, of which one is ten minutes behind",
    {
      pace: () => 6,
      left: 9,
      everyMin: 5,
      shown: (left, _at, count) => (count % 2 === 0 ? left : left + 1),
    },
  ],
  [
    "a top-up in the middle",
    { pace: () => 6, left: 14, shown: (left, at) => (at < NOON - HOUR ? left - 12 : left) },
  ],
  [
    "two top-ups",
    {
      pace: () => 6,
      left: 14,
      shown: (left, at) => (at < NOON - 2 * HOUR ? left - 20 : at < NOON - HOUR ? left - 10 : left),
    },
  ],
  [
    "work until lunch and after it",
    {
      pace: (at) => (within(at, 12, 13) ? 0 : 5),
      left: 8,
      now: NOON + 2 * HOUR,
      everyMin: null,
    },
  ],
  [
    "days of work and nights without, in the morning",
    {
      pace: (at) => (within(at, 9, 18) ? 4 : 0),
      left: 40,
      now: NOON - 2 * HOUR,
      everyMin: null,
    },
  ],
  [
    "days of work and nights without, in the afternoon",
    {
      pace: (at) => (within(at, 9, 18) ? 4 : 0),
      left: 60,
      now: NOON + 5 * HOUR,
    },
  ],
  ["an agent that works through the night", { pace: () => 4, left: 60, now: NOON + 12 * HOUR }],
  ["a reading an hour", { pace: () => 2, left: 8, everyMin: 60 }],
  ["whole per cents", { pace: () => 9, left: 30, limit: 100, shown: (left) => Math.round(left) }],
  [
    "one request in twenty minutes",
    {
      pace: (at) => (new Date(at).getMinutes() % 20 === 0 ? 60 : 0),
      left: 6,
      everyMin: null,
    },
  ],
  ["a pace that goes up and down by the hour", { pace: (at) => 5 + Math.sin(at / HOUR), left: 12 }],
];

describe("the truth lies within what is said", () => {
  test.each(TOLD)("%s", (_, history) => {
    const said = forecast(history);
    const truth = endOf(history);
    const { now = NOON } = history;
    const hours = (at = Number.NaN): number => Math.round((at - now) / 36_000) / 100;
    expect({
      from: said !== null && said.from <= truth,
      to: said !== null && said.to >= truth,
      said: [hours(said?.from), hours(said?.to)],
      truth: hours(truth),
    }).toMatchObject({
      from: true,
      to: true,
    });
    // Of something that is near it is no use to say anything that may be far.
    if (truth - now < 3 * HOUR) expect((said?.to ?? 0) - now).toBeLessThan(4 * (truth - now));
  });
});

const SILENT: readonly (readonly [string, History])[] = [
  ["nothing was spent", { pace: () => 0, left: 12 }],
  ["the work has ended two hours ago", { pace: (at) => (at < NOON - 2 * HOUR ? 8 : 0), left: 6 }],
  [
    "it is night",
    { pace: (at) => (within(at, 9, 18) ? 4 : 0), left: 20, now: NOON + 10 * HOUR, everyMin: null },
  ],
  [
    "two replicas answer in turn, and nothing is spent",
    {
      pace: () => 0,
      left: 12,
      everyMin: 5,
      shown: (left, _at, count) => (count % 2 === 0 ? left : left - 0.5),
    },
  ],
  [
    "three replicas answer by chance, and nothing is spent",
    {
      pace: () => 0,
      left: 12,
      everyMin: 5,
      shown: (left, at) => left + (Bun.hash.crc32(String(at)) % 3) * 0.3,
    },
  ],
  [
    "only top-ups came in",
    { pace: () => 0, left: 12, shown: (left, at) => (at < NOON - HOUR ? left - 10 : left) },
  ],
  ["it lasts for weeks", { pace: () => 0.01, left: 12 }],
  ["there is one reading", { pace: () => 6, left: 12, hours: 0 }],
  ["the readings are of nine minutes", { pace: () => 6, left: 12, hours: 0.15, everyMin: 3 }],
  ["nothing is left", { pace: () => 6, left: 0 }],
];

describe("nothing is said where", () => {
  test.each(SILENT)("%s", (_, history) => {
    expect(forecast(history)).toBeNull();
  });
});

test("a window that is full again before is never at its end, and one that may be ends with it", () => {
  const meter = { name: "5h", unit: "%", limit: 100, used: 60, left: 40 };
  const samples: Sample[] = Array.from({ length: 25 }, (_, index) => [
    NOON - (24 - index) * 10 * MINUTE,
    40 + (24 - index) * 2,
  ]);
  const at = (resetsAt: number | null): Forecast | null => forecastEnd({ ...meter, resetsAt }, samples, NOON);
  const open = at(null);
  // 12 an hour: three hours and twenty minutes.
  expect([open?.from, open?.to].map((end) => Math.round(((end ?? 0) - NOON) / MINUTE))).toEqual([150, 260]);
  expect(at(NOON + 2 * HOUR)).toBeNull();
  expect(at(NOON + 3 * HOUR)).toEqual({ from: open?.from ?? 0, to: NOON + 3 * HOUR });
  expect(at(NOON + 9 * HOUR)).toEqual(open);
});

test("no history gives a range that is empty, past, or no number", () => {
  const sample = fc.tuple(fc.integer({ min: 0, max: 400 }), fc.double({ min: 0, max: 1e6, noNaN: true }));
  fc.assert(
    fc.property(
      fc.array(sample, { maxLength: 60 }),
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      (some, left) => {
        const samples = some
          .map(([minutes, rest]): Sample => [NOON - minutes * MINUTE, rest])
          .toSorted(([one], [other]) => one - other);
        const said = forecastEnd(
          { name: "x", unit: "USD", limit: null, used: null, left, resetsAt: null },
          samples,
          NOON,
        );
        if (said === null) return;
        expect(said.from).toBeGreaterThanOrEqual(NOON);
        expect(said.to).toBeGreaterThanOrEqual(said.from);
        expect(Number.isFinite(said.to)).toBe(true);
      },
    ),
  );
});
