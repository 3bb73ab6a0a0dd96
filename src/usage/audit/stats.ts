// The few figures that an audit rests on. Medians, not means: one odd request moves nothing. Requests of a session are alike, so that
// what counts as one case is a session.
// Pure.

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? low;
  return low + (high - low) * (at - Math.floor(at));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Of a normal distribution the standard deviation. */
export function spreadOf(values: readonly number[]): number {
  const middle = median(values);
  return 1.4826 * median(values.map((value) => Math.abs(value - middle)));
}

export interface Estimate {
  readonly middle: number;
  /** Standard error of the middle. */
  readonly error: number;
  readonly cases: number;
}

/** A median's error is a quarter more than a mean's. */
const MEDIAN_ERROR = 1.2533;

/** The middle of the sessions' medians. */
export function estimate(values: readonly { readonly session: string; readonly value: number }[]): Estimate {
  const sessions = Map.groupBy(values, ({ session }) => session);
  const middles = [...sessions.values()].map((of) => median(of.map(({ value }) => value)));
  const error = (MEDIAN_ERROR * spreadOf(middles)) / Math.sqrt(middles.length);
  return { middle: median(middles), error, cases: middles.length };
}
