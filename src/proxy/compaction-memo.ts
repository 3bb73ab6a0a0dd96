// Remembers which upstreams answer a compaction request with a compaction item, and which take it for a question.
import { OFFICIAL_HOSTS } from "../base/service.ts";
import type { Upstream } from "../base/upstream.ts";

export interface CompactionMemo {
  /** The vendor's own hosts are known to; of any other nothing is known until it was asked once. */
  of(upstream: Upstream): "native" | "plain" | "unknown";
  note(upstream: Upstream, is: "native" | "plain"): void;
}

export function createCompactionMemo(): CompactionMemo {
  const known = new Map<string, "native" | "plain">();
  return {
    of(upstream) {
      const isOfficial = OFFICIAL_HOSTS[upstream.service].includes(new URL(upstream.baseUrl).hostname);
      return known.get(upstream.key) ?? (isOfficial ? "native" : "unknown");
    },
    note(upstream, is) {
      known.set(upstream.key, is);
    },
  };
}
