// Adds up requests of the log by group: a row each, one for all of them, and how they went over time.
// Only requests that generate are counted; the others are counted apart, and those that the guard turned away not at all.
// Pure.
import type { LogRecord } from "../log/record.ts";
import { billedAttempts, isGeneration } from "./outcome.ts";
import { type KeyOf, isTimeGroup, type Group } from "./groups.ts";
import type { AttemptCost, Cost } from "./prices.ts";
import { type Tally, type TallyBuilder, createTally } from "./tally.ts";

export interface SummaryRow extends Tally {
  /** The group's value; null where the records do not say. */
  readonly key: string | null;
  /** Of an address: what its upstreams were called. Absent of other groups, and where no line says so. */
  readonly labels?: readonly string[];
}

export interface Summary {
  readonly rows: readonly SummaryRow[];
  readonly total: Tally;
  /** Requests that generate nothing: model lists, token counting. */
  readonly other: number;
  /** Models that tokens were used of and that have no price, the most used first. */
  readonly unpriced_models: readonly string[];
}

export function createSummarizer({ by, keyOf }: { readonly by: Group; readonly keyOf: KeyOf }) {
  const rows = new Map<string | null, TallyBuilder>();
  const unpriced = new Map<string, number>();
  const labels = new Map<string | null, Set<string>>();
  const noteLabel = (record: LogRecord): void => {
    const { upstream_label: label } = record;
    if (by === "upstream" && label !== undefined)
      labels.getOrInsertComputed(keyOf(record), () => new Set<string>()).add(label);
  };
  const trend = createTrend();
  let other = 0;
  const noteCost = ({ timestamp_ms: at, usage }: LogRecord, cost: AttemptCost): void => {
    trend.add(at, usage?.total_tokens ?? 0, cost.kind === "priced" ? cost.usd : 0);
    if (cost.kind !== "unpriced") return;
    const model = cost.model ?? "-";
    const known = unpriced.get(model);
    if (known !== undefined || unpriced.size < MOST_MODELS) unpriced.set(model, (known ?? 0) + 1);
  };
  return {
    add(record: LogRecord, cost: Cost): void {
      if (record.refusals !== undefined) return;
      if (!isGeneration(record)) {
        other += 1;
        return;
      }
      noteLabel(record);
      rows.getOrInsertComputed(keyOf(record), createTally).add(record, cost);
      noteCost(record, cost);
      for (const [index, attempt] of billedAttempts(record).entries()) {
        const own = cost.attempts?.[index] ?? UNKNOWN;
        noteLabel(attempt);
        rows.getOrInsertComputed(keyOf(attempt), createTally).addAttempt(attempt, own);
        noteCost(attempt, own);
      }
    },
    /** All groups so far. */
    keys: () => rows.keys(),
    /**
     * Rows in the order of their names where these are times, else the largest total first. With `rename`, groups get
     * other names, and those of one name become one.
     */
    finish(rename?: (key: string | null) => string | null): Summary {
      const total = createTally();
      for (const row of rows.values()) total.merge(row);
      const named = rename === undefined ? rows : renameRows(rows, rename);
      const finished = [...named].map(([key, row]): SummaryRow => {
        const called = labels.get(key);
        return { key, ...(called === undefined ? {} : { labels: [...called] }), ...row.finish() };
      });
      return {
        rows: finished.toSorted(isTimeGroup(by) ? byName : bySize),
        total: total.finish(),
        other,
        unpriced_models: [...unpriced].toSorted(([, a], [, b]) => b - a).map(([model]) => model),
      };
    },
    /** How all of them went over time. */
    trend: trend.finish,
  };
}

export const UNKNOWN: AttemptCost = { kind: "unknown" };

type Rows = ReadonlyMap<string | null, TallyBuilder>;

function renameRows(rows: Rows, rename: (key: string | null) => string | null): Rows {
  const named = new Map<string | null, TallyBuilder>();
  for (const [key, row] of rows) named.getOrInsertComputed(rename(key), createTally).merge(row);
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

interface TrendPoint {
  tokens: number;
  usd: number;
}

/** The hours with requests, oldest first: ms since 1970, and what fell into each. */
export type Trend = readonly (readonly [startMs: number, Readonly<TrendPoint>])[];

const HOUR_MS = 3_600_000;

export function createTrend() {
  const hours = new Map<number, TrendPoint>();
  /** The last one is kept: lines go by time. */
  let hour = Number.NaN;
  let point: TrendPoint = { tokens: 0, usd: 0 };
  return {
    add(timestampMs: number, tokens: number, usd: number): void {
      const next = Math.floor(timestampMs / HOUR_MS) * HOUR_MS;
      if (next !== hour) {
        hour = next;
        point = hours.getOrInsertComputed(hour, () => ({ tokens: 0, usd: 0 }));
      }
      point.tokens += tokens;
      point.usd += usd;
    },
    finish: (): Trend => [...hours].toSorted(([a], [b]) => a - b),
  };
}

/** At most so many steps, each a whole number of hours; null for less than two hours. */
export function makeSteps(hours: Trend, most: number) {
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
