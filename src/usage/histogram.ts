// Quantiles of any number of figures in constant memory, right to one per cent; a few figures are kept as they are.
// Pure.

export interface Histogram {
  /** A figure of zero or more. */
  add(value: number): void;
  /** Takes over all figures of another one. */
  merge(other: Histogram): void;
  /** The value that the share `q` (0 to 1) of all figures does not exceed; null when there are none. */
  quantile(q: number): number | null;
  /** What it holds, for `merge`. */
  readonly state: HistogramState;
}

interface HistogramState {
  /** The figures themselves, while they are few. */
  few: number[];
  /** How many figures each bucket holds, once they are many. */
  counts: Uint32Array | null;
}

/** Each bucket is two per cent wide, and stands for its middle; the first one holds what is below 1. */
const GROWTH = Math.log(1.02);
/** Up to 600 million. What is greater counts as that. */
const BUCKETS = 1024;
/** A bucket costs 4 bytes, and a report may have ten thousand rows of which most are small. */
const MOST_KEPT = 64;

export function createHistogram(): Histogram {
  const state: HistogramState = { few: [], counts: null };
  const addCount = (bucket: number, count: number): void => {
    state.counts ??= new Uint32Array(BUCKETS);
    state.counts[bucket] = (state.counts[bucket] ?? 0) + count;
  };
  const add = (value: number): void => {
    if (state.counts === null && state.few.length < MOST_KEPT) {
      state.few.push(value);
      return;
    }
    for (const kept of state.few.splice(0)) addCount(bucketOf(kept), 1);
    addCount(bucketOf(value), 1);
  };
  return {
    state,
    add,
    merge({ state: other }) {
      for (const value of other.few) add(value);
      if (other.counts === null) return;
      for (const kept of state.few.splice(0)) addCount(bucketOf(kept), 1);
      other.counts.forEach((count, bucket) => {
        if (count > 0) addCount(bucket, count);
      });
    },
    quantile(q) {
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
