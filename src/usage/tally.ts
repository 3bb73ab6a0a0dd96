// Adds up requests: how many, how they went, their tokens, their cost, how fast they were. Constant memory.
// What a record does not say is not counted, and it is counted that it does not.
// Pure.
import type { LogRecord, RecordedUsage } from "../log/record.ts";
import { hasFailed, hasFailedOver, lacksUsage } from "./outcome.ts";
import { isCacheApart } from "./price-rates.ts";
import type { AttemptCost, Cost } from "./prices.ts";

/** What is summed up: those with a name of the log's fields are the sums of these. */
const ZERO = {
  requests: 0,
  errors: 0,
  failovers: 0,
  input_tokens: 0,
  output_tokens: 0,
  reasoning_tokens: 0,
  total_tokens: 0,
  cached_input_tokens: 0,
  cache_creation_tokens: 0,
  cache_creation_1h_tokens: 0,
  /** Everything that was read, for either API: cached or not. */
  all_input_tokens: 0,
  /** Tokens may have been used, and nobody said how many: they are in no sum. */
  requests_without_usage: 0,
  /** More was used than the sums say. */
  partial_requests: 0,
  /** Used tokens of a model without a price: their cost is not in the sum. */
  unpriced_requests: 0,
  /** Attempts whose answer the client did not get, and that said what they used: they are in the sums. */
  failed_attempts: 0,
  failed_attempts_tokens: 0,
  partial_attempts: 0,
  unpriced_attempts: 0,
  priced: 0,
  usd: 0,
  failedPriced: 0,
  failedUsd: 0,
  timedOutput: 0,
  timedMs: 0,
};
type Sums = typeof ZERO;
const SUMMED = Object.keys(ZERO) as (keyof Sums)[];

export type TallyBuilder = ReturnType<typeof createTally>;
export type Tally = Readonly<ReturnType<typeof finish>>;

export function createTally() {
  const sums = { ...ZERO };
  const firstBytes = createHistogram();
  return {
    sums,
    firstBytes,
    /** A request, without what its failed attempts used. */
    add(record: LogRecord, cost: Cost): void {
      const { ttfb_ms: ttfb, usage, waited_ms: waited = 0 } = record;
      sums.requests += 1;
      if (hasFailed(record)) sums.errors += 1;
      if (hasFailedOver(record)) sums.failovers += 1;
      // To be held until a limit is reset says nothing of how fast an upstream is.
      if (ttfb !== undefined) firstBytes.add(Math.max(0, ttfb - waited));
      if (cost.kind === "unpriced") sums.unpriced_requests += 1;
      addCost(sums, cost);
      if (lacksUsage(record)) sums.requests_without_usage += 1;
      if (usage === undefined) return;
      if (usage.partial === true) sums.partial_requests += 1;
      addUsage(sums, record, usage);
      const output = usage.output_tokens ?? 0;
      if (record.outcome !== "ok" || output === 0) return;
      sums.timedOutput += output;
      sums.timedMs += Math.max(0, (record.duration_ms ?? 0) - waited);
    },
    /** A failed attempt, as `billedAttempts` gives it. */
    addAttempt(record: LogRecord, cost: AttemptCost): void {
      const { usage } = record;
      if (usage === undefined) return;
      sums.failed_attempts += 1;
      sums.failed_attempts_tokens += usage.total_tokens ?? 0;
      if (usage.partial === true) sums.partial_attempts += 1;
      if (cost.kind === "unpriced") sums.unpriced_attempts += 1;
      if (cost.kind === "priced") {
        sums.failedPriced += 1;
        sums.failedUsd += cost.usd;
      }
      addCost(sums, cost);
      addUsage(sums, record, usage);
    },
    /** Adds all that another one has added up. */
    merge(other: { readonly sums: Sums; readonly firstBytes: Histogram }): void {
      firstBytes.merge(other.firstBytes);
      for (const name of SUMMED) sums[name] += other.sums[name];
    },
    finish: () => finish(sums, firstBytes),
  };
}

function addCost(sums: Sums, cost: AttemptCost): void {
  if (cost.kind !== "priced") return;
  sums.priced += 1;
  sums.usd += cost.usd;
}

