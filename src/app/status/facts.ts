// How one service stands, as facts without secrets: what the status page of a running proxy answers and what `ch status`
// works with. Makes no words for people beyond those that it is given.
import type { UserError } from "../../base/errors.ts";
import type { Service } from "../../base/service.ts";
import type { Upstream } from "../../base/upstream.ts";
import type { Router } from "../../routing/router.ts";
import type { Candidate } from "../../routing/types.ts";
import type { Problem, QuotaRow, RouteFacts, UpstreamFacts } from "../instance-answers.ts";
import type { LiveConfig } from "../live-config.ts";
import type { Quota } from "../quota/quota.ts";
import { listPlaces } from "./routing-explain.ts";

export interface RouteFactsInput {
  readonly service: Service;
  readonly live: LiveConfig;
  readonly router: Router;
  readonly quota: Pick<Quota, "rowsOf">;
  /** Wall clock, ms. */
  readonly now: number;
  /** Instead of the active config. */
  readonly configName?: string | undefined;
}

/** Where requests of the service go, and how each upstream of that config stands; the disabled ones too. */
export function makeRouteFacts(input: RouteFactsInput): RouteFacts {
  const { configName, live, now, quota, router, service } = input;
  const state = live.routeState(service, configName);
  const listed = live.listUpstreams(service, configName);
  const places = listPlaces({ router, state }, { model: null, sessionId: null }, now);
  const problem = state.kind === "ready" ? null : { message: state.message, hint: state.hint };
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
  return error === null ? null : { message: error.message, hint: error.hint ?? null };
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
  const { failures, isExhausted, lastFailure, requests, sessions, since, source, ...report } =
    router.report(upstream);
  const { baseUrl, credential, label, proxy } = upstream;
  // Where nothing else is left, an upstream is tried sooner than its own record says.
  const { reason, standing, until } =
    place === undefined || place.standing === report.standing ? report : place;
  return {
    label,
    base_url: baseUrl,
    enabled: isEnabled,
    standing,
    usage_exhausted: isExhausted,
    since_ms: since,
    until_ms: until,
    reason,
    source,
    requests,
    failures,
    last_failure: lastFailure === null ? null : { at_ms: lastFailure.at, reason: lastFailure.reason },
    sessions,
    problem: credential.kind === "unusable" ? credential.why : null,
    quota,
    // The address may hold a password: the host alone is shown.
    outbound_proxy: proxy === false ? null : new URL(proxy).host,
  };
}
