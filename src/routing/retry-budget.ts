// Bounds how often requests that may already have been done are sent a second time, so that a bad hour is not doubled.
// Envoy's 20 % of the requests, with a floor for one user (Finagle).

/** Counted in fifths of a repetition: each request earns one, each 10 s a whole repetition, ten are kept at most. */
const WHOLE = 5;
const MAX_FIFTHS = 10 * WHOLE;
const REFILL_MS = 10_000;

export interface RetryBudget {
  noteRequest(): void;
  /** Takes one repetition out of the budget; false when there is none left. */
  spend(): boolean;
}

/** `now`: wall clock, ms. */
export function createRetryBudget(now: () => number): RetryBudget {
  let fifths = MAX_FIFTHS;
  let filledAt = now();
  const add = (count: number): void => {
    fifths = Math.min(MAX_FIFTHS, fifths + count);
  };
  return {
    noteRequest: () => add(1),
    spend() {
      const at = now();
      add((Math.max(0, at - filledAt) / REFILL_MS) * WHOLE);
      filledAt = at;
      if (fifths < WHOLE) return false;
      fifths -= WHOLE;
      return true;
    },
  };
}
