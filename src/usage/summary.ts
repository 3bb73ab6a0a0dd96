// Adds up requests of the log by group: a row each, one for all of them, and how they went over time.
// Only requests that generate are counted; the others are counted apart.
// Pure.
import type { LogRecord } from "../log/record.ts";
import { type KeyOf, isTimeGroup, type Group } from "./groups.ts";
import type { Cost } from "./prices.ts";
import { type Tally, type TallyBuilder, createTally } from "./tally.ts";

export interface SummaryRow extends Tally {
  /** The group's value; null where the records do not say. */
  readonly key: string | null;
}

export interface Summary {
  readonly rows: readonly SummaryRow[];
  readonly total: Tally;
  /** Requests that generate nothing: model lists, token counting. */
  readonly other: number;
  /** Models that tokens were used of and that have no price, the most used first. */
  readonly unpriced_models: readonly string[];
}

export interface Summarizer {
  add(record: LogRecord, cost: Cost): void;
  /** All groups so far. */
  keys(): Iterable<string | null>;
  /**
   * Rows in the order of their names where these are times, else the largest total first. With `rename`, groups get
   * other names, and those of one name become one.
   */
  finish(rename?: (key: string | null) => string | null): Summary;
  /** How all of them went over time. */
  trend(): Trend;
}

export interface SummarizerOptions {
  readonly by: Group;
  readonly keyOf: KeyOf;
}

export function createSummarizer({ by, keyOf }: SummarizerOptions): Summarizer {
  const rows = new Map<string | null, TallyBuilder>();
  const unpriced = new Map<string, number>();
  const trend = createTrend();
  let other = 0;
  return {
    add(record, cost) {
      if (!isGeneration(record)) {
        other += 1;
        return;
      }
      const key = keyOf(record);
      let row = rows.get(key);
      if (row === undefined) rows.set(key, (row = createTally()));
      row.add(record, cost);
      if (cost.kind === "unpriced") {
        const model = cost.model ?? "-";
        const known = unpriced.get(model);
        if (known !== undefined || unpriced.size < MOST_MODELS) unpriced.set(model, (known ?? 0) + 1);
      }
      const tokens = record.usage?.total_tokens ?? 0;
      trend.add(record.timestamp_ms, tokens, cost.kind === "priced" ? cost.usd : 0);
    },
    keys: () => rows.keys(),
    finish(rename) {
      const total = createTally();
      for (const row of rows.values()) total.merge(row);
      const named = rename === undefined ? rows : renameRows(rows, rename);
      const finished = [...named].map(([key, row]): SummaryRow => ({ key, ...row.finish() }));
      return {
        rows: finished.toSorted(isTimeGroup(by) ? byName : bySize),
        total: total.finish(),
        other,
        unpriced_models: [...unpriced].toSorted(([, a], [, b]) => b - a).map(([model]) => model),
      };
    },
    trend: () => trend.finish(),
  };
}

type Rows = ReadonlyMap<string | null, TallyBuilder>;

function renameRows(rows: Rows, rename: (key: string | null) => string | null): Rows {
  const named = new Map<string | null, TallyBuilder>();
  for (const [key, row] of rows) {
    const name = rename(key);
    const same = named.get(name) ?? createTally();
    same.merge(row);
    named.set(name, same);
  }
  return named;
}

/** A client may send a million model names. */
const MOST_MODELS = 1000;

function byName(a: SummaryRow, b: SummaryRow): number {
  return (a.key ?? "") < (b.key ?? "") ? -1 : 1;
}

function bySize(a: SummaryRow, b: SummaryRow): number {
  return b.total_tokens - a.total_tokens || b.requests - a.requests;
}

const GENERATION_PATH = /\/(?:responses|responses\/compact|messages|chat\/completions)\/?$/;

/** True for a request that makes a model write. Only these are counted in totals. */
export function isGeneration({ method, path }: Pick<LogRecord, "method" | "path">): boolean {
  return method === "POST" && path !== undefined && GENERATION_PATH.test(path);
}

export interface TrendPoint {
  readonly tokens: number;
  readonly usd: number;
}

export interface Trend {
  /** The hours with requests, oldest first: ms since 1970, and what fell into each. */
  readonly hours: readonly (readonly [startMs: number, TrendPoint])[];
}

export interface TrendBuilder {
  add(timestampMs: number, tokens: number, usd: number): void;
  finish(): Trend;
}

const HOUR_MS = 3_600_000;

export function createTrend(): TrendBuilder {
  const hours = new Map<number, { tokens: number; usd: number }>();
  let lastHour: number | null = null;
  let last = { tokens: 0, usd: 0 };
  return {
    add(timestampMs, tokens, usd) {
      const hour = Math.floor(timestampMs / HOUR_MS);
      if (!Number.isFinite(hour)) return;
      if (hour !== lastHour) {
        lastHour = hour;
        last = hours.get(hour) ?? { tokens: 0, usd: 0 };
        hours.set(hour, last);
      }
      last.tokens += tokens;
      last.usd += usd;
    },
    finish: () => ({
      hours: [...hours]
        .map(([hour, point]): [number, TrendPoint] => [hour * HOUR_MS, point])
        .toSorted(([a], [b]) => a - b),
    }),
  };
}

export interface Steps {
  readonly fromMs: number;
  readonly toMs: number;
  readonly points: readonly TrendPoint[];
}

/** At most so many steps, each a whole number of hours; null for less than two hours. */
export function makeSteps({ hours }: Trend, most: number): Steps | null {
  const [first] = hours[0] ?? [];
  const [last] = hours.at(-1) ?? [];
  if (first === undefined || last === undefined || last === first) return null;
  const span = (last - first) / HOUR_MS + 1;
  const stepMs = Math.ceil(span / most) * HOUR_MS;
  const points = Array.from({ length: Math.ceil((span * HOUR_MS) / stepMs) }, () => ({ tokens: 0, usd: 0 }));
  for (const [start, { tokens, usd }] of hours) {
    const point = points[Math.floor((start - first) / stepMs)];
    if (point === undefined) continue;
    point.tokens += tokens;
    point.usd += usd;
  }
  return { fromMs: first, toMs: last + HOUR_MS, points };
}
