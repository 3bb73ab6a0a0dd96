// Puts the upstreams of a request in order and says why each has its place. Decides from views alone.
// Pure.
import { addressOf, type Upstream } from "../base/upstream.ts";
import type { SessionBinding } from "./affinity.ts";
import type { FailingAddress } from "./records.ts";
import type { Assessment, Availability, Candidate, PlanRequest, Reason } from "./types.ts";

export interface SelectInput {
  readonly request: PlanRequest;
  readonly binding: SessionBinding | undefined;
  readonly viewOf: (upstream: Upstream, isLastResort: boolean) => Assessment;
  /** Does a rule of the owner's keep the request from all that come after it? Absent where there is no such rule. */
  readonly endsLine?: ((upstream: Upstream) => boolean) | undefined;
  /** Why the upstream does not take such a request; undefined where nothing is known. Absent where nothing is of any. */
  readonly refusalOf?: (upstream: Upstream) => Reason | undefined;
  /** The upstream's address, while that is failing. Default: none is. */
  readonly failingOf?: (upstream: Upstream) => FailingAddress | null;
}

/**
 * The candidates of a request, best first: the session's own upstream, then the usable ones in the given order (those
 * short of quota after the others, for sessions that are not with them), those whose address another key found failing, then
 * the avoided ones. Never empty where `upstreams` is not. With `onExhausted: "stop"` nothing after an exhausted upstream is in
 * reach; a pinned session has its one account.
 */
export function selectCandidates(input: SelectInput): readonly Candidate[] {
  const { request, binding, refusalOf, viewOf } = input;
  const upstreams = reachOf(request, binding, input);
  const seen = upstreams.map((upstream) => ({ upstream, view: viewOf(upstream, false) }));
  const views = seen.some(({ view }) => view.allowed !== "no")
    ? seen
    : upstreams.map((upstream) => ({ upstream, view: viewOf(upstream, true) }));
  const places = views.map(({ upstream, view }, index) => {
    const isUsable = view.allowed !== "no";
    const refusal = isUsable ? refusalOf?.(upstream) : undefined;
    const failing = isUsable ? failingAddress(upstream, input) : null;
    const isRefusing = refusal !== undefined && upstream.key !== request.first;
    const rank = isRefusing
      ? REFUSING_RANK
      : failing === null
        ? rankOf(view, upstream.key, request.first, binding?.key)
        : FAILING_RANK;
    return { upstream, view, refusal, failing, rank: rank * views.length + index };
  });
  places.sort((a, b) => a.rank - b.rank);
  // One whose address is failing is no answer that the one before it could leave the request to.
  const lastGood = places.findLastIndex(({ failing, view }) => view.allowed !== "no" && failing === null);
  const lastUsable = lastGood >= 0 ? lastGood : places.findLastIndex(({ view }) => view.allowed !== "no");
  return places.map(({ failing, refusal, upstream, view }, place) => ({
    upstream,
    availability: view.availability,
    reason: refusal ?? reasonOfAddress(failing) ?? reasonOf(upstream, view, binding),
    until: view.askAt,
    view,
    isLastUsable: place >= lastUsable,
  }));
}

/**
 * What another key found of an upstream's address. A session stays with its own upstream until that is found twice, and one that
 * alone may have what the request is about is asked in any case.
 */
function failingAddress(
  upstream: Upstream,
  { binding, failingOf, request }: SelectInput,
): FailingAddress | null {
  const failing = failingOf?.(upstream) ?? null;
  if (failing === null || upstream.key === request.first) return null;
  if (failing.count === 1 && (upstream.key === failing.key || upstream.key === binding?.key)) return null;
  const address = addressOf(upstream);
  const isShared = request.upstreams.some((other) => other !== upstream && addressOf(other) === address);
  return isShared ? failing : null;
}

/** The upstreams that may serve the request at all. Never empty where `among` is not. */
export function reachOf(
  request: PlanRequest,
  binding: SessionBinding | undefined,
  { endsLine, viewOf }: Pick<SelectInput, "endsLine" | "viewOf">,
): readonly Upstream[] {
  const { upstreams } = request;
  if (binding?.isPinned === true) {
    const own = upstreams.filter((upstream) => upstream.key === binding.key);
    if (own.length > 0) return own;
  }
  const { among = upstreams } = request;
  const stops = request.onExhausted === "stop";
  if (!stops && endsLine === undefined) return among;
  const end = upstreams.findIndex(
    (upstream) => (stops && viewOf(upstream, false).isExhausted) || endsLine?.(upstream) === true,
  );
  if (end < 0) return among;
  const reach = upstreams.slice(0, end + 1);
  const able = among.filter((upstream) => reach.includes(upstream));
  return able.length > 0 ? able : reach;
}

const REFUSING_RANK = 3;
const FAILING_RANK = 4;
const AVOIDED_RANK: Readonly<Partial<Record<Availability, number>>> = {
  exhausted: 6,
  "auth-dead": 7,
  "model-unknown": 8,
  walled: 9,
};

function rankOf(
  { availability, allowed }: Assessment,
  key: string,
  ...firsts: readonly (string | undefined)[]
): number {
  if (allowed === "no") return AVOIDED_RANK[availability] ?? 5;
  const place = firsts.indexOf(key);
  if (place >= 0) return place - firsts.length;
  return availability === "low" ? 2 : 1;
}

function reasonOfAddress(failing: FailingAddress | null): Reason | null {
  return failing === null ? null : { rule: "address-failing", cause: failing.reason };
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
