// The order that the next request of a service would take, and the reason for each place. Sends nothing.
import type { Upstream } from "../../base/upstream.ts";
import type { RouteState } from "../../proxy/deps.ts";
import { modelAt } from "../../routing/model-name.ts";
import type { Router } from "../../routing/router.ts";
import type { Candidate } from "../../routing/types.ts";
import type { Explanation } from "../instance-answers.ts";

export interface Question {
  readonly model: string | null;
  readonly sessionId: string | null;
}

/** `now`: wall clock, ms. */
export function explainRoute(
  { router, state }: { readonly router: Router; readonly state: RouteState },
  { model, sessionId }: Question,
  now: number,
): Explanation {
  if (state.kind === "unset") {
    const problem = { message: state.message, hint: state.hint };
    return { config_name: null, problem, max_upstreams: 0, places: [] };
  }
  const { configName, routing } = state.route;
  const candidates = listPlaces({ router, state }, { model, sessionId }, now);
  return {
    config_name: configName,
    problem: null,
    max_upstreams: routing.maxUpstreamsPerRequest,
    places: candidates.map(({ reason, standing, until, upstream }) => ({
      label: upstream.label,
      base_url: upstream.baseUrl,
      standing,
      reason,
      problem: upstream.credential.kind === "unusable" ? upstream.credential.why : null,
      until_ms: until,
      upstream_model: otherModel(upstream, model),
    })),
  };
}

/** The places as they are explained, for whoever shows them elsewhere: no two screens may tell different things. */
export function listPlaces(
  { router, state }: { readonly router: Router; readonly state: RouteState },
  { model, sessionId }: Question,
  now: number,
): readonly Candidate[] {
  if (state.kind === "unset") return [];
  const { onExhausted, upstreams } = state.route;
  return router.explain({ upstreams, model, sessionId, now, onExhausted });
}

function otherModel(upstream: Upstream, model: string | null): string | null {
  const own = model === null ? null : modelAt(upstream, model);
  return own === model ? null : own;
}
