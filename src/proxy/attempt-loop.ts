// The failover of one request: asks the candidates in order until one gives an answer that may be shown.
// Decides nothing about upstreams itself: verdicts come from the classifier, places and permits from the router.
import type { OwnedNames } from "../base/owned-names.ts";
import { type Timeouts, type Upstream, modelAt } from "../base/upstream.ts";
import { type ReplayRequest, classifyAttempt, mayRepeat } from "../routing/classify.ts";
import type { AttemptOutcome, Candidate, Permit, PlanRequest, Reason, Verdict } from "../routing/types.ts";
import { type Answer, type AttemptResult, attempt } from "./attempt.ts";
import { changeForm, type Conversion } from "./change-form.ts";
import {
  betterRefusal,
  betterSpare,
  type Chosen,
  dropSpare,
  type Refused,
  type Spare,
  type Tried,
  useSpare,
} from "./chosen.ts";
import type { ProxyDeps, Route } from "./deps.ts";
import type { Acceptance } from "./gate.ts";
import { TURN_STATE_HEADER } from "./headers.ts";
import { findRepair, type Repair } from "./history.ts";
import { type ClientRequest, makeUpstreamRequest } from "./upstream-request.ts";

/** One run over the candidates: what they are asked for, and what counts as an answer to it. */
export interface Pass {
  readonly plan: PlanRequest;
  /** What the client sent, or what is asked instead. */
  readonly body: Uint8Array;
  readonly accept: Acceptance;
  /** The answer is of use to the account that gave it alone: the session stays with it. */
  readonly bindsAccount?: boolean;
  /** Makes the client's answer out of the upstream's, which is not shown. Default: the upstream's is the client's. */
  readonly convert?: Conversion;
}

export type LoopResult =
  /** To be shown: a success, or an error that is the client's own to see. */
  | { readonly kind: "answer"; readonly chosen: Chosen }
  /** Nothing worked. `last` is the last answer an upstream gave, read whole. */
  | { readonly kind: "all-failed"; readonly last: Chosen | null }
  | { readonly kind: "client-gone" };

/** One request, and what the loop works on it with. What the log needs grows as it runs, and is there whatever happens. */
export interface LoopRun {
  readonly request: ClientRequest;
  readonly route: Pick<Route, "firstByteTotalMs" | "ownedHeaders" | "routing">;
  readonly deps: Pick<
    ProxyDeps,
    "connections" | "instance" | "memory" | "monotonic" | "now" | "observeHeaders" | "router"
  >;
  /** What the client's own files add to its requests, and for whom. */
  readonly owned: OwnedNames;
  readonly tried: Tried[];
  /** Counts what is held of an answer; negative for what is let go. */
  readonly hold: (bytes: number) => void;
  /** What upstreams were not shown; one may be in it more than once. */
  readonly heldBack: string[];
}

type Answered = Exclude<LoopResult, { readonly kind: "all-failed" }>;

/** What is left of the passes that failed. */
interface Progress {
  candidates: readonly Candidate[];
  last: Refused | null;
  spare: Spare | null;
}

/**
 * Runs over the candidates once for each pass, until one of them answers. An upstream that was asked is asked again in a
 * later pass only if all it lacked was compaction.
 */
export async function runAttempts(passes: Iterable<Pass>, run: LoopRun): Promise<LoopResult> {
  const progress: Progress = { candidates: [], last: null, spare: null };
  for (const pass of passes) {
    const answered = await runPass(pass, run, progress);
    if (answered === null) continue;
    if (progress.spare !== null) dropSpare(progress.spare);
    return answered;
  }
  const asked = new Set(run.tried.map(({ upstream }) => upstream.key));
  const blocked = progress.candidates.filter(({ upstream }) => !asked.has(upstream.key));
  const answered = await answerSpare(progress.spare, blocked, run);
  return answered ?? { kind: "all-failed", last: progress.last };
}

/** The only answer there is: in the right form, or as it came. */
async function answerSpare(
  spare: Spare | null,
  blocked: readonly Candidate[],
  run: LoopRun,
): Promise<Answered | null> {
  const { request, tried } = run;
  const used = spare === null ? null : useSpare(spare, tried, blocked);
  if (used?.permit == null) return used === null ? null : { kind: "answer", chosen: used };
  const { endpoint, stream } = request.facts;
  return await convert(used, { convert: changeForm(endpoint.api, stream) }, run);
}

