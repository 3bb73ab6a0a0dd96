// Quantiles of any number of figures in constant memory, right to one per cent.
// Pure.

export interface Histogram {
  /** A figure of zero or more. */
  add(value: number): void;
  /** Takes over all figures of another one. */
  merge(other: Histogram): void;
  /** The value that the share `q` (0 to 1) of all figures does not exceed; null when there are none. */
  quantile(q: number): number | null;
  /** How many figures each bucket holds. */
  readonly counts: ReadonlyMap<number, number>;
}

/** Each bucket is two per cent wide, and stands for its middle. */
const GROWTH = Math.log(1.02);

export function createHistogram(): Histogram {
  const counts = new Map<number, number>();
  const addTo = (bucket: number, count: number): void =>
    void counts.set(bucket, (counts.get(bucket) ?? 0) + count);
  return {
    counts,
    add: (value) => addTo(value < 1 ? -1 : Math.floor(Math.log(value) / GROWTH), 1),
    merge: (other) => other.counts.forEach((count, bucket) => addTo(bucket, count)),
    quantile(q) {
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
      let left = Math.max(1, Math.ceil(q * total));
      for (const [bucket, count] of [...counts].toSorted(([a], [b]) => a - b)) {
        left -= count;
        if (left <= 0) return bucket < 0 ? 0 : Math.round(Math.exp((bucket + 0.5) * GROWTH));
      }
      return null;
    },
  };
}
