// Adds up log entries by group: requests, errors, failovers, tokens, first-byte times. Constant memory for each group.
// Takes entries of any version: what is missing or of an odd type is not counted.
// Pure.
import { type Histogram, createHistogram } from "./histogram.ts";

export const GROUPS = ["config", "upstream", "model", "session", "project", "day", "service"] as const;
export type Group = (typeof GROUPS)[number];

/** The fields of a stored entry, as read. */
export type EntryFields = Readonly<Record<string, unknown>>;

export interface SummaryRow {
  /** The group's value; null where the entries do not say. */
  readonly key: string | null;
  readonly requests: number;
  readonly errors: number;
  readonly failovers: number;
  /** Sums of the fields of the same names. */
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_tokens: number;
  readonly total_tokens: number;
  readonly cached_input_tokens: number;
  readonly cache_creation_tokens: number;
  /** Everything that was read, for either API: cached or not. */
  readonly all_input_tokens: number;
  /** Milliseconds; null when no request of the group has a first byte. */
  readonly ttfb_p50_ms: number | null;
  readonly ttfb_p95_ms: number | null;
}

export interface Summary {
  /** The largest total first; days in their order. */
  readonly rows: readonly SummaryRow[];
  readonly total: SummaryRow;
  /** Requests that generate nothing: model lists, token counting. */
  readonly other: number;
}

export interface Summarizer {
  add(fields: EntryFields): void;
  finish(): Summary;
}

/** `dayOf` names the local day of a time in ms since 1970. */
export function createSummarizer(by: Group, dayOf: (timestampMs: number) => string): Summarizer {
  const rows = new Map<string | null, Accumulator>();
  const total = createAccumulator(null);
  let other = 0;
  return {
    add(fields) {
      if (!isGeneration(fields)) {
        other += 1;
        return;
      }
      const key = by === "day" ? dayOf(count(fields["timestamp_ms"])) : text(fields[FIELD_OF[by]]);
      let row = rows.get(key);
      if (row === undefined) rows.set(key, (row = createAccumulator(key)));
      row.add(fields);
      total.add(fields);
    },
    finish() {
      const finished = [...rows.values()].map((row) => row.finish());
      const byDay = (a: SummaryRow, b: SummaryRow): number => ((a.key ?? "") < (b.key ?? "") ? -1 : 1);
      const bySize = (a: SummaryRow, b: SummaryRow): number =>
        b.total_tokens - a.total_tokens || b.requests - a.requests;
      return { rows: finished.toSorted(by === "day" ? byDay : bySize), total: total.finish(), other };
    },
  };
}

/** The field of an entry that names its group. */
export const FIELD_OF: Readonly<Record<Exclude<Group, "day">, string>> = {
  config: "config_name",
  upstream: "upstream_base_url",
  model: "model",
  session: "session_id",
  project: "cwd",
  service: "service",
};

const GENERATION_PATH = /\/(?:responses|responses\/compact|messages|chat\/completions)\/?$/;

/** True for a request that makes a model write. Only these are counted in totals. */
export function isGeneration(fields: EntryFields): boolean {
  const path = fields["path"];
  return fields["method"] === "POST" && typeof path === "string" && GENERATION_PATH.test(path);
}

interface Accumulator {
  add(fields: EntryFields): void;
  finish(): SummaryRow;
}

const TOKENS = [
  "input_tokens",
  "output_tokens",
  "reasoning_tokens",
  "total_tokens",
  "cached_input_tokens",
  "cache_creation_tokens",
] as const;

function createAccumulator(key: string | null): Accumulator {
  const tokens = {
    input_tokens: 0,
    output_tokens: 0,
    reasoning_tokens: 0,
    total_tokens: 0,
    cached_input_tokens: 0,
    cache_creation_tokens: 0,
  };
  const firstBytes: Histogram = createHistogram();
  let requests = 0;
  let errors = 0;
  let failovers = 0;
  let allInput = 0;
  return {
    add(fields) {
      requests += 1;
      if (isError(fields)) errors += 1;
      if (Array.isArray(fields["attempts"]) && fields["attempts"].length > 1) failovers += 1;
      const ttfb = fields["ttfb_ms"];
      if (typeof ttfb === "number" && ttfb >= 0) firstBytes.add(ttfb);
      const usage = fields["usage"];
      if (!isRecord(usage)) return;
      for (const name of TOKENS) tokens[name] += count(usage[name]);
      allInput += Math.max(
        count(usage["total_tokens"]) - count(usage["output_tokens"]),
        count(usage["input_tokens"]),
      );
    },
    finish: () => ({
      key,
      requests,
      errors,
      failovers,
      ...tokens,
      all_input_tokens: allInput,
      ttfb_p50_ms: firstBytes.quantile(0.5),
      ttfb_p95_ms: firstBytes.quantile(0.95),
    }),
  };
}

/** Entries of the first version have no outcome. A client that left is nobody's error. */
function isError(fields: EntryFields): boolean {
  const { outcome, status_code: status } = fields;
  if (typeof outcome === "string") return outcome === "error" || outcome === "cut" || outcome === "refused";
  return typeof status === "number" && status >= 400 && status !== 499;
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function isRecord(value: unknown): value is EntryFields {
  return typeof value === "object" && value !== null;
}