async function runPass(pass: Pass, run: LoopRun, progress: Progress): Promise<Answered | null> {
  const { deps, request, route, tried } = run;
  const failed = tried.filter(({ verdict }) => !lacksCompaction(verdict));
  const asked = new Set(failed.map(({ upstream }) => upstream.key));
  /** Upstreams that may have seen the request. */
  let reached = failed.filter(({ verdict }) => verdict?.retryClass !== "A").length;
  /** For response headers and first events: what was held for longer was no wait for these. */
  let waitedMs = 0;
  progress.candidates = withServingFirst(deps.router.plan(pass.plan), run);
  const line = [...progress.candidates];
  for (const [place, { upstream, isLastUsable }] of line.entries()) {
    if (asked.has(upstream.key)) continue;
    if (reached >= route.routing.maxUpstreamsPerRequest) break;
    const admission = deps.router.admit(upstream, pass.plan);
    if (admission.kind === "blocked") continue;
    const wait = { isLastUsable, spentMs: waitedMs, totalMs: route.firstByteTotalMs };
    const firstByteMs = firstByteBudget(request, upstream.timeouts, wait);
    const { permit } = admission;
    const left = () => line.slice(place + 1).map((candidate) => candidate.upstream);
    const one = { ...pass, upstream, permit, firstByteMs, left, isChanged: false };
    const startedAt = deps.monotonic();
    const step = await askUpstream(one, run);
    waitedMs += Math.min(firstByteMs, deps.monotonic() - startedAt);
    if (step.kind === "client-gone") return step;
    if (step.kind === "answer") {
      if (isForClient(pass)) return step;
      // Its failure came late, and may have left none that is usable: the others are planned anew, and wait as long.
      return (await convert(step.chosen, pass, run)) ?? (await runPass(pass, run, progress));
    }
    const { answer, hasEnded, verdict } = step;
    if (verdict.retryClass !== "A") reached += 1;
    if (verdict.blame === "proxy" || verdict.blame === "way") putBehindLast(upstream.proxy, line, place + 1);
    const last = tried.at(-1);
    if (step.isSpare && answer !== null && last !== undefined && pass.convert === undefined) {
      const chosen = { upstream, answer, converted: null, permit };
      progress.spare = betterSpare(progress.spare, { chosen, verdict, tried: last });
      if (hasEnded) break;
      continue;
    }
    permit.fail(verdict);
    if (answer?.body.ended === true && !lacksCompaction(verdict)) {
      progress.last = betterRefusal(progress.last, {
        upstream,
        answer,
        converted: null,
        permit: null,
        verdict,
      });
    } else answer?.abort();
    if (hasEnded) break;
  }
  return null;
}

/** Those from a place on that are reached through this proxy come after the others. */
function putBehindLast(proxy: Upstream["proxy"], line: Candidate[], from: number): void {
  const rest = line.splice(from);
  const isBehind = ({ upstream }: Candidate): boolean => upstream.proxy === proxy;
  line.push(...rest.filter((one) => !isBehind(one)), ...rest.filter(isBehind));
}

/** Of those that may be asked, the ones that lack the endpoint come last. */
function withServingFirst(
  candidates: readonly Candidate[],
  { deps, request }: LoopRun,
): readonly Candidate[] {
  if (request.facts.endpoint.counts === "yes") return candidates;
  const now = deps.now();
  const path = endpointKey(request);
  const isLacking = ({ until, upstream }: Candidate): boolean =>
    until === null && deps.memory.lacksEndpoint(path, upstream.key, now);
  if (!candidates.some(isLacking)) return candidates;
  const rankOf = (candidate: Candidate): number =>
    isLacking(candidate) ? 1 : candidate.until === null ? 0 : 2;
  return candidates.toSorted((a, b) => rankOf(a) - rankOf(b));
}

function endpointKey({ method, target }: ClientRequest): string {
  return `${method} ${target.path}`;
}

/** It does not know this kind of request: nothing is said of another kind, and nothing that a client need see. */
function lacksCompaction(verdict: Verdict | null): boolean {
  return verdict?.rule === "no-compaction";
}

/** What comes of it goes to the client as it is. */
function isForClient({ bindsAccount = false, convert: conversion }: Pass): boolean {
  return !bindsAccount && conversion === undefined;
}

