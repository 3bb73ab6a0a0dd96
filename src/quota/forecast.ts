// When a meter will be at its end, if the spending of the last hours goes on.
// Pure.
import type { Meter } from "./balance.ts";
import type { Sample } from "./reading.ts";

const WINDOW_MS = 4 * 3_600_000;
/** A shorter look back says nothing. */
const LEAST_SPAN_MS = 600_000;
const FARTHEST_MS = 7 * 86_400_000;

/**
 * Wall clock in ms; null where nothing was spent, where it is full again before, and where that is too far off to say.
 * `now`: wall clock, ms.
 */
export function forecastEnd(meter: Meter, samples: readonly Sample[], now: number): number | null {
  const { left, resetsAt } = meter;
  const rate = spendRate(samples, now);
  if (left === null || left <= 0 || rate === null || rate <= 0) return null;
  const end = now + left / rate;
  if (end > now + FARTHEST_MS || (resetsAt !== null && end >= resetsAt)) return null;
  return end;
}

/** Units per ms over the last hours. What came in between (a reset, a top-up) is not spending. */
function spendRate(samples: readonly Sample[], now: number): number | null {
  const recent = samples.filter(([at]) => at <= now && at >= now - WINDOW_MS);
  const [first] = recent;
  if (first === undefined || now - first[0] < LEAST_SPAN_MS) return null;
  let spent = 0;
  let before = first[1];
  for (const [, left] of recent) {
    spent += Math.max(0, before - left);
    before = left;
  }
  return spent / (now - first[0]);
}
