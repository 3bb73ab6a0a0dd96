// Adds up requests: how many, how they went, their tokens, their cost, how fast they were. Constant memory.
// What a record does not say is not counted.
// Pure.
import type { LogRecord } from "../log/record.ts";
import { hasFailed } from "./outcome.ts";
import type { Cost } from "./prices.ts";

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
  allInput: 0,
  priced: 0,
  unpriced: 0,
  usd: 0,
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
    add(record: LogRecord, cost: Cost): void {
      const { attempts, ttfb_ms: ttfb } = record;
      sums.requests += 1;
      if (hasFailed(record)) sums.errors += 1;
      if (attempts !== undefined && attempts.length > 1) sums.failovers += 1;
      if (ttfb !== undefined) firstBytes.add(ttfb);
      if (cost.kind === "unpriced") sums.unpriced += 1;
      if (cost.kind === "priced") {
        sums.priced += 1;
        sums.usd += cost.usd;
      }
      addUsage(sums, record);
    },
    /** Adds all that another one has added up. */
    merge(other: { readonly sums: Sums; readonly firstBytes: Histogram }): void {
      firstBytes.merge(other.firstBytes);
      for (const name of SUMMED) sums[name] += other.sums[name];
    },
    finish: () => finish(sums, firstBytes),
  };
}

function addUsage(sums: Sums, record: LogRecord): void {
  const { usage } = record;
  if (usage === undefined) return;
  const output = usage.output_tokens ?? 0;
  const input = usage.input_tokens ?? 0;
  const total = usage.total_tokens ?? 0;
  sums.input_tokens += input;
  sums.output_tokens += output;
  sums.total_tokens += total;
  sums.reasoning_tokens += usage.reasoning_tokens ?? 0;
  sums.cached_input_tokens += usage.cached_input_tokens ?? 0;
  sums.cache_creation_tokens += usage.cache_creation_tokens ?? 0;
  sums.cache_creation_1h_tokens += usage.cache_creation_1h_tokens ?? 0;
  sums.allInput += Math.max(total - output, input);
  if (record.outcome !== "ok" || output === 0) return;
  sums.timedOutput += output;
  sums.timedMs += record.duration_ms ?? 0;
}

function finish(sums: Sums, firstBytes: Histogram) {
  const { allInput, priced, unpriced, usd, timedOutput, timedMs, ...shown } = sums;
  return {
    ...shown,
    /** Everything that was read, for either API: cached or not. */
    all_input_tokens: allInput,
    /** Of the requests that have a price; null when none has. */
    cost_usd: priced === 0 ? null : Number(usd.toFixed(9)),
    /** Requests that used tokens of a model without a price: their cost is not in the sum. */
    unpriced_requests: unpriced,
    /** Milliseconds; null when no request has a first byte. */
    ttfb_p50_ms: firstBytes.quantile(0.5),
    ttfb_p95_ms: firstBytes.quantile(0.95),
    /** Over the whole time of the requests that went well; null when there are none. */
    output_tokens_per_sec: timedMs === 0 ? null : Number(((timedOutput / timedMs) * 1000).toFixed(1)),
  };
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
