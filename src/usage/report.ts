// What a report shows: all requests, by upstream, by model, and by upstream over time.
// Pure.
import type { LogRecord } from "../log/record.ts";
import { makeKeyOf } from "./groups.ts";
import type { Pricer } from "./prices.ts";
import { billedAttempts, isGeneration } from "./outcome.ts";
import { type Summary, UNKNOWN, createSummarizer } from "./summary.ts";
import { type Tally, type TallyBuilder, createTally } from "./tally.ts";

export interface Report {
  readonly upstreams: Summary;
  readonly models: Summary;
  /** Without a gap: days, or months where there are too many days for a picture. */
  readonly periods: readonly Period[];
}

export interface Period {
  /** "2026-11-22" or "2026-11". */
  readonly name: string;
  /** By upstream, named as in the summary; what had no request is not in it. */
  readonly byUpstream: ReadonlyMap<string, Tally>;
}

export interface ReportOptions {
  readonly costOf: Pricer["costOf"];
  /** "2026-11-22": the local day of a time in ms since 1970. */
  readonly dayOf: (timestampMs: number) => string;
}

/** What the picture calls requests that never came to an upstream. */
export const NO_UPSTREAM = "-";
const MOST_DAYS = 92;

export function createReport({ costOf, dayOf }: ReportOptions) {
  const upstreamOf = makeKeyOf("upstream", dayOf);
  const dayKeyOf = makeKeyOf("day", dayOf);
  const upstreams = createSummarizer({ by: "upstream", keyOf: upstreamOf });
  const models = createSummarizer({ by: "model", keyOf: makeKeyOf("model", dayOf) });
  const days = new Map<string, Tallies>();
  return {
    add(record: LogRecord): void {
      if (record.refusals !== undefined) return;
      const cost = costOf(record);
      upstreams.add(record, cost);
      models.add(record, cost);
      const day = dayKeyOf(record);
      if (day === null || !isGeneration(record)) return;
      const tallyOf = (one: LogRecord): TallyBuilder =>
        days
          .getOrInsertComputed(day, makeTallies)
          .getOrInsertComputed(upstreamOf(one) ?? NO_UPSTREAM, createTally);
      tallyOf(record).add(record, cost);
      for (const [index, attempt] of billedAttempts(record).entries())
        tallyOf(attempt).addAttempt(attempt, cost.attempts?.[index] ?? UNKNOWN);
    },
    finish: (): Report => ({
      upstreams: upstreams.finish(),
      models: models.finish(),
      periods: makePeriods(days),
    }),
  };
}

/** By upstream. */
type Tallies = Map<string, TallyBuilder>;
const makeTallies = (): Tallies => new Map();

function makePeriods(days: ReadonlyMap<string, Tallies>): Period[] {
  const names = [...days.keys()].toSorted();
  const [first = ""] = names;
  const last = names.at(-1) ?? "";
  const all = listDays(first, last);
  const length = all.length > MOST_DAYS ? "2026-11".length : "2026-11-22".length;
  const periods = new Map<string, Tallies>();
  for (const day of all) {
    const period = periods.getOrInsertComputed(day.slice(0, length), makeTallies);
    for (const [upstream, tally] of days.get(day) ?? [])
      period.getOrInsertComputed(upstream, createTally).merge(tally);
  }
  return [...periods].map(([name, byUpstream]) => ({
    name,
    byUpstream: new Map([...byUpstream].map(([upstream, tally]) => [upstream, tally.finish()])),
  }));
}

const DAY_MS = 86_400_000;
/** A clock that was wrong once must not make a page of a million days. */
const MOST_LISTED = 40_000;

/** From the first to the last, both included. Counted in UTC, where every day has 24 hours. */
function listDays(first: string, last: string): string[] {
  const start = Date.parse(first);
  const count = Math.round((Date.parse(last) - start) / DAY_MS) + 1;
  if (!(count > 0)) return [];
  return Array.from({ length: Math.min(count, MOST_LISTED) }, (_, index) =>
    new Date(start + index * DAY_MS).toISOString().slice(0, 10),
  );
}
