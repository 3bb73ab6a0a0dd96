// What was spent at each upstream this month, and what that leaves of the user's own budget. Days and months are those of
// the local calendar. Reads no log: each cost is passed in.
import { type Text, t } from "../base/text.ts";
import { type Meter, makeBalance, makeMeter } from "./balance.ts";
import { type Reading, type Sample, makeReading } from "./reading.ts";

/** US dollars; null for no limit. */
export interface BudgetLimits {
  readonly day: number | null;
  readonly month: number | null;
}

interface Account {
  /** Dollars by the start of their slice, which divides a day in every time zone. */
  readonly slices: Map<number, number>;
  /** What could not be counted: at, wall clock in ms, and how many. */
  readonly unpriced: Map<number, number>;
  readonly withoutUsage: Map<number, number>;
  /** Counted, but not the whole of it. */
  readonly partial: Map<number, number>;
}

const SLICE_MS = 300_000;
const FORECAST_MS = 4 * 3_600_000;

export function createLedger() {
  const accounts = new Map<string, Account>();
  const accountOf = (key: string): Account =>
    accounts.getOrInsertComputed(key, () => ({
      slices: new Map(),
      unpriced: new Map(),
      withoutUsage: new Map(),
      partial: new Map(),
    }));
  return {
    /** `key`: whose money. `at`: wall clock, ms. `usd` null: an unpriced request. */
    add(key: string, at: number, usd: number | null): void {
      if (usd === null) this.addUncounted(key, at, { unpriced: 1, withoutUsage: 0, partial: 0 });
      else if (usd > 0) increase(accountOf(key).slices, at - (at % SLICE_MS), usd);
    },
    /** So many requests at that time without a price, so many whose tokens are unknown, or known in part. */
    addUncounted(
      key: string,
      at: number,
      count: Record<"unpriced" | "withoutUsage" | "partial", number>,
    ): void {
      if (count.unpriced > 0) increase(accountOf(key).unpriced, at, count.unpriced);
      if (count.withoutUsage > 0) increase(accountOf(key).withoutUsage, at, count.withoutUsage);
      if (count.partial > 0) increase(accountOf(key).partial, at, count.partial);
    },
    /** `now`: wall clock, ms. */
    read(key: string, limits: BudgetLimits, now: number): Reading {
      const { day, month } = findPeriods(now);
      const account = accountOf(key);
      for (const counts of Object.values(account)) forget(counts, month.start);
      const slices = [...account.slices].toSorted(([one], [other]) => one - other);
      const days = readPeriod("day", limits.day, { ...day, slices, now });
      const months = readPeriod("month", limits.month, { ...month, slices, now });
      const periods = [days, months].filter((period) => period !== null);
      return {
        ...makeReading("budget"),
        balance: makeBalance(periods.map(({ meter }) => meter)),
        at: now,
        triedAt: now,
        samples: Object.fromEntries(periods.map(({ meter, samples }) => [meter.name, samples])),
        error: describeUncounted(account),
      };
    },
  };
}

interface Period {
  /** Wall clock, ms. */
  readonly start: number;
  readonly end: number;
}

interface PeriodInput extends Period {
  readonly slices: readonly (readonly [start: number, usd: number])[];
  readonly now: number;
}

function readPeriod(
  name: string,
  limit: number | null,
  { end, now, slices, start }: PeriodInput,
): { readonly meter: Meter; readonly samples: readonly Sample[] } | null {
  if (limit === null) return null;
  const from = Math.max(start, now - FORECAST_MS);
  const own = slices.filter(([at]) => at >= start && at <= now);
  let used = own.filter(([at]) => at < from).reduce((sum, [, usd]) => sum + usd, 0);
  const samples: Sample[] = [[from, Math.max(0, limit - used)]];
  for (const [at, usd] of own.filter(([slice]) => slice >= from)) {
    used += usd;
    samples.push([Math.min(now, at + SLICE_MS), Math.max(0, limit - used)]);
  }
  const meter = makeMeter({ name, unit: "USD", limit, used, resetsAt: end });
  return meter === null ? null : { meter, samples };
}

/** The local day and month around a moment. */
function findPeriods(now: number): { readonly day: Period; readonly month: Period } {
  const date = new Date(now);
  const [year, month, day] = [date.getFullYear(), date.getMonth(), date.getDate()];
  const at = (months: number, days: number): number => new Date(year, month + months, days).getTime();
  return {
    day: { start: at(0, day), end: at(0, day + 1) },
    month: { start: at(0, 1), end: at(1, 1) },
  };
}

function describeUncounted({ partial, unpriced, withoutUsage }: Account): Text | null {
  const [prices = 0, usages = 0, parts = 0] = [unpriced, withoutUsage, partial].map((counts) =>
    [...counts.values()].reduce((sum, count) => sum + count, 0),
  );
  if (parts > 0 && !prices && !usages) return t`requests of which a part is unknown: ${parts}`;
  if (parts > 0)
    return t`not counted: ${prices} requests without a price, ${usages} of unknown usage, a part of ${parts}`;
  if (!prices && !usages) return null;
  if (!usages) return t`requests without a price, not counted: ${prices}`;
  if (!prices) return t`requests of unknown usage, not counted: ${usages}`;
  return t`not counted: ${prices} requests without a price, ${usages} of unknown usage`;
}

function increase(counts: Map<number, number>, at: number, by: number): void {
  counts.set(at, (counts.get(at) ?? 0) + by);
}

function forget(counts: Map<number, number>, before: number): void {
  for (const at of counts.keys()) if (at < before) counts.delete(at);
}
