// The failover of one request: asks the candidates in order until one gives an answer that may be shown.
// Decides nothing about upstreams itself: verdicts come from the classifier, places and permits from the router.
import { kept } from "../base/language.ts";
import type { Upstream } from "../base/upstream.ts";
import { METADATA_HEADER } from "../filter/request-filter.ts";
import { stripWorkspaces, stripWorkspacesInBody } from "../filter/workspaces.ts";
import { classifyAttempt } from "../routing/classify.ts";
import { modelAt } from "../routing/model-name.ts";
import { mayRepeat, type ReplayRequest } from "../routing/replay.ts";
import type { AttemptOutcome, Candidate, Permit, PlanRequest, Verdict } from "../routing/types.ts";
import { type Answer, type AttemptResult, attempt } from "./attempt.ts";
import type { ProxyDeps, Route } from "./deps.ts";
import type { RequestTarget } from "./guard.ts";
import { carriesBoundHistory, stripBoundHistory } from "./history.ts";
import { replaceModel } from "./replace-model.ts";
import { countedModel, type RequestFacts } from "./request-facts.ts";
import { makeRequestHeaders, TURN_STATE_HEADER } from "./headers.ts";
import { joinTargetUrl } from "./target-url.ts";

export interface LoopInput {
  readonly deps: ProxyDeps;
  readonly route: Route;
  readonly plan: PlanRequest;
  readonly request: Request;
  readonly target: RequestTarget;
  readonly facts: RequestFacts;
  readonly body: Uint8Array;
  /** The body's Content-Encoding was taken off. */
  readonly decoded: boolean;
  readonly replacedHeaders: Readonly<Record<string, string>>;
  /** Only an answer with a compaction item will do. */
  readonly needsCompaction: boolean;
}

/** One line of the story of a request. */
export interface Tried {
  readonly upstream: Upstream;
  readonly verdict: Verdict | null;
  readonly status: number | null;
  /** Words without secrets; null when the upstream's answer was taken. */
  readonly error: string | null;
  readonly durationMs: number;
  /** The model that this upstream was asked for. */
  readonly model: string | null;
}

export type LoopResult =
  /** To be shown: a success, or an error that is the client's own to see. */
  | { readonly kind: "answer"; readonly chosen: Chosen }
  /** Nothing worked. `last` is the last answer an upstream gave, read whole; `blocked` were not asked. */
  | { readonly kind: "all-failed"; readonly last: Chosen | null; readonly blocked: readonly Candidate[] }
  | { readonly kind: "client-gone" };

/** The answer that the client gets. */
export interface Chosen {
  readonly upstream: Upstream;
  readonly answer: Answer;
  /** To be settled by how the delivery ends; null for an error that is the client's to see: that is settled already. */
  readonly permit: Permit | null;
}

/** GET /models is answered from a cache by the client when it fails: it must be quick, and it blames nobody. */
const MODELS_FIRST_BYTE_MS = 4_000;

interface LoopState {
  readonly candidates: readonly Candidate[];
  last: Chosen | null;
  /** Upstreams that may have seen the request. */
  reached: number;
}

/**
 * Runs the loop. `tried` grows as it goes, so that the log has it whatever happens; who is in it already is asked again
 * only if all it lacked was compaction.
 */
export async function runAttempts(input: LoopInput, tried: Tried[]): Promise<LoopResult> {
  const { deps, plan, route } = input;
  const startedAt = deps.monotonic();
  const failed = tried.filter(({ verdict }) => verdict?.rule !== "no-compaction");
  const asked = new Set(failed.map(({ upstream }) => upstream.key));
  const reached = failed.filter(({ verdict }) => verdict?.retryClass !== "A").length;
  const state: LoopState = { candidates: deps.router.plan(plan), last: null, reached };
  for (const { upstream, isLastUsable } of state.candidates) {
    if (asked.has(upstream.key)) continue;
    if (state.reached >= route.routing.maxUpstreamsPerRequest) break;
    const admission = deps.router.admit(upstream, plan);
    if (admission.kind === "blocked") continue;
    const { permit } = admission;
    const spentMs = deps.monotonic() - startedAt;
    const firstByteMs = firstByteBudget(input, upstream, { isLastUsable, spentMs });
    const turn = { upstream, tried, permit, body: input.body, firstByteMs, isRepaired: false };
    const step = await tryUpstream(input, state, turn);
    if (step !== "next") return step;
  }
  return allFailed(state, tried);
}

