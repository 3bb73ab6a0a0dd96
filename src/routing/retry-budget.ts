// Bounds how often requests that may already have been done are sent a second time, so that a bad hour is not doubled.
// Envoy's 20 % of the requests, with a floor for one user (Finagle).

const MAX_TOKENS = 10;
const PER_REQUEST = 0.2;
const REFILL_MS = 10_000;

export interface RetryBudget {
  noteRequest(): void;
  /** Takes one repetition out of the budget; false when there is none left. */
  spend(): boolean;
}

/** `now`: wall clock, ms. */
export function createRetryBudget(now: () => number): RetryBudget {
  let tokens = MAX_TOKENS;
  let filledAt = now();
  const add = (count: number): void => {
    tokens = Math.min(MAX_TOKENS, tokens + count);
  };
  return {
    noteRequest: () => add(PER_REQUEST),
    spend() {
      const at = now();
      add(Math.max(0, at - filledAt) / REFILL_MS);
      filledAt = at;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
