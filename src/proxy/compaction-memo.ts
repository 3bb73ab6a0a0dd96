// Remembers which upstreams answer a compaction request with a compaction item, and which take it for a question.
import type { Upstream } from "../base/upstream.ts";

export interface CompactionMemo {
  /** The vendor's own hosts are known to; of any other nothing is known until it was asked once. */
  of(upstream: Upstream): "native" | "plain" | "unknown";
  note(upstream: Upstream, is: "native" | "plain"): void;
}

export function createCompactionMemo(): CompactionMemo {
  const known = new Map<string, "native" | "plain">();
  return {
    of: (upstream) => known.get(upstream.key) ?? (upstream.isOfficial ? "native" : "unknown"),
    note(upstream, is) {
      known.set(upstream.key, is);
    },
  };
}
