// The failover of one request: asks the candidates in order until one gives an answer that may be shown.
// Decides nothing about upstreams itself: verdicts come from the classifier, places and permits from the router.
import type { Timeouts } from "../base/upstream.ts";
import { classifyAttempt } from "../routing/classify.ts";
import { type FullFacts, hasMetLimitsOnly } from "../routing/final-answer.ts";
import type { AttemptOutcome, Candidate, PlanRequest, Reason, Verdict } from "../routing/types.ts";
import {
  type Answered,
  askUpstream,
  endpointKey,
  lacksCompaction,
  type LoopRun,
  type Question,
} from "./ask-upstream.ts";
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
import { letIn, Places, sharesLane } from "./places.ts";
import { Refusals } from "./second-opinion.ts";
import { putBehind, Tries } from "./tries.ts";
import type { ClientRequest } from "./upstream-request.ts";

/** One run over the candidates: what they are asked for, and what counts as an answer to it. */
export interface Pass extends Question {
  /** The answer is of use to the account that gave it alone: the session stays with it. */
  readonly bindsAccount?: boolean;
  /** Makes the client's answer out of the upstream's, which is not shown. Default: the upstream's is the client's. */
  readonly convert?: Conversion;
}

export type LoopResult = Answered | AllFailed;

/** Nothing worked. */
export interface AllFailed {
  readonly kind: "all-failed";
  /** The last answer an upstream gave, read whole. */
  readonly last: Chosen | null;
  readonly unbudgeted: Progress["unbudgeted"];
  readonly noRoom: Progress["noRoom"];
  readonly full: Progress["full"];
  /** The last plan for each model that it was asked for. */
  readonly plans: readonly PlanRequest[];
}

