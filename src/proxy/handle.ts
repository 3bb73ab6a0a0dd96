// One request, from its first byte to its log line, as a straight line: guard, body, redaction, candidates, attempts,
// answer, end. Every step is called once and none calls back; each request that the guard lets in ends in one record.
import { maskClientToken, SERVICE_FACTS } from "../base/service.ts";
import { t } from "../base/text.ts";
import { type Upstream, chainOf } from "../base/upstream.ts";
import { type FinalAnswer, makeFinalAnswer } from "../routing/final-answer.ts";
import { joinOutlooks } from "../routing/outlook.ts";
import { reasonInEnglish } from "../routing/reasons.ts";
import type { PlanRequest, Reason } from "../routing/types.ts";
import { type Answering, answerFrom, answerGone, answerHere, answerLocal } from "./answer.ts";
import { type AllFailed, type Pass, roundOf, runAttempts } from "./attempt-loop.ts";
import { readCompaction, unfoldSummaries } from "./compaction.ts";
import { makeCompactionPasses } from "./compaction-passes.ts";
import type { PlacedRequest, ProxyDeps, Route, Wall } from "./deps.ts";
import { endpointOf } from "./endpoints.ts";
import { Exchange, type ExchangeEnd } from "./exchange.ts";
import { ANY_OUTPUT } from "./gate.ts";
import { refuse, type RequestTarget, splitUrl } from "./guard.ts";
import { headWaitMs, withHeartbeat } from "./heartbeat.ts";
import { type LocalError, makeErrorResponse } from "./local-error.ts";
import { OWN_PREFIX, answerOwn } from "./own-routes.ts";
import { isCounted } from "./refusals.ts";
import { makeChainPasses, modelInUse, plansOf } from "./model-chain.ts";
import { readBody } from "./read-body.ts";
import { readRequestFacts, readSession, type RequestFacts } from "./request-facts.ts";
import type { SessionMemory } from "./session-memory.ts";
import { Traits } from "./request-traits.ts";

/** Bun runs at most 256 fetches at once and lets the next one wait in silence: better a clear answer before that. */
const MAX_IN_FLIGHT = 250;
const FULL: LocalError = {
  status: 503,
  message: t`more than ${MAX_IN_FLIGHT} requests are open at once`,
  retryAfterSecs: 2,
};
const BAD_TARGET: LocalError = { status: 400, message: t`the request's URL is invalid` };

const OUR_BUG: ExchangeEnd = { status: 500, outcome: "error", reason: { rule: "bug" } };

/** Answers one request. Rejects only on a bug of ours; the request has its record even then. */
export async function handle(request: Request, deps: ProxyDeps): Promise<Response> {
  const target = splitUrl(request.url);
  const path = maskClientToken(target?.path ?? "/", deps.clientToken);
  const refusal = refuse(request, deps.allowedHosts(), deps.instance, {
    // Our own pages have a proof of their own.
    wanted: path.startsWith(OWN_PREFIX) ? null : deps.clientToken,
    given: deps.clientToken !== null && deps.isTrustedPeer(request) ? (target?.clientToken ?? null) : null,
    service: deps.service,
  });
  if (refusal !== null && isCounted(refusal)) {
    deps.refusals.note({ method: request.method, path, refusal });
    return makeErrorResponse(deps.service, refusal, request.method);
  }
  const exchange = new Exchange(request.method, path, deps);
  const refused = (error: LocalError): Response => answerLocal(exchange, "refused", error);
  if (refusal !== null) return refused(refusal);
  // A client token in another place than its own would go on to the upstream.
  if (
    target === null ||
    (deps.clientToken !== null && `${target.path}${target.search}`.includes(deps.clientToken))
  )
    return refused(BAD_TARGET);
  const own = await answerOwn(deps, request, target);
  if (own !== null) return own;
  if (deps.inFlight.count >= MAX_IN_FLIGHT) return refused(FULL);
  try {
    return await forward({ request, target, exchange, deps });
  } catch (error) {
    exchange.end(OUR_BUG);
    throw error;
  }
}

interface Forwarding {
  readonly request: Request;
  readonly target: RequestTarget;
  readonly exchange: Exchange;
  readonly deps: ProxyDeps;
}

