// Adds up requests: how many, how they went, their tokens, their cost, how fast they were. Constant memory.
// Takes entries of any version: what is missing or of an odd type is not counted.
// Pure.
import { isRecord } from "../base/json-value.ts";
import type { EntryFields } from "./groups.ts";
import { type Histogram, createHistogram } from "./histogram.ts";
import type { Cost } from "./prices.ts";

/** Sums of the log's fields of the same names. */
const TOKENS = [
  "input_tokens",
  "output_tokens",
  "reasoning_tokens",
  "total_tokens",
  "cached_input_tokens",
  "cache_creation_tokens",
  "cache_creation_1h_tokens",
] as const;

export interface Tally extends Readonly<Record<(typeof TOKENS)[number], number>> {
  readonly requests: number;
  readonly errors: number;
  readonly failovers: number;
  /** Everything that was read, for either API: cached or not. */
  readonly all_input_tokens: number;
  /** Of the requests that have a price; null when none has. */
  readonly cost_usd: number | null;
  /** Requests that used tokens of a model without a price: their cost is not in the sum. */
  readonly unpriced_requests: number;
  /** Milliseconds; null when no request has a first byte. */
  readonly ttfb_p50_ms: number | null;
  readonly ttfb_p95_ms: number | null;
  /** Over the whole time of the requests that went well; null when there are none. */
  readonly output_tokens_per_sec: number | null;
}

export interface TallyBuilder {
  add(fields: EntryFields, cost: Cost): void;
  /** Takes over all that another one has added up. */
  merge(other: TallyBuilder): void;
  finish(): Tally;
  readonly sums: Sums;
}

type Sums = Record<(typeof TOKENS)[number], number> & {
  requests: number;
  errors: number;
  failovers: number;
  allInput: number;
  priced: number;
  unpriced: number;
  usd: number;
  timedOutput: number;
  timedMs: number;
  readonly firstBytes: Histogram;
};

export function createTally(): TallyBuilder {
  const sums = makeEmptySums();
  return {
    sums,
    add(fields, cost) {
      sums.requests += 1;
      if (isError(fields)) sums.errors += 1;
      if (Array.isArray(fields["attempts"]) && fields["attempts"].length > 1) sums.failovers += 1;
      const ttfb = fields["ttfb_ms"];
      if (typeof ttfb === "number" && ttfb >= 0) sums.firstBytes.add(ttfb);
      if (cost.kind === "unpriced") sums.unpriced += 1;
      if (cost.kind === "priced") {
        sums.priced += 1;
        sums.usd += cost.usd;
      }
      addUsage(sums, fields);
    },
    merge({ sums: other }) {
      sums.firstBytes.merge(other.firstBytes);
      for (const name of SUMMED) sums[name] += other[name];
    },
    finish: () => finish(sums),
  };
}

const SUMMED = [
  ...TOKENS,
  "requests",
  "errors",
  "failovers",
  "allInput",
  "priced",
  "unpriced",
  "usd",
  "timedOutput",
  "timedMs",
] as const satisfies readonly (keyof Sums)[];

function makeEmptySums(): Sums {
  return {
    input_tokens: 0,
    output_tokens: 0,
    reasoning_tokens: 0,
    total_tokens: 0,
    cached_input_tokens: 0,
    cache_creation_tokens: 0,
    cache_creation_1h_tokens: 0,
    requests: 0,
    errors: 0,
    failovers: 0,
    allInput: 0,
    priced: 0,
    unpriced: 0,
    usd: 0,
    timedOutput: 0,
    timedMs: 0,
    firstBytes: createHistogram(),
  };
}

function addUsage(sums: Sums, { usage, outcome, duration_ms: duration }: EntryFields): void {
  if (!isRecord(usage)) return;
  const output = count(usage["output_tokens"]);
  const input = count(usage["input_tokens"]);
  const total = count(usage["total_tokens"]);
  sums.input_tokens += input;
  sums.output_tokens += output;
  sums.total_tokens += total;
  sums.reasoning_tokens += count(usage["reasoning_tokens"]);
  sums.cached_input_tokens += count(usage["cached_input_tokens"]);
  sums.cache_creation_tokens += count(usage["cache_creation_tokens"]);
  sums.cache_creation_1h_tokens += count(usage["cache_creation_1h_tokens"]);
  sums.allInput += Math.max(total - output, input);
  if (outcome !== "ok" || output === 0) return;
  sums.timedOutput += output;
  sums.timedMs += count(duration);
}

function finish(sums: Sums): Tally {
  const { requests, errors, failovers, input_tokens, output_tokens, reasoning_tokens, total_tokens } = sums;
  const { cached_input_tokens, cache_creation_tokens, cache_creation_1h_tokens, firstBytes } = sums;
  const perSec = sums.timedMs === 0 ? null : (sums.timedOutput / sums.timedMs) * 1000;
  return {
    requests,
    errors,
    failovers,
    input_tokens,
    output_tokens,
    reasoning_tokens,
    total_tokens,
    cached_input_tokens,
    cache_creation_tokens,
    cache_creation_1h_tokens,
    all_input_tokens: sums.allInput,
    cost_usd: sums.priced === 0 ? null : Number(sums.usd.toFixed(9)),
    unpriced_requests: sums.unpriced,
    ttfb_p50_ms: firstBytes.quantile(0.5),
    ttfb_p95_ms: firstBytes.quantile(0.95),
    output_tokens_per_sec: perSec === null ? null : Number(perSec.toFixed(1)),
  };
}

/** Entries of the first version have no outcome. A client that left is nobody's error. */
export function isError({ outcome, status_code: status }: EntryFields): boolean {
  if (typeof outcome === "string") return outcome === "error" || outcome === "cut" || outcome === "refused";
  return typeof status === "number" && status >= 400 && status !== 499;
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}