/** The answer as it goes to the client; null where it does not hold what was asked for: a failed attempt like any other. */
async function convert(
  chosen: Chosen,
  { bindsAccount = false, convert: conversion }: Pick<Pass, "bindsAccount" | "convert">,
  { deps, hold, request, route, tried }: LoopRun,
): Promise<Answered | null> {
  const { answer, permit, upstream } = chosen;
  if (permit !== null && bindsAccount) {
    deps.memory.noteCompaction(upstream, "native");
    if (request.facts.sessionId !== null) deps.router.pin(request.facts.sessionId, upstream);
  }
  if (conversion === undefined || permit === null) return { kind: "answer", chosen };
  const converted = await conversion.run(answer, { idleMs: upstream.timeouts.idleMs, hold });
  deps.connections.released(upstream);
  if (request.signal.aborted) {
    permit.release();
    return { kind: "client-gone" };
  }
  if (converted !== null && "body" in converted) return { kind: "answer", chosen: { ...chosen, converted } };
  const { headers, status } = answer;
  const outcome: AttemptOutcome =
    converted === null
      ? { kind: "cut", reason: "no-terminal-event", body: "" }
      : { kind: "bad-content", reason: "error-event", status, headers, body: converted.error };
  const verdict = classifyAttempt(outcome, upstream, { now: deps.now(), settings: route.routing });
  permit.fail(verdict);
  const begun = tried.pop();
  const reason = converted === null ? conversion.failure : verdict.reason;
  if (begun !== undefined) tried.push({ ...begun, verdict, reason });
  return null;
}

/** One upstream's share of a pass. */
interface OneAttempt extends Pick<Pass, "accept" | "body" | "plan"> {
  readonly upstream: Upstream;
  readonly permit: Permit;
  readonly firstByteMs: number;
  /** Those that can be asked after it. */
  readonly left: () => readonly Upstream[];
  /** The body was changed after what this upstream said to it: there is no third try. */
  readonly isChanged: boolean;
}

type Step =
  | Answered
  | {
      readonly kind: "failed";
      readonly verdict: Verdict;
      readonly answer: Answer | null;
      /** No other upstream may be asked after it. */
      readonly hasEnded: boolean;
      /** The answer is better than none; its permit is not settled. */
      readonly isSpare: boolean;
    };

async function askUpstream(one: OneAttempt, run: LoopRun): Promise<Step> {
  const { deps, request, route, tried } = run;
  const { body, permit, upstream } = one;
  const { facts } = request;
  const startedAt = deps.monotonic();
  const { endpoint, model: named } = facts;
  const model = named === null || !endpoint.mapsModel ? named : modelAt(upstream, named);
  const result = await send(one, run, model === named ? null : model);
  const { held } = result;
  const note = (verdict: Verdict | null, status: number | null, reason: Reason | null): void => {
    const durationMs = deps.monotonic() - startedAt;
    tried.push({ upstream, verdict, status, reason, durationMs, model, held });
  };
  const noteEndpoint = (was: "served" | "missing" | "failing"): void => {
    if (endpoint.counts !== "yes")
      deps.memory.noteEndpoint(endpointKey(request), upstream.key, was, deps.now());
  };
  if (result.kind === "client-gone") {
    permit.release();
    note(null, null, { rule: "client-gone" });
    return result;
  }
  if (result.answer !== null) deps.observeHeaders(upstream, result.answer.headers);
  if (result.kind === "answer") {
    permit.begun();
    noteEndpoint("served");
    note(null, result.answer.status, null);
    return { kind: "answer", chosen: { upstream, answer: result.answer, converted: null, permit } };
  }
  let repair: Repair | null = null;
  const judged = classifyAttempt(result.outcome, upstream, {
    now: deps.now(),
    settings: route.routing,
    canRepair: (refusal) => {
      const isMaker = one.plan.first === upstream.key;
      repair = one.isChanged ? null : findRepair(endpoint.api, body, refusal, { isMaker });
      return repair !== null;
    },
  });
  const shown = endpointShownBy(result.outcome, judged);
  if (shown !== null) noteEndpoint(shown);
  const saysOnlyMissing = endpoint.counts === "if-served" && isMissing(result.outcome);
  const verdict: Verdict = saysOnlyMissing ? { ...judged, blame: "none" } : judged;
  note(verdict, "status" in result.outcome ? result.outcome.status : null, verdict.reason);
  if (verdict.next === "repair" && repair !== null) return await askOnceMore(one, result.answer, repair, run);
  if (lacksCompaction(verdict)) deps.memory.noteCompaction(upstream, "plain");
  const isSpare = result.answer !== null && SPARES.has(verdict.rule);
  if (!isSpare) permit.fail(verdict);
  const mayFailOver =
    verdict.next === "next" &&
    mayRepeat(verdict.retryClass, replayRequest(request, route)) &&
    deps.router.mayFailOver(verdict.retryClass, one.left());
  if (mayFailOver || result.answer === null || isSpare)
    return { kind: "failed", verdict, answer: result.answer, hasEnded: !mayFailOver, isSpare };
  const answer = { ...result.answer, status: statusFor(result.outcome, verdict, result.answer.status) };
  return { kind: "answer", chosen: { upstream, answer, converted: null, permit: null } };
}

