// The connections to upstreams: a young pool for ordinary requests, and single-use ones for asking again when a pooled
// connection turned out to be dead.
import type { Upstream } from "../base/upstream.ts";

type Fetch = Bun.FetchSession["fetch"];

export interface Connections {
  /** `fresh`: a connection that no request has used before. */
  fetch(fresh: boolean): Fetch;
  /** Call when an exchange with the upstream is over and its connection may have gone back to the pool. */
  released(upstream: Upstream): void;
  /** Could a request sent now go out on a kept-alive connection? Bun does not say, so this is an upper bound. */
  mayHaveBeenReused(upstream: Upstream): boolean;
  close(): void;
}

/** Relays close idle connections after 15-60 s: ours must be the younger ones. */
const KEEP_ALIVE_SECS = 15;
/** Bun's idle timer moves in steps of 4 s and may be two steps late. */
const KEEP_ALIVE_MAX_MS = (KEEP_ALIVE_SECS + 8) * 1000;

/** `now` is a monotonic clock in ms. */
export function createConnections(now: () => number): Connections {
  const pooled = new Bun.FetchSession({ keepAlive: { idleTimeout: KEEP_ALIVE_SECS } });
  const single = new Bun.FetchSession({ keepAlive: false });
  const lastReleased = new Map<string, number>();
  return {
    fetch: (fresh) => (fresh ? single : pooled).fetch,
    released(upstream) {
      lastReleased.set(upstream.baseUrl, now());
    },
    mayHaveBeenReused(upstream) {
      const at = lastReleased.get(upstream.baseUrl);
      return at !== undefined && now() - at <= KEEP_ALIVE_MAX_MS;
    },
    close() {
      pooled.close();
      single.close();
    },
  };
}
