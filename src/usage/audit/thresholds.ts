// When an audit speaks. Set on the seeds 1 to 20 of bench/audit.ts, and looked at on 21 to 40 once.
// Pure.

export const THRESHOLDS = {
  /** Answers whose model is known, and how many of them must name another one, in how many sessions. */
  model: { cases: 20, others: 3, sessions: 2 },
  /** Tokens for the bytes, against the others: requests and sessions here and at each of the others, and how many of these. */
  ratio: { cases: 30, sessions: 8, pool: 2, largest: 500 },
  /** Differences within this factor are how relays are; beyond it they must be so many standard errors away. */
  factor: 1.1,
  deviations: 4,
  /** A smaller request is mostly what a relay adds to each. */
  requestBytes: 4_000,
  outputBytes: 200,
  /** Requests of this share of the pool's are large. */
  largeShare: 0.75,
  /** Requests behind one of the same session with no more than so much time between, and so many tokens to read again. */
  cache: { cases: 30, sessions: 8, gapMs: 240_000, tokens: 2_048, missed: 0.5, more: 0.25 },
  /** Stretches between readings: so many, each with so many requests; what they may differ by; what may be used beside them. */
  charge: { stretches: 8, requests: 12, spread: 0.2, aside: 0.03 },
} as const;