/** What is left of the passes that failed. */
interface Progress {
  candidates: readonly Candidate[];
  last: Refused | null;
  spare: Spare | null;
  readonly refusals: Refusals;
  /** Keys of those that were not asked because the retry budget was spent. */
  unbudgeted: ReadonlySet<string>;
  /** By key, why the owner's budgets had no room for it. */
  readonly noRoom: Map<string, Reason>;
  plans: readonly PlanRequest[];
  /** Those that had no place, by their keys. */
  readonly full: Map<string, FullFacts>;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * Runs over the candidates once for each pass, until one of them answers. An upstream that was asked is asked again in a
 * later pass only if all it lacked was compaction.
 */
export async function runAttempts(passes: Iterable<Pass>, run: LoopRun): Promise<LoopResult> {
  const progress: Progress = {
    candidates: [],
    last: null,
    spare: null,
    refusals: new Refusals(),
    unbudgeted: NONE,
    noRoom: new Map(),
    plans: [],
    full: new Map(),
  };
  for (const pass of passes) {
    const before = progress.plans.at(-1);
    const isNewModel = before !== undefined && before.model !== pass.plan.model;
    if (isNewModel && !hasMetLimitsOnly(roundOf(before, run, progress))) break;
    progress.plans = [...progress.plans.slice(0, isNewModel ? undefined : -1), pass.plan];
    const answered = (await runPass(pass, run, progress)) ?? (await askWithout(pass, run, progress));
    if (answered === null) continue;
    if (progress.spare !== null) dropSpare(progress.spare);
    progress.refusals.drop();
    return answered;
  }
  const asked = new Set(run.tried.map(({ upstream }) => upstream.key));
  const blocked = progress.candidates.filter(({ upstream }) => !asked.has(upstream.key));
  const answered = await answerSpare(progress.spare, blocked, run);
  if (answered === null) {
    const { full, last, noRoom, plans, refusals, unbudgeted } = progress;
    // That the history is not there says more than what others make of its id.
    if (last?.verdict.rule === "previous-response") refusals.drop();
    return { kind: "all-failed", last: refusals.first() ?? last, unbudgeted, noRoom, full, plans };
  }
  progress.refusals.drop();
  return answered;
}

/** What came of it for the model of a plan, with the upstreams as they are now. */
export function roundOf(
  plan: PlanRequest,
  { deps, tried }: Pick<LoopRun, "deps" | "tried">,
  { full, noRoom, unbudgeted }: Pick<Progress, "full" | "noRoom" | "unbudgeted">,
) {
  const isOne = plan.place === undefined;
  return {
    model: isOne ? null : plan.model,
    tried: isOne
      ? tried
      : tried.filter(({ named, verdict }) => named === plan.model && !lacksCompaction(verdict)),
    candidates: deps.router.explain(plan),
    unbudgeted,
    noRoom,
    full,
  };
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
  const failed = tried.filter(
    ({ named, verdict }) => !lacksCompaction(verdict) && (pass.model === undefined || named === pass.model),
  );
  const asked = new Set(failed.map(({ upstream }) => upstream.key));
  const tries = new Tries(route.routing.maxUpstreamsPerRequest);
  for (const { durationMs, upstream, verdict } of failed)
    if (verdict !== null && verdict.next !== "repair") tries.note(upstream, verdict, durationMs);
  /** For response headers and first events: what was held for longer was no wait for these. */
  let waitedMs = 0;
  progress.candidates = withServingFirst(deps.router.plan(pass.plan), run);
  const line = [...progress.candidates];
  const places = new Places(run, progress.full);
  for (const next of places.steps(line)) {
    const { candidate, index } = next;
    if (asked.has(candidate.upstream.key) || tries.isGivenUp(candidate.upstream)) continue;
    if (tries.areUsedUp) break;
    // Kept only as better than nothing, it must not hold the place that the request waits for itself.
    if (progress.spare !== null && sharesLane(progress.spare.chosen.upstream, candidate.upstream)) {
      dropSpare(progress.spare);
      progress.spare = null;
    }
    const entering = pass.plan.isNeutral === true ? undefined : places.enter(next);
    const entry = entering === undefined ? undefined : await entering;
    if (entry === null && request.signal.aborted) return { kind: "client-gone" };
    if (entry === null) continue;
    const { isLastUsable } = candidate;
    const upstream = entry?.upstream ?? candidate.upstream;
    const letting = letIn(upstream, pass, run, entry);
    const admission = letting instanceof Promise ? await letting : letting;
    if (admission.kind === "no-room") {
      progress.noRoom.set(upstream.key, admission.reason);
      if (admission.endsLine) break;
      continue;
    }
    if (admission.kind === "blocked") continue;
    const { room } = admission;
    if (tries.isAmbiguous && !deps.router.mayAskAgain(upstream)) {
      progress.unbudgeted = new Set([...progress.unbudgeted, upstream.key]);
      admission.permit.release();
      room?.end(null);
      continue;
    }
    const wait = { isLastUsable, spentMs: waitedMs, totalMs: route.firstByteTotalMs };
    const firstByteMs = firstByteBudget(request, upstream.timeouts, wait);
    const { permit } = admission;
    const one = { ...pass, upstream, permit, firstByteMs, isChanged: false };
    const startedAt = deps.monotonic();
    const step = await askUpstream(one, run);
    const tookMs = deps.monotonic() - startedAt;
    waitedMs += Math.min(firstByteMs, tookMs);
    if (step.kind === "client-gone") return step;
    if (step.kind === "answer") {
      const refused = tried.at(-1)?.verdict;
      if (step.chosen.permit === null && isStandIn(pass) && refused?.retryClass === "B") {
        // What it says of the request, as of its length, is not true of the model that the client asked for.
        step.chosen.answer.abort();
        room?.end(null);
        return null;
      }
      if (step.chosen.permit !== null)
        progress.refusals.noteAnswered(pass.plan, deps.router, upstream, isTurn(request));
      if (isForClient(pass)) return step;
      // Its failure came late, and may have left none that is usable: the others are planned anew, and wait as long.
      return (await convert(step.chosen, pass, run)) ?? (await runPass(pass, run, progress));
    }
    const { answer, hasEnded, verdict } = step;
    if (isUnbilled(verdict, tried.at(-1))) room?.end(null);
    // It did not look at the request, and is to be asked again.
    if (verdict.atOnce !== undefined && verdict.blame === "none") places.noteRefusal(upstream);
    else tries.note(upstream, verdict, tookMs);
    putBehind(line, index + 1, upstream, verdict);
    const last = tried.at(-1);
    if (step.isSpare && answer !== null && last !== undefined && pass.convert === undefined) {
      const chosen = { upstream, answer, converted: null, permit };
      progress.spare = betterSpare(progress.spare, { chosen, verdict, tried: last });
      if (hasEnded) break;
      continue;
    }
    permit.fail(verdict);
    if (verdict.next === "elsewhere") {
      progress.refusals.add({ upstream, verdict, answer });
      if (hasEnded || (isTurn(request) && progress.refusals.isSaidAgain())) break;
      continue;
    }
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

/** No upstream takes it as it is: the first one that names what may be left out is asked without it. */
async function askWithout(pass: Pass, run: LoopRun, progress: Progress): Promise<Answered | null> {
  const { deps, request, route, traits } = run;
  if (route.routing.drift !== "adapt") return null;
  const tries = progress.refusals.withoutRefused(traits);
  const places = new Places(run, progress.full);
  for (let next = tries.next(null); next.done !== true;) {
    const { drops, upstream } = next.value;
    const entering = pass.plan.isNeutral === true ? undefined : places.enterOne(upstream);
    const entry = entering === undefined ? undefined : await entering;
    if (entry === null && request.signal.aborted) return { kind: "client-gone" };
    const admission = entry === null ? null : await letIn(upstream, pass, run, entry);
    if (admission?.kind !== "go") {
      next = tries.next(null);
      continue;
    }
    const { room } = admission;
    const wait = { isLastUsable: true, spentMs: 0, totalMs: route.firstByteTotalMs };
    const firstByteMs = firstByteBudget(request, upstream.timeouts, wait);
    const { permit } = admission;
    const one = { ...pass, upstream, permit, firstByteMs, isChanged: false, drops };
    const step = await askUpstream(one, run);
    if (step.kind === "client-gone") return step;
    if (step.kind === "answer") {
      if (step.chosen.permit !== null) deps.router.learned.noteDrops(upstream.key, traits, drops);
      return isForClient(pass) ? step : await convert(step.chosen, pass, run);
    }
    permit.fail(step.verdict);
    if (isUnbilled(step.verdict, run.tried.at(-1))) room?.end(null);
    step.answer?.abort();
    next = tries.next(step.verdict);
  }
  return null;
}

/** It was not sent, or refused: nothing can have been used. */
function isUnbilled({ retryClass }: Verdict, tried: Tried | undefined): boolean {
  return (retryClass === "A" || retryClass === "B") && tried?.told?.usage === undefined;
}

function isTurn({ facts }: ClientRequest): boolean {
  return facts.endpoint.counts === "yes";
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

/** It is asked for another model than the client's. */
function isStandIn({ plan: { place = "first" } }: Pass): boolean {
  return place !== "first";
}

/** What comes of it goes to the client as it is. */
function isForClient({ bindsAccount = false, convert: conversion }: Pass): boolean {
  return !bindsAccount && conversion === undefined;
}

/** The answer as it goes to the client; null where it does not hold what was asked for: a failed attempt like any other. */
async function convert(
  chosen: Chosen,
  { bindsAccount = false, convert: conversion }: Pick<Pass, "bindsAccount" | "convert">,
  { deps, hold, request, restoring, route, tried }: LoopRun,
): Promise<Answered | null> {
  const { answer, permit, upstream } = chosen;
  if (permit !== null && bindsAccount) {
    deps.memory.noteCompaction(upstream, "native");
    if (request.facts.sessionId !== null) deps.router.pin(request.facts.sessionId, upstream);
  }
  if (conversion === undefined || permit === null) return { kind: "answer", chosen };
  const converted = await conversion.run(answer, { idleMs: upstream.timeouts.idleMs, hold, restoring });
  deps.connections.released(upstream);
  if (request.signal.aborted) {
    permit.release();
    return { kind: "client-gone" };
  }
  if (converted !== null && "body" in converted) return { kind: "answer", chosen: { ...chosen, converted } };
  const { headers, status } = answer;
  const outcome: AttemptOutcome =
    converted === null || converted.error === null
      ? { kind: "cut", reason: "no-terminal-event", body: "" }
      : { kind: "bad-content", reason: "error-event", status, headers, body: converted.error };
  const verdict = classifyAttempt(outcome, upstream, { now: deps.now(), settings: route.routing });
  permit.fail(verdict);
  const begun = tried.pop();
  const reason = outcome.kind === "cut" ? conversion.failure : verdict.reason;
  if (begun !== undefined) tried.push({ ...begun, verdict, reason, told: converted ?? undefined });
  return null;
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
