// The state of one service as facts without secrets, and the order that its next request would take: what a running proxy
// answers on its own pages, and what `ch status` and `ch routing` show. Sends nothing, and makes no sentences.
import type { Text } from "../../base/text.ts";
import { flagFor } from "../../base/service.ts";
import { chainOf, type Upstream, keyCommand, modelAt } from "../../base/upstream.ts";
import type { DirectoryView, RouteState } from "../../proxy/deps.ts";
import type { LaneDoor } from "../../proxy/lane-door.ts";
import { modelInUse, plansOf } from "../../proxy/model-chain.ts";
import { type Router, reasonOfLearned } from "../../routing/router.ts";
import { fixOfState } from "../../routing/fixes.ts";
import { reasonInEnglish } from "../../routing/reasons.ts";
import type { Assessment, Candidate, PlanRequest, Reason } from "../../routing/types.ts";
import type { ChainFacts, Explanation, RouteFacts, UpstreamFacts, UpstreamState } from "../ask-instance.ts";
import { withText } from "./problem.ts";
import type { Reserve } from "../../quota/reserve.ts";
import type { ListedConfig, LiveRoute } from "../live-config.ts";
import type { Quota } from "../quota/quota.ts";

export interface RouteFactsInput {
  readonly route: LiveRoute;
  readonly router: Router;
  readonly quota: Pick<Quota, "reservesOf" | "rowsOf">;
  /** Wall clock, ms. */
  readonly now: number;
  /** Default: nothing is counted. */
  readonly lanes?: Pick<LaneDoor, "factsOf">;
  /** Whoever else asks sees no more of an address than its host: the path may name an account. Default true. */
  readonly isOwner?: boolean;
}

/** Where requests of the service go, and the state of each upstream of that config; the disabled ones too. */
export function makeRouteFacts({ isOwner, lanes, now, quota, route, router }: RouteFactsInput): RouteFacts {
  const state = route.state();
  const listed = route.listUpstreams();
  const places = listPlaces({ router, state, now }, { model: null, sessionId: null });
  const makeUpstreamFacts = ({ isEnabled, upstream }: ListedConfig["entries"][number]): UpstreamFacts => {
    const place = places.find(({ upstream: { key } }) => key === upstream.key);
    const report = router.report(upstream, place);
    const { lastFailure } = report;
    return {
      ...makeState(upstream, report, isOwner),
      ...makeLearned(upstream, router),
      ...makePlaces(upstream, lanes),
      ...(isEnabled ? {} : { enabled: false, ...withText("fix", enableCommand(upstream)) }),
      attempts: report.attempts,
      failed_attempts: report.failures,
      requests: report.attempts,
      failures: report.failures,
      last_failure:
        lastFailure === null ? null : { at_ms: lastFailure.at, ...withReason("reason", lastFailure.reason) },
      sessions: report.sessions,
      quota: quota.rowsOf(upstream),
      ...makeReserves(quota.reservesOf(upstream)),
      // The address may hold a password: the host alone is shown.
      outbound_proxy: upstream.proxy === false ? null : new URL(upstream.proxy).host,
    };
  };
  return {
    config_name: listed?.configName ?? null,
    problem: state.kind === "ready" ? null : { ...withText("message", state.message), hint: state.hint },
    upstreams: (listed?.entries ?? []).map(makeUpstreamFacts),
    ...makeChains({ router, state, now }),
  };
}

function makeChains(now: RouteNow): Pick<RouteFacts, "chains"> {
  const models = now.state.kind === "ready" ? Object.keys(now.state.route.models ?? {}) : [];
  const chains = models.flatMap((model) => makeChain(now, { model, sessionId: null })?.facts ?? []);
  return chains.length === 0 ? {} : { chains };
}

/** The models that one is asked as, and the plan for the one in use; null where it has no chain. */
function makeChain(
  route: RouteNow,
  question: Question,
): { readonly facts: ChainFacts; readonly plan: PlanRequest } | null {
  const { router, state } = route;
  const { model } = question;
  const models =
    state.kind === "unset" || model === null || state.route.models === undefined
      ? null
      : chainOf(state.route.models, model);
  const request = planFor(route, question);
  if (models === null || model === null || request === null) return null;
  const plans = plansOf(models, request);
  const inUse = modelInUse(plans, router);
  const plan = plans.find((one) => one.model === inUse) ?? request;
  return { facts: { model, models: [...models], in_use: model === "*" ? null : (inUse ?? null) }, plan };
}

/** The one place that makes an upstream's state for people and programs. */
function makeState(upstream: Upstream, view: Assessment, isOwner = true): UpstreamState {
  return {
    label: upstream.label,
    // Whoever else asks sees no more than the host: the path may name an account.
    base_url: isOwner ? upstream.baseUrl : new URL(upstream.baseUrl).host,
    enabled: true,
    standing: view.availability,
    usage_exhausted: view.isExhausted,
    since_ms: view.since,
    until_ms: view.until,
    retry_at_ms: view.askAt,
    ...withReason("reason", view.reason),
    ...withReason("source", view.source),
    ...withText("problem", problemOf(upstream)),
    problem_hint: hintOf(upstream),
    ...withText("fix", fixOfUpstream(upstream, view)),
  };
}

function fixOfUpstream(upstream: Upstream, view: Assessment): Text | string | null {
  const { credential, label, service } = upstream;
  if (problemOf(upstream) !== null) return hintOf(upstream) ?? `ch config show ${label}${flagFor(service)}`;
  return fixOfState(view, { ...upstream, credential: credential.kind });
}

