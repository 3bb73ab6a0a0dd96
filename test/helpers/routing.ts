import type { AttemptOutcome, Reason, RoutingSettings, Verdict } from "../../src/routing/types.ts";

/** The documented defaults of `routing`. */
export const DEFAULT_ROUTING: RoutingSettings = {
  failureThreshold: 3,
  neverSentThreshold: 2,
  firstByteThreshold: 2,
  windowMs: 60_000,
  windowMinRequests: 6,
  windowFailureShare: 0.5,
  openMs: 10_000,
  openMaxMs: 120_000,
  lastUsableOpenMs: 2_000,
  lastUsableOpenMaxMs: 10_000,
  jitter: 0.2,
  authDeadMs: 300_000,
  exhaustedMs: 900_000,
  exhaustedMaxMs: 86_400_000,
  maxUpstreamsPerRequest: 3,
  ambiguous: "failover",
  drift: "adapt",
  returnAfterIdleMs: 300_000,
};

/** Wall clock of tests that hold it still: 2026-01-02T03:04:05Z. */
export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

/** A reason in words of its own. */
export function told(words: string): Reason {
  return { rule: "as-told", words };
}

/** A verdict with everything that a test does not care about. */
export function makeVerdict(parts: Partial<Verdict> = {}): Verdict {
  return {
    rule: "server-error",
    next: "next",
    retryClass: "C",
    blame: "failure",
    until: null,
    source: { rule: "default" },
    reason: { rule: "server-error", status: 500 },
    isOfAddress: false,
    resetsAt: null,
    ...parts,
  };
}

/** An answer with an error status. An object becomes JSON. */
export function statusOutcome(
  status: number,
  body: unknown = "",
  headers: Record<string, string> = {},
): AttemptOutcome {
  return {
    kind: "status",
    status,
    headers: new Headers(headers),
    body: typeof body === "string" ? body : JSON.stringify(body),
  };
}

/** A 200 whose content is a failure. */
export function contentOutcome(
  reason: Extract<AttemptOutcome, { kind: "bad-content" }>["reason"],
  body: unknown = "",
  headers: Record<string, string> = {},
): AttemptOutcome {
  return {
    kind: "bad-content",
    reason,
    status: 200,
    headers: new Headers(headers),
    body: typeof body === "string" ? body : JSON.stringify(body),
  };
}

/** A stream of numbers from 0 to below 1 that is the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
