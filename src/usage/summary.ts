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
  /** Of an address: what its upstreams were called. Absent of other groups unless asked for, and where no line says so. */
  readonly labels?: readonly string[];
}

/** The rows beyond those that are wanted, as one. */
export interface Rest {
  readonly count: number;
  readonly all: Tally;
}

export interface Summary {
  readonly rows: readonly SummaryRow[];
  readonly total: Tally;
  /** Requests that generate nothing: model lists, token counting. */
  readonly other: number;
  /** Models that tokens were used of and that have no price, the most used first. */
  readonly unpriced_models: readonly string[];
}

export interface SummarizerOptions {
  readonly by: Group;
  readonly keyOf: KeyOf;
  /** What else a row is called. */
  readonly labelOf?: KeyOf;
}

const upstreamLabelOf: KeyOf = ({ upstream_label: label }) => label ?? null;

export function createSummarizer({
  by,
  keyOf,
  labelOf = by === "upstream" ? upstreamLabelOf : undefined,
}: SummarizerOptions) {
  const rows = new Map<string | null, TallyBuilder>();
  const unpriced = new Map<string, number>();
  const labels = new Map<string | null, Set<string>>();
  const noteLabel = (record: LogRecord): void => {
    const label = labelOf?.(record) ?? null;
    if (label === null) return;
    const known = labels.getOrInsertComputed(keyOf(record), () => new Set<string>());
    if (known.size < MOST_LABELS) known.add(label);
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
  const finishTop = (most: number, rename?: Rename): Summary & { readonly rest: Rest | null } => {
    const named = rename === undefined ? rows : renameRows(rows, rename);
    const sorted = [...named].map(([key, row]) => ({ key, row, ...row.sums }));
    sorted.sort(isTimeGroup(by) ? byName : bySize);
    const others = isTimeGroup(by)
      ? sorted.splice(0, Math.max(0, sorted.length - most))
      : sorted.splice(most);
    return {
      rows: sorted.map(({ key, row }): SummaryRow => {
        const called = labels.get(key);
        return { key, ...(called === undefined ? {} : { labels: [...called] }), ...row.finish() };
      }),
      rest: others.length === 0 ? null : { count: others.length, all: mergeAll(others).finish() },
      total: mergeAll([...named.values()].map((row) => ({ row }))).finish(),
      other,
      unpriced_models: [...unpriced].toSorted(([, a], [, b]) => b - a).map(([model]) => model),
    };
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
    finish(rename?: Rename): Summary {
      const { rest: _, ...summary } = finishTop(Number.POSITIVE_INFINITY, rename);
      return summary;
    },
    /** The same with `most` rows, the first ones or of times the last ones, and the others as one. */
    finishTop,
    /** How all of them went over time. */
    trend: trend.finish,
  };
}

export const UNKNOWN: AttemptCost = { kind: "unknown" };

/** From a group to the name that it is shown with. */
export type Rename = (key: string | null) => string | null;

type Rows = ReadonlyMap<string | null, TallyBuilder>;

function renameRows(rows: Rows, rename: Rename): Rows {
  const named = new Map<string | null, TallyBuilder>();
  for (const [key, row] of rows) named.getOrInsertComputed(rename(key), createTally).merge(row);
  return named;
}

function mergeAll(rows: readonly { readonly row: TallyBuilder }[]): TallyBuilder {
  const all = createTally();
  for (const { row } of rows) all.merge(row);
  return all;
}

/** A client may send a million model names. */
const MOST_MODELS = 1000;
const MOST_LABELS = 100;

type Sorted = Pick<SummaryRow, "key" | "requests" | "total_tokens">;

function byName(a: Sorted, b: Sorted): number {
  return (a.key ?? "") < (b.key ?? "") ? -1 : 1;
}

function bySize(a: Sorted, b: Sorted): number {
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
