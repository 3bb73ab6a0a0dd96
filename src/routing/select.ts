// Puts the upstreams of a request in order and says why each has its place. Decides from views alone.
// Pure.
import type { Upstream } from "../base/upstream.ts";
import type { SessionBinding } from "./affinity.ts";
import type { Assessment, Availability, Candidate, PlanRequest, Reason } from "./types.ts";

export interface SelectInput {
  readonly request: PlanRequest;
  readonly binding: SessionBinding | undefined;
  readonly viewOf: (upstream: Upstream, isLastResort: boolean) => Assessment;
  /** Why the upstream does not take such a request; undefined where nothing is known. Absent where nothing is of any. */
  readonly refusalOf?: (upstream: Upstream) => Reason | undefined;
}

/**
 * The candidates of a request, best first: the session's own upstream, then the usable ones in the given order (those
 * short of quota after the others, for sessions that are not with them), then the avoided ones. Never empty where
 * `upstreams` is not. With `onExhausted: "stop"` nothing after an exhausted upstream is in reach; a pinned session
 * has its one account.
 */
export function selectCandidates({ request, binding, refusalOf, viewOf }: SelectInput): readonly Candidate[] {
  const upstreams = reachOf(request, binding, viewOf);
  const seen = upstreams.map((upstream) => ({ upstream, view: viewOf(upstream, false) }));
  const views = seen.some(({ view }) => view.allowed !== "no")
    ? seen
    : upstreams.map((upstream) => ({ upstream, view: viewOf(upstream, true) }));
  const places = views.map(({ upstream, view }, index) => {
    const refusal = view.allowed === "no" ? undefined : refusalOf?.(upstream);
    const isRefusing = refusal !== undefined && upstream.key !== request.first;
    const rank = isRefusing ? REFUSING_RANK : rankOf(view, upstream.key, request.first, binding?.key);
    return { upstream, view, refusal, rank: rank * views.length + index };
  });
  places.sort((a, b) => a.rank - b.rank);
  const lastUsable = places.findLastIndex(({ view }) => view.allowed !== "no");
  return places.map(({ refusal, upstream, view }, place) => ({
    upstream,
    availability: view.availability,
    reason: refusal ?? reasonOf(upstream, view, binding),
    until: view.askAt,
    view,
    isLastUsable: place >= lastUsable,
  }));
}

/** The upstreams that may serve the request at all. Never empty where `among` is not. */
export function reachOf(
  request: PlanRequest,
  binding: SessionBinding | undefined,
  viewOf: SelectInput["viewOf"],
): readonly Upstream[] {
  const { upstreams } = request;
  if (binding?.isPinned === true) {
    const own = upstreams.filter((upstream) => upstream.key === binding.key);
    if (own.length > 0) return own;
  }
  const { among = upstreams } = request;
  if (request.onExhausted !== "stop") return among;
  const end = upstreams.findIndex((upstream) => viewOf(upstream, false).isExhausted);
  if (end < 0) return among;
  const reach = upstreams.slice(0, end + 1);
  const able = among.filter((upstream) => reach.includes(upstream));
  return able.length > 0 ? able : reach;
}

const REFUSING_RANK = 3;
const AVOIDED_RANK: Readonly<Partial<Record<Availability, number>>> = {
  exhausted: 5,
  "auth-dead": 6,
  "model-unknown": 7,
};

function rankOf(
  { availability, allowed }: Assessment,
  key: string,
  ...firsts: readonly (string | undefined)[]
): number {
  if (allowed === "no") return AVOIDED_RANK[availability] ?? 4;
  const place = firsts.indexOf(key);
  if (place >= 0) return place - firsts.length;
  return availability === "low" ? 2 : 1;
}

function reasonOf(
  upstream: Upstream,
  { reason, availability }: Assessment,
  binding: SessionBinding | undefined,
): Reason {
  if (availability !== "ok" && availability !== "low") return reason;
  if (upstream.key === binding?.key) {
    if (binding.isPinned) return { rule: "session-pinned" };
    return availability === "low" ? { rule: "session-bound-low", cause: reason } : { rule: "session-bound" };
  }
  if (availability === "low") return reason;
  return { rule: upstream.position === 1 ? "first-in-order" : "next-in-order" };
}
