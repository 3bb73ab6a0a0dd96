// How tokens and cost went over time, in as many equal steps as a picture has columns.
// Pure.

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
