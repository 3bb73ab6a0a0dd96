// The state of one service as facts without secrets, and the order that its next request would take: what a running proxy
// answers on its own pages, and what `ch status` and `ch routing` show. Sends nothing, and makes no sentences.
import { inEnglish, type Text, isText } from "../../base/text.ts";
import type { UserError } from "../../base/errors.ts";
import type { Upstream } from "../../base/upstream.ts";
import type { RouteState } from "../../proxy/deps.ts";
import type { QuotaRow } from "../../quota/sources.ts";
import { modelAt } from "../../routing/model-name.ts";
import type { Router } from "../../routing/router.ts";
import type { Candidate } from "../../routing/types.ts";
import type { Explanation, Problem, RouteFacts, UpstreamFacts } from "../ask-instance.ts";
import type { LiveRoute } from "../live-config.ts";
import type { Quota } from "../quota/quota.ts";

export interface RouteFactsInput {
  readonly route: LiveRoute;
  readonly router: Router;
  readonly quota: Pick<Quota, "rowsOf">;
  /** Wall clock, ms. */
  readonly now: number;
}

/** Where requests of the service go, and the state of each upstream of that config; the disabled ones too. */
export function makeRouteFacts(input: RouteFactsInput): RouteFacts {
  const { now, quota, route, router } = input;
  const state = route.state();
  const listed = route.listUpstreams();
  const places = listPlaces({ router, state }, { model: null, sessionId: null }, now);
  const problem =
    state.kind === "ready"
      ? null
      : {
          message: inEnglish(state.message),
          ...asData("message", state.message),
          hint: state.hint,
        };
  return {
    config_name: listed?.configName ?? null,
    problem,
    upstreams: (listed?.entries ?? []).map(({ isEnabled, upstream }) =>
      makeUpstreamFacts(upstream, isEnabled, {
        router,
        quota: quota.rowsOf(upstream),
        place: places.find((place) => place.upstream.key === upstream.key),
      }),
    ),
  };
}

export function makeProblem(error: UserError | null): Problem | null {
  return error === null
    ? null
    : {
        message: error.message,
        ...asData("message", error.text),
        hint: error.hint ?? null,
        ...asData("hint", error.hintText ?? null),
      };
}

function makeUpstreamFacts(
  upstream: Upstream,
  isEnabled: boolean,
  {
    place,
    quota,
    router,
  }: { readonly router: Router; readonly quota: QuotaRow[]; readonly place: Candidate | undefined },
): UpstreamFacts {
  const report = router.report(upstream, place);
  const { lastFailure } = report;
  const { baseUrl, credential, label, proxy } = upstream;
  return {
    label,
    base_url: baseUrl,
    enabled: isEnabled,
    standing: report.standing,
    usage_exhausted: report.isExhausted,
    since_ms: report.since,
    until_ms: report.until,
    reason: inEnglish(report.reason),
    ...asData("reason", report.reason),
    source: report.source === null ? null : inEnglish(report.source),
    ...asData("source", report.source),
    requests: report.requests,
    failures: report.failures,
    last_failure:
      lastFailure === null
        ? null
        : {
            at_ms: lastFailure.at,
            reason: inEnglish(lastFailure.reason),
            ...asData("reason", lastFailure.reason),
          },
    sessions: report.sessions,
    problem: credential.kind === "unusable" ? inEnglish(credential.why) : null,
    ...asData("problem", credential.kind === "unusable" ? credential.why : null),
    quota,
    // The address may hold a password: the host alone is shown.
    outbound_proxy: proxy === false ? null : new URL(proxy).host,
  };
}

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
    const problem = {
      message: inEnglish(state.message),
      ...asData("message", state.message),
      hint: state.hint,
    };
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
      reason: inEnglish(reason),
      ...asData("reason", reason),
      problem: upstream.credential.kind === "unusable" ? inEnglish(upstream.credential.why) : null,
      ...asData("problem", upstream.credential.kind === "unusable" ? upstream.credential.why : null),
      until_ms: until,
      upstream_model: otherModel(upstream, model),
    })),
  };
}

/** Status and explanation share these, so that no two screens say different things. */
function listPlaces(
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

/** Beside the English of a field its data, `<name>_text`, for a screen in another language. */
function asData<Name extends string>(
  name: Name,
  text: Text | string | null,
): Partial<Record<`${Name}_text`, Text>> {
  return isText(text) ? ({ [`${name}_text`]: text } as Partial<Record<`${Name}_text`, Text>>) : {};
}
