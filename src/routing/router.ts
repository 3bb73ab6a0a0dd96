// Placeholder.
import type { Upstream } from "../base/upstream.ts";
import type { Admission, Candidate, PlanRequest, RoutingSettings, Verdict } from "./types.ts";
export interface Router {
  plan(request: PlanRequest): readonly Candidate[];
  admit(upstream: Upstream, at: { isLast: boolean }): Admission;
  recordFailure(upstream: Upstream, verdict: Verdict, about: { model: string | null }): void;
  recordSuccess(upstream: Upstream, about: { sessionId: string | null; model: string | null }): void;
  release(upstream: Upstream): void;
}
export function createRouter(_options: { settings: () => RoutingSettings; now: () => number; random: () => number }): Router {
  return {
    plan: (request) => request.upstreams.map((upstream) => ({ upstream, standing: "ok", reason: "" })),
    admit: () => ({ kind: "go" }),
    recordFailure() {},
    recordSuccess() {},
    release() {},
  };
}