async function forward({ request, target, exchange, deps }: Forwarding): Promise<Response> {
  const { method } = request;
  const refused = (error: LocalError): Response => answerLocal(exchange, "refused", error);
  const state = deps.routeState();
  if (state.kind === "unset")
    return refused({ status: 400, message: t`${state.message}; type: ${state.hint}` });
  const hold = (bytes: number): void => exchange.hold(bytes);
  const read = await readBody(request, { limits: state.route.limits, uploads: deps.uploads, hold });
  if (read.kind === "client-gone") return answerGone(exchange);
  if (read.kind === "refused") return refused(read);
  // Not before: a body that never comes must not take the place of one that is there.
  if (deps.inFlight.count >= MAX_IN_FLIGHT) return refused(FULL);
  exchange.takePlace();
  const endpoint = endpointOf(method, target.path);
  const projects = deps.projects?.();
  const early = projects === undefined ? undefined : readRequestFacts(endpoint, request.headers, read.bytes);
  const placed =
    early === undefined
      ? undefined
      : await (await projects)?.place(describePlaced(early, { request, target, body: read.bytes }));
  exchange.project = placed?.kind === "answered" ? null : (placed?.project ?? null);
  if (placed?.kind === "refused") return refused(placed.error);
  if (placed?.kind === "answered") return answerHere(exchange, placed.body);
  const { wall } = placed ?? {};
  const route = placed?.route ?? state.route;
  const compaction = readCompaction(endpoint.api, read.bytes);
  // The rules cannot see into a summary of ours, and must: it leaves as plain text.
  const unfolded = compaction.hasOwn ? unfoldSummaries(read.bytes) : read.bytes;
  const filtered = deps.filter(unfolded, request.headers, placed?.filters, () =>
    early === undefined ? readSession(endpoint, request.headers, read.bytes) : early.sessionId,
  );
  if (filtered.kind === "refused") return refused({ status: 400, message: filtered.message });
  const { body } = filtered;
  // Until the end: Bun keeps the body of a fetch for as long as its answer comes.
  hold(body.length - read.bytes.length);
  const facts =
    early !== undefined && body === read.bytes ? early : readRequestFacts(endpoint, request.headers, body);
  exchange.describe({ facts, filtered, configName: route.configName, requestBytes: body.length });
  if (deps.noteSession !== undefined && facts.sessionId !== null && facts.agent !== "auxiliary")
    deps.noteSession(facts.sessionId, request);
  const traits = new Traits(method, target.path, request.headers, body);
  const first = deps.memory.knowsResponses ? makerOfNamed(facts, target.path, deps.memory) : undefined;
  const isHeld = route.waitMs !== undefined && endpoint.counts === "yes";
  // What it came as may be looked at again.
  if (isHeld && body !== read.bytes) hold(read.bytes.length);
  const what: What = {
    deps,
    facts,
    body,
    isCompaction: compaction.isRequest,
    first,
    traits,
    came: isHeld ? { request, target, body: read.bytes } : null,
  };
  const { heldBack, rooms, tried } = exchange;
  const owned = deps.owned();
  const here: Where = { route, wall, line: placed?.line, project: exchange.project };
  const answer = answerRequest(what, here, {
    request: {
      method,
      target,
      headers: request.headers,
      replacedHeaders: filtered.headers,
      decoded: read.decoded,
      facts,
      signal: request.signal,
    },
    route,
    wall,
    exchange,
    deps,
    owned: owned instanceof Promise ? await owned : owned,
    tried,
    rooms,
    restoring: filtered.restoring,
    hold,
    heldBack,
    traits,
    dropped: [],
    arrival: exchange.startedAt,
    queued: (ms) => {
      exchange.queuedMs += ms;
    },
    permits: exchange.permits,
  });
  answer.catch(() => exchange.end(OUR_BUG));
  // Others cannot be sent a sign of life.
  if (!facts.stream || endpoint.api === null) return await answer;
  return await withHeartbeat(answer, {
    api: endpoint.api,
    afterMs: deps.heartbeat.afterMs ?? headWaitMs(exchange.service, request.headers),
    everyMs: deps.heartbeat.everyMs,
    onStart: (status) => exchange.fixStatus(status),
  });
}

function describePlaced(
  facts: RequestFacts,
  of: { readonly request: Request; readonly target: RequestTarget; readonly body: Uint8Array },
): PlacedRequest {
  const { headers, method, signal } = of.request;
  const { path } = of.target;
  const { endpoint, sessionId } = facts;
  const previousResponse = (): string | null => facts.previousResponse ?? responseInPath(path);
  return { method, path, endpoint, headers, body: of.body, sessionId, previousResponse, signal };
}