interface Turn {
  readonly upstream: Upstream;
  readonly permit: Permit;
  readonly body: Uint8Array;
  readonly tried: Tried[];
  readonly firstByteMs: number;
  /** The body was changed after this upstream's refusal of bound history: there is no third try. */
  readonly isRepaired: boolean;
}

async function tryUpstream(input: LoopInput, state: LoopState, turn: Turn): Promise<LoopResult | "next"> {
  const { deps, facts, route } = input;
  const { permit, upstream } = turn;
  const startedAt = deps.monotonic();
  const named = facts.model ?? countedModel(input.target.path, turn.body);
  const asked = named === null ? null : modelAt(upstream, named);
  const model = facts.model === null ? null : asked;
  const result = await ask(input, turn, asked === named ? null : asked);
  const note = (verdict: Verdict | null, status: number | null, error: string | null): void => {
    const durationMs = deps.monotonic() - startedAt;
    turn.tried.push({ upstream, verdict, status, error, durationMs, model });
  };
  if (result.kind === "client-gone") {
    permit.release();
    note(null, null, kept`the client left`);
    return result;
  }
  if (result.answer !== null) deps.observeHeaders(upstream, result.answer.headers);
  if (result.kind === "answer") {
    // A list of models says nothing about turns: it neither ends a trial nor settles one.
    if (isModelList(input)) permit.release();
    else permit.begun();
    note(null, result.answer.status, null);
    return { kind: "answer", chosen: { upstream, answer: result.answer, permit } };
  }
  const verdict = classifyAttempt(result.outcome, upstream, {
    now: deps.now(),
    settings: route.routing,
    hasBoundHistory: !turn.isRepaired && carriesBoundHistory(facts.api, turn.body),
  });
  note(verdict, statusOf(result.outcome), verdict.reason);
  if (verdict.next === "repair" && !turn.isRepaired) {
    const stripped = stripBoundHistory(facts.api, turn.body);
    if (stripped !== null) {
      result.answer?.abort();
      deps.memory.noteForeignHistory(facts.sessionId, upstream.key, stripped.removed);
      return await tryUpstream(input, state, { ...turn, body: stripped.body, isRepaired: true });
    }
  }
  if (isModelList(input)) permit.release();
  else permit.fail(verdict);
  if (verdict.retryClass !== "A") state.reached += 1;
  const goesOn =
    verdict.next === "next" &&
    mayRepeat(verdict.retryClass, replayRequest(input)) &&
    deps.router.mayFailOver(verdict.retryClass);
  if (!goesOn && result.answer !== null) {
    const answer = { ...result.answer, status: statusFor(result.outcome, verdict, result.answer.status) };
    return { kind: "answer", chosen: { upstream, answer, permit: null } };
  }
  keepLast(state, upstream, result.answer);
  return goesOn ? "next" : allFailed(state, turn.tried);
}

/**
 * The client's own mistake is told as one: after a 500 it would ask again and again, and in a 200 it does not look for an
 * error. Where the user has said what a status means, it stays.
 */
function statusFor(outcome: AttemptOutcome, { next, rule }: Verdict, status: number): number {
  if (next !== "terminal" || rule === "on-status") return status;
  const isHidden = outcome.kind === "bad-content" && outcome.reason === "json-error";
  return isHidden || status >= 500 ? 400 : status;
}

function allFailed(state: LoopState, tried: readonly Tried[]): LoopResult {
  const asked = new Set(tried.map(({ upstream }) => upstream.key));
  return {
    kind: "all-failed",
    last: state.last,
    blocked: state.candidates.filter(({ upstream }) => !asked.has(upstream.key)),
  };
}