function makeLearned({ key }: Upstream, { learned }: Router): Pick<UpstreamState, "learned"> {
  const entries = learned.of(key).map((entry) => ({
    client: entry.client,
    ...withReason("reason", reasonOfLearned(entry)),
    until_ms: entry.until,
  }));
  return entries.length === 0 ? {} : { learned: entries };
}

function makeReserves(reserves: readonly Reserve[]): Pick<UpstreamFacts, "reserves"> {
  if (reserves.length === 0) return {};
  return {
    reserves: reserves.map(({ at, keep, left, state, window }) => ({
      window,
      keep_percent: keep,
      left_percent: left,
      state,
      read_at_ms: at,
    })),
  };
}

function makePlaces(upstream: Upstream, lanes: RouteNow["lanes"]): Pick<UpstreamState, "concurrency"> {
  const facts = lanes?.factsOf(upstream) ?? null;
  if (facts === null) return {};
  const { group, inUse, limit, source, until, waiting } = facts;
  return { concurrency: { in_use: inUse, limit, waiting, group, source, until_ms: until } };
}

export interface Question {
  readonly model: string | null;
  readonly sessionId: string | null;
  /** Where the request comes from; null where that is not asked. */
  readonly directory?: string | null;
}

interface RouteNow {
  readonly router: Router;
  readonly state: RouteState;
  /** Wall clock, ms. */
  readonly now: number;
  /** As above. */
  readonly lanes?: Pick<LaneDoor, "factsOf"> | undefined;
  readonly isOwner?: boolean;
  /** What holds for the directory that is asked about. Absent where there are no projects, or none is asked about. */
  readonly view?: DirectoryView | undefined;
}

export function explainRoute(route: RouteNow, question: Question): Explanation {
  const { view } = route;
  const { placement } = view ?? {};
  const project =
    placement === undefined || placement.kind === "answered" ? {} : { project: placement.project };
  if (placement?.kind === "refused") {
    const problem = { ...withText("message", placement.error.message), hint: "ch project" };
    return { config_name: null, ...project, problem, max_upstreams: 0, places: [] };
  }
  const state: RouteState =
    placement?.kind === "placed" ? { kind: "ready", route: placement.route } : route.state;
  if (state.kind === "unset") {
    const problem = { ...withText("message", state.message), hint: state.hint };
    return { config_name: null, problem, max_upstreams: 0, places: [] };
  }
  const { configName, routing } = state.route;
  const now: RouteNow = { ...route, state };
  const chain = makeChain(now, question);
  const wall = placement?.kind === "placed" ? placement.wall.name : null;
  const makePlace = (upstream: Upstream, seen: Assessment): Explanation["places"][number] => ({
    ...makeState(upstream, seen, route.isOwner),
    ...makeLearned(upstream, route.router),
    ...makePlaces(upstream, route.lanes),
    upstream_model: otherModel(upstream, chain?.plan.model ?? question.model),
  });
  const behind: Pick<Assessment, "availability" | "allowed" | "reason"> = {
    availability: "walled",
    allowed: "no",
    reason: { rule: "walled", project: wall ?? "" },
  };
  return {
    config_name: configName,
    ...project,
    ...(wall === null ? {} : { wall }),
    problem: null,
    max_upstreams: routing.maxUpstreamsPerRequest,
    ...(chain === null ? {} : { chain: chain.facts }),
    places: [
      ...(chain === null ? listPlaces(now, question) : route.router.explain(chain.plan)).map((place) =>
        makePlace(place.upstream, { ...place.view, reason: place.reason }),
      ),
      ...(view?.outside ?? []).map((upstream) =>
        makePlace(upstream, { ...NO_TIMES, ...behind, isExhausted: false }),
      ),
    ],
  };
}

const NO_TIMES = { since: null, until: null, askAt: null, source: null } as const;

/** Status and explanation share these, so that no two screens say different things. */
function listPlaces(route: RouteNow, question: Question): readonly Candidate[] {
  const request = planFor(route, question);
  return request === null ? [] : route.router.explain(request);
}

function planFor({ state, now, view }: RouteNow, { model, sessionId }: Question): PlanRequest | null {
  if (state.kind === "unset") return null;
  const { onExhausted, upstreams } = state.route;
  const placed = view?.placement.kind === "placed" ? view.placement : undefined;
  const of = { line: placed?.line, project: placed?.project ?? undefined };
  return { upstreams, model, sessionId, now, onExhausted, ...of };
}

function enableCommand({ label, service }: Upstream): string {
  return `ch config enable ${label}${flagFor(service)}`;
}

/** Why nothing can be sent to it until the user fixes it; null where it can. */
function problemOf({ credential }: Upstream): Text | null {
  if (credential.kind === "command") return credential.problem;
  return credential.kind === "unusable" ? credential.why : null;
}

/** What to type against it, if there is a command. */
export function hintOf({ credential, label, service }: Upstream): string | null {
  if (credential.kind === "command")
    return credential.problem === null ? null : `ch doctor --probe ${label}${flagFor(service)}`;
  if (credential.kind !== "unusable" || credential.needs === undefined) return null;
  return keyCommand({ credential: credential.needs.kind, label, service });
}

function otherModel(upstream: Upstream, model: string | null): string | null {
  const own = model === null ? null : modelAt(upstream, model);
  return own === model ? null : own;
}

/** As `withText`, with the data as `<name>_data`. */
function withReason<Name extends string, Why extends Reason | null>(
  name: Name,
  reason: Why,
): Record<Name, string | Extract<Why, null>> & Partial<Record<`${Name}_data`, Reason>> {
  const english = reason === null ? null : reasonInEnglish(reason);
  return Object.assign(
    { [name]: english },
    reason === null ? {} : { [`${name}_data`]: reason },
  ) as ReturnType<typeof withReason<Name, Why>>;
}