/** The upstream that made the response which the request goes on from, or is about. */
function makerOfNamed(
  { previousResponse }: RequestFacts,
  path: string,
  memory: SessionMemory,
): string | undefined {
  const id = previousResponse ?? responseInPath(path);
  return id === null ? undefined : memory.makerOf(id);
}

function responseInPath(path: string): string | null {
  return /\/responses\/([^/]+)/.exec(path)?.[1] ?? null;
}

/** By which config and within which wall a request is asked. */
interface Where {
  readonly route: Route;
  readonly wall: Wall | undefined;
  readonly line: string | undefined;
  readonly project: string | null;
}

/** What is asked, by whatever config. */
interface What {
  readonly deps: ProxyDeps;
  readonly facts: RequestFacts;
  readonly body: Uint8Array;
  readonly isCompaction: boolean;
  readonly first: string | undefined;
  readonly traits: Traits;
  /** As it came; null where it is not held for a reset. */
  readonly came: {
    readonly request: Request;
    readonly target: RequestTarget;
    readonly body: Uint8Array;
  } | null;
}

function prepare(what: What, where: Where): Asking {
  const { body, deps, facts, first, traits } = what;
  const { endpoint } = facts;
  const { models, onExhausted, upstreams } = where.route;
  const plan = {
    upstreams,
    line: where.line,
    project: where.project ?? undefined,
    // What is asked here may not be what is asked of a turn.
    model: endpoint.judged === "turn" ? facts.model : null,
    sessionId: facts.sessionId,
    now: deps.now(),
    onExhausted,
    isNeutral: endpoint.counts === "no",
    first,
    traits,
  };
  const isMapped = models !== undefined && facts.model !== null && endpoint.mapsModel;
  const chain = isMapped ? chainOf(models, facts.model) : null;
  if (chain === null) return { where, plans: [plan], passes: makePasses(what, plan) };
  const plans = plansOf(chain, plan);
  if (plan.model !== null)
    return { where, plans, passes: makeChainPasses(plans, (one) => makePasses(what, one)) };
  const model = modelInUse(plans, deps.router);
  return { where, plans: [plan], passes: [{ plan, body, accept: ANY_OUTPUT, model }] };
}

function makePasses({ body, deps, isCompaction }: What, plan: PlanRequest): Iterable<Pass> {
  return isCompaction ? makeCompactionPasses(plan, body, deps.memory) : [{ plan, body, accept: ANY_OUTPUT }];
}

/** Where it belongs as config.json is now; null where it may not be asked any more. */
async function locate({ came, deps, facts: { endpoint } }: What): Promise<Where | null> {
  const state = deps.routeState();
  if (state.kind === "unset" || came === null) return null;
  const projects = await deps.projects?.();
  if (projects === undefined) return { route: state.route, wall: undefined, line: undefined, project: null };
  const facts = readRequestFacts(endpoint, came.request.headers, came.body);
  const placed = await projects.place(describePlaced(facts, came));
  return placed.kind === "placed" ? placed : null;
}

interface Asking {
  readonly where: Where;
  /** For each model that it may be asked for. */
  readonly plans: readonly PlanRequest[];
  readonly passes: Iterable<Pass>;
}

interface Handling extends Answering {
  readonly route: Route;
  readonly deps: ProxyDeps;
}

interface Failed extends Pick<AllFailed, "full" | "noRoom" | "plans" | "unbudgeted"> {
  readonly kind: "failed";
  readonly run: Handling;
  /** Null also where it was not kept. */
  last: AllFailed["last"];
}

type Asked = { readonly kind: "answered"; readonly response: Response } | Failed;

async function answerRequest(what: What, where: Where, run: Handling): Promise<Response> {
  const asked = await askBy(prepare(what, where), run);
  if (asked.kind === "answered") return asked.response;
  const final = finalOf(asked);
  if (what.came === null || final.limitEnd == null) return answerFinal(asked, final);
  return await answerAfterReset(asked, what, where);
}

