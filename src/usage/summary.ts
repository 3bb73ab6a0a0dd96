// Adds up log entries by group: a row each, and one for all of them.
// Only requests that generate are counted; the others stand apart.
// Pure.
import { isRecord } from "../base/json-value.ts";
import { type EntryFields, type KeyOf, isTimeGroup, type Group } from "./groups.ts";
import type { Pricer } from "./prices.ts";
import { type Tally, type TallyBuilder, createTally } from "./tally.ts";
import { type Trend, createTrend } from "./trend.ts";

export interface SummaryRow extends Tally {
  /** The group's value; null where the entries do not say. */
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
  add(fields: EntryFields): void;
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
  readonly costOf: Pricer["costOf"];
}

export function createSummarizer({ by, keyOf, costOf }: SummarizerOptions): Summarizer {
  const rows = new Map<string | null, TallyBuilder>();
  const unpriced = new Map<string, number>();
  const trend = createTrend();
  let other = 0;
  return {
    add(fields) {
      if (!isGeneration(fields)) {
        other += 1;
        return;
      }
      const key = keyOf(fields);
      let row = rows.get(key);
      if (row === undefined) rows.set(key, (row = createTally()));
      const cost = costOf(fields);
      row.add(fields, cost);
      if (cost.kind === "unpriced") {
        const model = cost.model ?? "-";
        const known = unpriced.get(model);
        if (known !== undefined || unpriced.size < MOST_MODELS) unpriced.set(model, (known ?? 0) + 1);
      }
      trend.add(Number(fields["timestamp_ms"]), totalOf(fields), cost.kind === "priced" ? cost.usd : 0);
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

/** Anybody may ask for a million names. */
const MOST_MODELS = 1000;

function byName(a: SummaryRow, b: SummaryRow): number {
  return (a.key ?? "") < (b.key ?? "") ? -1 : 1;
}

function bySize(a: SummaryRow, b: SummaryRow): number {
  return b.total_tokens - a.total_tokens || b.requests - a.requests;
}

const GENERATION_PATH = /\/(?:responses|responses\/compact|messages|chat\/completions)\/?$/;

/** True for a request that makes a model write. Only these are counted in totals. */
export function isGeneration({ method, path }: EntryFields): boolean {
  return method === "POST" && typeof path === "string" && GENERATION_PATH.test(path);
}

function totalOf({ usage }: EntryFields): number {
  const total: unknown = isRecord(usage) ? usage["total_tokens"] : undefined;
  return typeof total === "number" && Number.isFinite(total) && total > 0 ? total : 0;
}