/** The same upstream with a changed body. What helped is remembered; where it is refused as well, the client sees what was said first. */
async function askOnceMore(
  one: OneAttempt,
  first: Answer | null,
  { body, removed }: Repair,
  run: LoopRun,
): Promise<Step> {
  const { upstream } = one;
  const step = await askUpstream({ ...one, body, isChanged: true }, run);
  if (step.kind === "answer" && step.chosen.permit === null && first?.body.ended === true) {
    const { status, ...second } = step.chosen.answer;
    second.abort();
    const answer = { ...first, status: first.status >= 500 ? status : first.status };
    return { kind: "answer", chosen: { ...step.chosen, answer } };
  }
  first?.abort();
  if (step.kind === "answer" && step.chosen.permit !== null)
    run.deps.memory.noteForeignHistory(run.request.facts.sessionId, upstream.key, removed);
  return step;
}

/** What a failure says of the endpoint itself; null for nothing. */
function endpointShownBy(outcome: AttemptOutcome, { rule }: Verdict): "missing" | "failing" | null {
  if (outcome.kind === "bad-content") return "failing";
  if (rule === "server-error") return "failing";
  return isMissing(outcome) && rule !== "model-unknown" ? "missing" : null;
}

function isMissing(outcome: AttemptOutcome): boolean {
  return outcome.kind === "status" && [404, 405, 501].includes(outcome.status);
}
const SPARES: ReadonlySet<string> = new Set(["empty-answer", "wrong-form"]);

/**
 * The client's own mistake is told as one: after a 500 it would ask again and again, and in a 200 it does not look for an
 * error. Where the user has said what a status means, it stays.
 */
function statusFor(outcome: AttemptOutcome, { next, rule }: Verdict, status: number): number {
  if (next !== "terminal" || rule.startsWith("on-")) return status;
  const isHidden = outcome.kind === "bad-content" && outcome.reason === "json-error";
  return isHidden || status >= 500 ? 400 : status;
}

/** Sends this upstream's version of the request. `model` replaces the one that the client named. */
async function send(one: OneAttempt, run: LoopRun, model: string | null): Promise<AttemptResult> {
  const { accept, body, firstByteMs, isChanged, permit, upstream } = one;
  const { deps, request, route } = run;
  const { endpoint, sessionId, stream } = request.facts;
  const turnState = request.headers.get(TURN_STATE_HEADER);
  const made = makeUpstreamRequest(request, upstream, {
    body,
    model,
    foreignHistory: deps.memory.foreignHistory(sessionId, upstream.key),
    keepTurnState: turnState !== null && deps.memory.isTurnStateOf(turnState, upstream.key),
    ownedNames: route.ownedHeaders,
    owned: run.owned,
    instance: deps.instance,
  });
  if ("why" in made) {
    const held = { events: 0, bytes: 0 };
    return { kind: "failed", outcome: { kind: "not-tried", ...made }, answer: null, held };
  }
  if (made.heldBack.length > 0) run.heldBack.push(...made.heldBack);
  const acceptEncoding = request.headers.get("accept-encoding");
  return await attempt(
    {
      ...made,
      upstream,
      api: endpoint.api,
      judged: endpoint.judged,
      stream,
      accept,
      firstByteMs,
      checksConnect: permit.isProbe && !isChanged,
      mayResend: () => mayRepeat("C", replayRequest(request, route)),
      clientSignal: request.signal,
      hold: run.hold,
      acceptEncoding,
    },
    deps.connections,
  );
}

/** Shorter while another upstream could still answer; the sum over all attempts is bounded too. */
function firstByteBudget(
  request: ClientRequest,
  timeouts: Timeouts,
  wait: { readonly isLastUsable: boolean; readonly spentMs: number; readonly totalMs: number },
): number {
  const { endpoint, stream } = request.facts;
  const { counts, headWithin } = endpoint;
  if (typeof headWithin === "number") return headWithin;
  // The headers of a turn that does not stream come only with the whole of it.
  const isWhole = headWithin === "non_stream_secs" || (counts !== "no" && !stream);
  const streamed = wait.isLastUsable ? timeouts.firstByteLastMs : timeouts.firstByteMs;
  const own = isWhole ? timeouts.nonStreamMs : streamed;
  const totalMs = isWhole ? Math.max(timeouts.nonStreamMs, wait.totalMs) : wait.totalMs;
  return Math.max(1_000, Math.min(own, totalMs - wait.spentMs));
}

function replayRequest({ facts }: ClientRequest, { routing }: Pick<Route, "routing">): ReplayRequest {
  return { isRepeatable: facts.endpoint.keeps !== "something", facts, settings: routing };
}