async function askBy({ passes, where: { route, wall } }: Asking, given: Handling): Promise<Asked> {
  const run = route === given.route ? given : { ...given, route, wall };
  const result = await runAttempts(passes, run);
  if (result.kind === "client-gone") return { kind: "answered", response: answerGone(run.exchange) };
  if (result.kind === "answer") return { kind: "answered", response: await answerFrom(result.chosen, run) };
  return { ...result, kind: "failed", run };
}

function finalOf(failed: Failed): FinalAnswer {
  const { plans, run } = failed;
  const { deps, exchange, request } = run;
  const { service } = exchange;
  const rounds = plans.map((plan) => roundOf(plan, run, failed));
  return makeFinalAnswer({
    service,
    isOwnClient: SERVICE_FACTS[service].agent.test(request.headers.get("user-agent") ?? ""),
    isNeutral: request.facts.endpoint.counts === "no",
    now: deps.now(),
    ...(rounds.at(-1) ?? { tried: [], candidates: [] }),
    earlier: rounds.slice(0, -1),
  });
}

function answerFinal({ last, plans, run }: Failed, final: FinalAnswer): Promise<Response> | Response {
  // A limit ends the turn by itself; without the wall another upstream might have had room.
  const isLimitBehindWall = run.wall?.name != null && LIMITS.has(final.type ?? "");
  if (final.kind === "last-answer" && last !== null && !isLimitBehindWall) return answerFrom(last, run);
  const reason = withWall(final.reason, run.wall?.name, plans[0]?.upstreams ?? []);
  const said = `ch (codex-helper): ${reasonInEnglish(reason)}`;
  // What an upstream said may be in it; the log keeps that as it was said.
  const message = run.restoring?.text(said) ?? said;
  return answerLocal(run.exchange, "error", { ...final, reason, message });
}

const LIMITS: ReadonlySet<string> = new Set(["usage_limit_reached", "rate_limit_error"]);

/** Names the wall that kept the request from all other upstreams. */
function withWall(said: Reason, name: string | null | undefined, upstreams: readonly Upstream[]): Reason {
  if (name == null) return said;
  const labels = upstreams.map(({ label }) => label).join(", ");
  return { rule: "sentences", said, next: { rule: "within-wall", project: name, labels } };
}

/** Holds it until a limit is reset, as long as the config of the moment wants that, and asks again. */
async function answerAfterReset(first: Failed, what: What, given: Where): Promise<Response> {
  const { run } = first;
  const { deps, exchange, request, route } = run;
  const { facts, headers, signal } = request;
  const waits = await deps.waits();
  let where: Where | null = given;
  let isLocating = false;
  let locatedAt = deps.monotonic();
  const follow = (): void => {
    const everyMs = where?.wall === undefined ? RELOCATE_MS : RELOCATE_BY_CONTENT_MS;
    if (isLocating || deps.monotonic() - locatedAt < everyMs) return;
    isLocating = true;
    void locate(what)
      .catch(() => null)
      .then((now) => {
        where = now?.route.waitMs === undefined ? null : now;
        locatedAt = deps.monotonic();
        isLocating = false;
      });
  };
  const patienceMs = facts.stream ? Infinity : headWaitMs(exchange.service, headers, "whole");
  const asked = await waits.hold<Asked>(
    {
      sessionId: facts.sessionId,
      model: facts.model,
      signal,
      limitMs: () => Math.min((where?.route ?? route).waitMs ?? 0, patienceMs),
      look() {
        follow();
        return where === null
          ? null
          : joinOutlooks(prepare(what, where).plans.map((plan) => deps.router.outlook(plan)));
      },
      async ask(before) {
        where = await locate(what);
        if (where === null) return before;
        exchange.beginRound(where.route.configName);
        return await askBy(prepare(what, where), run);
      },
      standstillOf: (result) => (result.kind === "answered" ? null : finalOf(result)),
      onHeld(result, waitedMs) {
        exchange.noteWait(waitedMs);
        if (result.kind === "answered") return;
        // What the upstream said is not kept for so long: the answer is in our words.
        result.last?.answer.abort();
        result.last = null;
      },
    },
    first,
  );
  if (asked.kind === "answered") return asked.response;
  return signal.aborted ? answerGone(exchange) : answerFinal(asked, finalOf(asked));
}

/** A change of config.json is noticed so soon; later where the request has to be looked through for its project. */
const RELOCATE_MS = 800;
const RELOCATE_BY_CONTENT_MS = 5_000;