/** Makes this upstream's version of the request and sends it. `otherModel` replaces the one that the client named. */
async function ask(input: LoopInput, turn: Turn, otherModel: string | null): Promise<AttemptResult> {
  const { deps, facts, request, route } = input;
  const { body, upstream } = turn;
  const url = joinTargetUrl({
    service: upstream.service,
    baseUrl: upstream.baseUrl,
    path: input.target.path,
    search: input.target.search,
    query: upstream.query,
  });
  if (upstream.credential.kind === "unusable") return notTried(upstream.credential.why);
  if (url === null) return notTried(kept`the path leads off the upstream's address`);
  const turnState = request.headers.get(TURN_STATE_HEADER);
  const known = deps.memory.foreignHistory(facts.sessionId, upstream.key);
  const readable = known === undefined ? body : (stripBoundHistory(facts.api, body, known)?.body ?? body);
  const own = upstream.stripWorkspaces ? stripWorkspacesInBody(readable) : readable;
  return await attempt(
    {
      upstream,
      url,
      method: request.method,
      headers: makeRequestHeaders({
        client: request.headers,
        upstream,
        ownedNames: route.ownedHeaders,
        decoded: input.decoded,
        keepTurnState: turnState !== null && deps.memory.isTurnStateOf(turnState, upstream.key),
        instance: deps.instance,
        replaced: replacedHeaders(input, upstream),
      }),
      body: own.length === 0 ? null : otherModel === null ? own : (replaceModel(own, otherModel) ?? own),
      api: facts.api,
      stream: facts.stream,
      needsCompaction: input.needsCompaction,
      firstByteMs: turn.firstByteMs,
      checksConnect: turn.permit.isProbe && !turn.isRepaired,
      mayResend: () => mayRepeat("C", replayRequest(input)),
      clientSignal: request.signal,
      acceptEncoding: request.headers.get("accept-encoding")?.toLowerCase() ?? "",
    },
    deps.connections,
  );
}

/** Header values as they may go to this upstream: redacted, and without workspaces unless it is the vendor's own. */
function replacedHeaders(input: LoopInput, upstream: Upstream): Readonly<Record<string, string>> {
  const metadata = input.replacedHeaders[METADATA_HEADER] ?? input.request.headers.get(METADATA_HEADER);
  if (metadata === null || !upstream.stripWorkspaces) return input.replacedHeaders;
  const stripped = stripWorkspaces(metadata);
  return stripped === metadata
    ? input.replacedHeaders
    : { ...input.replacedHeaders, [METADATA_HEADER]: stripped };
}

/** Shorter while another upstream could still answer; the sum over all attempts is bounded too. */
function firstByteBudget(
  input: LoopInput,
  upstream: Upstream,
  at: { isLastUsable: boolean; spentMs: number },
): number {
  if (isModelList(input)) return MODELS_FIRST_BYTE_MS;
  const { timeouts } = upstream;
  // The headers of an answer that does not stream come only with the whole of it.
  const isWhole = input.facts.api !== "other" && !input.facts.stream;
  const streamed = at.isLastUsable ? timeouts.firstByteLastMs : timeouts.firstByteMs;
  const own = isWhole ? timeouts.nonStreamMs : streamed;
  const total = isWhole
    ? Math.max(timeouts.nonStreamMs, input.route.firstByteTotalMs)
    : input.route.firstByteTotalMs;
  return Math.max(1_000, Math.min(own, total - at.spentMs));
}

function replayRequest({ facts, request, route, target }: LoopInput): ReplayRequest {
  return { method: request.method, path: target.path, facts, settings: route.routing };
}

function isModelList(input: LoopInput): boolean {
  return input.request.method === "GET" && input.target.path.endsWith("/models");
}

/** Keeps the newest answer that can still be shown; lets go of every other connection. */
function keepLast(state: LoopState, upstream: Upstream, answer: Answer | null): void {
  if (answer === null) return;
  if (answer.body.ended) state.last = { upstream, answer, permit: null };
  else answer.abort();
}

function notTried(why: string): AttemptResult {
  return { kind: "failed", outcome: { kind: "not-tried", why }, answer: null };
}

function statusOf(outcome: AttemptOutcome): number | null {
  return outcome.kind === "status" || outcome.kind === "bad-content" ? outcome.status : null;
}
