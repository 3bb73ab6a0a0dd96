// What was spent of each budget, and what that leaves of it, with how it went down in the last hours. Days, weeks and months are
// those of the local calendar. Reads no log: each cost is passed in.
// Pure.
import { type Text, t } from "../base/text.ts";
import { BUDGET_WINDOWS } from "../config/budget-schema.ts";
import { type Meter, makeBalance, makeMeter } from "./balance.ts";
import { type Span, spanOf } from "./budget.ts";
import { type Reading, type Sample, makeReading } from "./reading.ts";

/** Null for no limit. */
export interface BudgetLimits {
  readonly day: number | null;
  readonly month: number | null;
  readonly week?: number | null;
  readonly "5h"?: number | null;
}

interface ReadOptions {
  readonly unit?: string | undefined;
  /** What other machines have spent in each window. */
  readonly others?: Readonly<Partial<Record<string, number>>>;
}

interface Account {
  /** Dollars, or whatever else is counted, by the start of their slice, which divides a day in every time zone. */
  readonly slices: Map<number, number>;
  /** What could not be counted: at, wall clock in ms, and how many. */
  readonly unpriced: Map<number, number>;
  readonly withoutUsage: Map<number, number>;
  /** Counted, but not the whole of it. */
  readonly partial: Map<number, number>;
  /** Counted by what was expected. */
  readonly estimated: Map<number, number>;
}

type Uncounted = Readonly<Record<"unpriced" | "withoutUsage" | "partial", number>> & {
  readonly estimated?: number;
};

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
      estimated: new Map(),
    }));
  return {
    /** `key`: whose money. `at`: wall clock, ms. `usd` null: an unpriced request. */
    add(key: string, at: number, usd: number | null): void {
      if (usd === null) this.addUncounted(key, at, { unpriced: 1, withoutUsage: 0, partial: 0 });
      else if (usd > 0) increase(accountOf(key).slices, at - (at % SLICE_MS), usd);
    },
    /** So many requests at that time without a price, so many whose tokens are unknown, or known in part. */
    addUncounted(key: string, at: number, count: Uncounted): void {
      if (count.unpriced > 0) increase(accountOf(key).unpriced, at, count.unpriced);
      if (count.withoutUsage > 0) increase(accountOf(key).withoutUsage, at, count.withoutUsage);
      if (count.partial > 0) increase(accountOf(key).partial, at, count.partial);
      if (count.estimated) increase(accountOf(key).estimated, at, count.estimated);
    },
    /** `now`: wall clock, ms. */
    read(
      key: string,
      limits: BudgetLimits,
      now: number,
      { others = {}, unit = "USD" }: ReadOptions = {},
    ): Reading {
      const account = accountOf(key);
      const oldest = Math.min(spanOf("month", now).start, spanOf("week", now).start);
      for (const counts of Object.values(account)) forget(counts, oldest);
      const slices = [...account.slices].toSorted(([one], [other]) => one - other);
      const periods = BUDGET_WINDOWS.map((per) =>
        readPeriod(unit === "USD" ? per : `${per} ${unit}`, limits[per] ?? null, {
          ...spanOf(per, now),
          isRolling: per === "5h",
          unit,
          slices,
          usedByOthers: others[per] ?? 0,
          now,
        }),
      ).filter((period) => period !== null);
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

interface PeriodInput extends Span {
  readonly unit: string;
  /** It ends with the moment, and is never full again at once. */
  readonly isRolling: boolean;
  readonly slices: readonly (readonly [start: number, usd: number])[];
  readonly usedByOthers: number;
  readonly now: number;
}

function readPeriod(
  name: string,
  limit: number | null,
  { end, isRolling, now, slices, start, unit, usedByOthers }: PeriodInput,
): { readonly meter: Meter; readonly samples: readonly Sample[] } | null {
  if (limit === null) return null;
  const from = Math.max(start, now - FORECAST_MS);
  const own = slices.filter(([at]) => at >= start && at <= now);
  let used = own.filter(([at]) => at < from).reduce((sum, [, usd]) => sum + usd, usedByOthers);
  const samples: Sample[] = [[from, Math.max(0, limit - used)]];
  for (const [at, usd] of own.filter(([slice]) => slice >= from)) {
    used += usd;
    samples.push([Math.min(now, at + SLICE_MS), Math.max(0, limit - used)]);
  }
  const meter = makeMeter({ name, unit, limit, used, resetsAt: isRolling ? null : end });
  return meter === null ? null : { meter, samples };
}

function describeUncounted(account: Account): Text | null {
  const { estimated, partial, unpriced, withoutUsage } = account;
  const sums = [unpriced, withoutUsage, partial, estimated].map((counts) =>
    [...counts.values()].reduce((sum, count) => sum + count, 0),
  );
  const [prices = 0, usages = 0, parts = 0, guesses = 0] = sums;
  const others = describeCounts(prices, usages, parts);
  if (guesses === 0) return others;
  const words = t`answers of unknown usage, counted by an estimate: ${guesses}`;
  return others === null ? words : t`${others}; ${words}`;
}

function describeCounts(prices: number, usages: number, parts: number): Text | null {
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
