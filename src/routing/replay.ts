// Says whether a request that failed may be sent to another upstream without doing harm (RFC 9110 9.2.2).
// Pure.
import type { RetryClass, RoutingSettings } from "./types.ts";

export interface ReplayRequest {
  readonly method: string;
  readonly path: string;
  readonly facts: {
    /** The upstream keeps the answer. */
    readonly store: boolean;
    /** The upstream works on without the connection. */
    readonly background: boolean;
  };
  readonly settings: Pick<RoutingSettings, "ambiguous">;
}

/** POST endpoints that leave nothing behind at the upstream: tools run at the client, the answer is the effect. */
const GENERATES =
  /\/(?:responses|responses\/compact|chat\/completions|messages|messages\/count_tokens|embeddings)$/;

/**
 * A: never sent, always safe. B: refused before any work, safe where a repetition starts something anew. C: may have
 * been done; safe only where nothing is kept, so that the worst is an answer billed twice, and where the user has not
 * said `ambiguous: "never"`.
 */
export function mayRepeat(retryClass: RetryClass, request: ReplayRequest): boolean {
  if (retryClass === "D") return false;
  if (retryClass === "A" || isRead(request))
    return retryClass !== "C" || request.settings.ambiguous === "failover";
  const { facts, method, path } = request;
  if (method !== "POST" || facts.background || !GENERATES.test(path)) return false;
  return retryClass === "B" || (!facts.store && request.settings.ambiguous === "failover");
}

function isRead({ method }: ReplayRequest): boolean {
  return method === "GET" || method === "HEAD";
}