function addUsage(sums: Sums, { path }: LogRecord, usage: RecordedUsage): void {
  const input = usage.input_tokens ?? 0;
  const cached = usage.cached_input_tokens ?? 0;
  const created = usage.cache_creation_tokens ?? 0;
  sums.input_tokens += input;
  sums.output_tokens += usage.output_tokens ?? 0;
  sums.total_tokens += usage.total_tokens ?? 0;
  sums.reasoning_tokens += usage.reasoning_tokens ?? 0;
  sums.cached_input_tokens += cached;
  sums.cache_creation_tokens += created;
  sums.cache_creation_1h_tokens += usage.cache_creation_1h_tokens ?? 0;
  sums.all_input_tokens += isCacheApart(path) ? input + cached + created : input;
}

function finish(sums: Sums, firstBytes: Histogram) {
  const { priced, usd, failedPriced, failedUsd, timedOutput, timedMs, ...shown } = sums;
  return {
    ...shown,
    /** Of the requests that have a price; null when none has. */
    cost_usd: priced === 0 ? null : Number(usd.toFixed(9)),
    /** The part of it that failed attempts cost; null when none of them has a price. */
    failed_attempts_cost_usd: failedPriced === 0 ? null : Number(failedUsd.toFixed(9)),
    /** Milliseconds; null when no request has a first byte. */
    ttfb_p50_ms: firstBytes.quantile(0.5),
    ttfb_p95_ms: firstBytes.quantile(0.95),
    /** Over the whole time of the requests that went well; null when there are none. */
    output_tokens_per_sec: timedMs === 0 ? null : Number(((timedOutput / timedMs) * 1000).toFixed(1)),
  };
}

/** What was read and did not come from a cache. */
export function freshTokens({ all_input_tokens: all, cached_input_tokens: cached }: Tally): number {
  return Math.max(0, all - cached);
}

/** Whether the tokens of a tally are all that were used, as far as is known, and the cost all that they cost. */
export function isWhole(tally: Tally, what: "tokens" | "cost"): boolean {
  const { partial_attempts, partial_requests, requests_without_usage, unpriced_attempts, unpriced_requests } =
    tally;
  if (requests_without_usage + partial_requests + partial_attempts > 0) return false;
  return what === "tokens" || unpriced_requests + unpriced_attempts === 0;
}

type Histogram = ReturnType<typeof createHistogram>;

interface HistogramState {
  /** The figures themselves, while they are few. */
  few: number[];
  /** The number of figures in each bucket, once they are many. */
  counts: Uint32Array | null;
}

/** Each bucket is two per cent wide, and counts as its middle; the first one is for what is below 1. */
const GROWTH = Math.log(1.02);
/** Up to 600 million. What is greater counts as that. */
const BUCKETS = 1024;
/** A bucket costs 4 bytes, and a report may have ten thousand rows of which most are small. */
const MOST_KEPT = 64;

export function createHistogram() {
  const state: HistogramState = { few: [], counts: null };
  const addCount = (bucket: number, count: number): void => {
    state.counts ??= new Uint32Array(BUCKETS);
    state.counts[bucket] = (state.counts[bucket] ?? 0) + count;
  };
  const countAll = (): void => {
    for (const value of state.few) addCount(bucketOf(value), 1);
    state.few.length = 0;
  };
  /** A figure of zero or more. */
  const add = (value: number): void => {
    if (state.counts === null && state.few.length < MOST_KEPT) {
      state.few.push(value);
      return;
    }
    if (state.counts === null) countAll();
    addCount(bucketOf(value), 1);
  };
  return {
    state,
    add,
    /** Adds all figures of another one. */
    merge({ state: other }: { readonly state: HistogramState }): void {
      for (const value of other.few) add(value);
      if (other.counts === null) return;
      countAll();
      other.counts.forEach((count, bucket) => {
        if (count > 0) addCount(bucket, count);
      });
    },
    /** The value that the share `q` (0 to 1) of all figures does not exceed; null when there are none. */
    quantile(q: number): number | null {
      if (state.counts === null) return quantileOf(state.few, q);
      const total = state.counts.reduce((sum, count) => sum + count, 0);
      let left = Math.max(1, Math.ceil(q * total));
      const bucket = state.counts.findIndex((count) => (left -= count) <= 0);
      return bucket === 0 ? 0 : Math.round(Math.exp((bucket - 0.5) * GROWTH));
    },
  };
}

function bucketOf(value: number): number {
  return value < 1 ? 0 : Math.min(BUCKETS - 1, 1 + Math.floor(Math.log(value) / GROWTH));
}

function quantileOf(values: readonly number[], q: number): number | null {
  const exact = values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(q * values.length) - 1)];
  return exact === undefined ? null : Math.round(exact);
}
