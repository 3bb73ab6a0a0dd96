// What a report shows: all requests, by upstream, by model, and by upstream over time.
// Pure.
import type { LogRecord } from "../log/record.ts";
import { makeKeyOf } from "./groups.ts";
import type { Pricer } from "./prices.ts";
import { type Summary, createSummarizer, isGeneration } from "./summary.ts";
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

export interface ReportBuilder {
  add(record: LogRecord): void;
  finish(): Report;
}

export interface ReportOptions {
  readonly costOf: Pricer["costOf"];
  /** "2026-11-22": the local day of a time in ms since 1970. */
  readonly dayOf: (timestampMs: number) => string;
}

/** What the picture calls requests that never came to an upstream. */
export const NO_UPSTREAM = "-";
const MOST_DAYS = 92;

export function createReport({ costOf, dayOf }: ReportOptions): ReportBuilder {
  const upstreamOf = makeKeyOf("upstream", dayOf);
  const dayKeyOf = makeKeyOf("day", dayOf);
  const upstreams = createSummarizer({ by: "upstream", keyOf: upstreamOf });
  const models = createSummarizer({ by: "model", keyOf: makeKeyOf("model", dayOf) });
  const days = new Map<string, Map<string, TallyBuilder>>();
  return {
    add(record) {
      const cost = costOf(record);
      upstreams.add(record, cost);
      models.add(record, cost);
      const day = dayKeyOf(record);
      if (day === null || !isGeneration(record)) return;
      const name = upstreamOf(record) ?? NO_UPSTREAM;
      const byUpstream = getOrMake(days, day, () => new Map<string, TallyBuilder>());
      getOrMake(byUpstream, name, createTally).add(record, cost);
    },
    finish: () => ({ upstreams: upstreams.finish(), models: models.finish(), periods: makePeriods(days) }),
  };
}

function makePeriods(days: ReadonlyMap<string, ReadonlyMap<string, TallyBuilder>>): Period[] {
  const names = [...days.keys()].toSorted();
  const [first = ""] = names;
  const last = names.at(-1) ?? "";
  const all = listDays(first, last);
  const length = all.length > MOST_DAYS ? "2026-11".length : "2026-11-22".length;
  const periods = new Map<string, Map<string, TallyBuilder>>();
  for (const day of all) {
    const period = getOrMake(periods, day.slice(0, length), () => new Map<string, TallyBuilder>());
    for (const [upstream, tally] of days.get(day) ?? [])
      getOrMake(period, upstream, createTally).merge(tally);
  }
  return [...periods].map(([name, byUpstream]) => ({
    name,
    byUpstream: new Map([...byUpstream].map(([upstream, tally]) => [upstream, tally.finish()])),
  }));
}

const DAY_MS = 86_400_000;
/** A clock that once stood wrong must not make a page of a million days. */
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

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
