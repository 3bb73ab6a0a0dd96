// One upstream's share of a request: asks it once, and once more where a changed body is what it wants. Its outcome is a value;
// which upstream is next is not decided here.
import type { OwnedNames } from "../base/owned-names.ts";
import { type Text, t } from "../base/text.ts";
import type { Restoring } from "../filter/restoring.ts";
import { type Upstream, modelAt, withKey } from "../base/upstream.ts";
import { type ReplayRequest, classifyAttempt, mayRepeat } from "../routing/classify.ts";
import type {
  AttemptOutcome,
  Permit,
  PlanRequest,
  Reason,
  RefusedThing,
  RequestTraits,
  Verdict,
} from "../routing/types.ts";
import { type Answer, type AttemptResult, attempt } from "./attempt.ts";
import type { Chosen, Tried } from "./chosen.ts";
import type { ProxyDeps, Room, Route, Wall } from "./deps.ts";
import type { Acceptance } from "./gate.ts";
import { drop } from "./drop.ts";
import { TURN_STATE_HEADER } from "./headers.ts";
import { findRepair, type Repair } from "./history.ts";
import { tellRefusal, toldInEvent } from "./told-refusal.ts";
import { type ClientRequest, makeUpstreamRequest } from "./upstream-request.ts";

/** What is asked, and what counts as an answer to it. */
export interface Question {
  readonly plan: PlanRequest;
  /** What the client sent, or what is asked instead. */
  readonly body: Uint8Array;
  readonly accept: Acceptance;
  /** Asked for instead of the model that the client named. Default: that. */
  readonly model?: string | undefined;
}

/** One request, and what the loop works on it with. What the log needs grows as it runs, and is there whatever happens. */
export interface LoopRun {
  readonly request: ClientRequest;
  readonly route: Pick<Route, "firstByteTotalMs" | "onExhausted" | "ownedHeaders" | "routing">;
  readonly deps: Pick<
    ProxyDeps,
    | "budgets"
    | "connections"
    | "hasWalls"
    | "instance"
    | "lanes"
    | "memory"
    | "monotonic"
    | "now"
    | "observeHeaders"
    | "readKey"
    | "router"
  >;
  /** What the client's own files add to its requests, and for whom. */
  readonly owned: OwnedNames;
  readonly tried: Tried[];
  /** Room in the owner's budgets, to be ended with the request. */
  readonly rooms: Room[];
  /** Gives back what redaction replaced; absent where it replaced nothing so. */
  readonly restoring?: Restoring | undefined;
  /** Counts what is held of an answer; negative for what is let go. */
  readonly hold: (bytes: number) => void;
  /** What upstreams were not shown; one may be in it more than once. */
  readonly heldBack: string[];
  readonly traits: RequestTraits;
  /** Absent where there were no projects when the request came. */
  readonly wall?: Wall | undefined;
  /** What the newest attempt went without. */
  dropped: readonly string[];
  /** When it came, monotonic clock, ms. */
  readonly arrival: number;
  /** Hears how long it has waited for a place, ms. */
  readonly queued: (ms: number) => void;
  /** All that were given: none outlives the request. */
  readonly permits: Permit[];
}

export type Answered =
  /** To be shown: a success, or an error that is the client's own to see. */
  { readonly kind: "answer"; readonly chosen: Chosen } | { readonly kind: "client-gone" };

/** One upstream's share of a pass. */
export interface OneAttempt extends Question {
  readonly upstream: Upstream;
  readonly permit: Permit;
  readonly firstByteMs: number;
  /** History of another account was cut out after what this upstream said to it: once is all. */
  readonly isChanged: boolean;
  /** To be left out besides what is known of the upstream. */
  readonly drops?: readonly RefusedThing[];
}

export type Step =
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

const NO_NAMES: readonly string[] = [];

export async function askUpstream(one: OneAttempt, run: LoopRun): Promise<Step> {
  const { deps, request, route, tried } = run;
  const { body, permit, upstream } = one;
  const { facts } = request;
  const startedAt = deps.monotonic();
  const { endpoint } = facts;
  const named = one.model ?? facts.model;
  const model = named === null || !endpoint.mapsModel ? named : modelAt(upstream, named);
  const result = await send(one, run, model === facts.model ? null : model);
  const { held } = result;
  if (result.kind !== "failed" || result.outcome.kind !== "not-tried") deps.router.noteAsked(upstream);
  const note = (verdict: Verdict | null, status: number | null, reason: Reason | null): void => {
    const durationMs = deps.monotonic() - startedAt;
    const told = result.kind === "answer" ? undefined : result.told;
    const { dropped } = run;
    tried.push({ upstream, verdict, status, reason, durationMs, model, named, held, told, dropped });
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
    request: run.traits,
    stopsWhenSpent: route.onExhausted === "stop",
    canRepair: (refusal) => {
      const isMaker = one.plan.first === upstream.key;
      repair = one.isChanged ? null : findRepair(endpoint.api, body, refusal, { isMaker });
      return repair !== null;
    },
  });
  const shown = endpointShownBy(result.outcome, judged);
  if (shown !== null) noteEndpoint(shown);
  const saysOnlyMissing = endpoint.counts === "if-served" && isMissing(result.outcome);
  const isLearned =
    judged.atOnce !== undefined &&
    one.plan.isNeutral !== true &&
    (await deps.lanes.open()).learn(upstream, judged.atOnce.stated);
  // What takes no more at once is not to blame where requests can wait for their turn.
  const verdict: Verdict = saysOnlyMissing || isLearned ? { ...judged, blame: "none" } : judged;
  note(verdict, "status" in result.outcome ? result.outcome.status : null, verdict.reason);
  if (verdict.next === "repair" && repair !== null) return await askOnceMore(one, result.answer, repair, run);
  if (lacksCompaction(verdict)) deps.memory.noteCompaction(upstream, "plain");
  const isSpare = result.answer !== null && SPARES.has(verdict.rule);
  if (!isSpare) permit.fail(verdict);
  const mayFailOver =
    (verdict.next === "next" || verdict.next === "elsewhere") &&
    mayRepeat(verdict.retryClass, replayRequest(request, route));
  const answer = result.answer === null ? null : await tellFault(result.answer, { ...result, verdict, run });
  if (mayFailOver || answer === null || isSpare)
    return { kind: "failed", verdict, answer, hasEnded: !mayFailOver, isSpare };
  return { kind: "answer", chosen: { upstream, answer, converted: null, permit: null } };
}

/** The same upstream with a changed body. What helped is remembered; where it is refused as well, the client sees what was said first. */
async function askOnceMore(
  one: OneAttempt,
  first: Answer | null,
  { body, removed }: Repair,
  run: LoopRun,
): Promise<Step> {
  const step = await askUpstream({ ...one, body, isChanged: true }, run);
  if (step.kind === "answer" && step.chosen.permit === null && first?.body.ended === true) {
    const { status, ...second } = step.chosen.answer;
    second.abort();
    const answer = { ...first, status: first.status >= 500 ? status : first.status };
    return { kind: "answer", chosen: { ...step.chosen, answer } };
  }
  if (step.kind === "failed" && step.verdict.next === "elsewhere" && first?.body.ended === true) {
    step.answer?.abort();
    return { ...step, answer: first };
  }
  first?.abort();
  if (step.kind === "answer" && step.chosen.permit !== null)
    run.deps.memory.noteForeignHistory(run.request.facts.sessionId, readerOf(one, run.request), removed);
  return step;
}

/** Who reads the history: another model of the same account may refuse what this one wrote, and the other way round. */
function readerOf({ model, upstream }: OneAttempt, { facts }: ClientRequest): string {
  return model === undefined || model === facts.model ? upstream.key : `${upstream.key} ${model}`;
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
 * The client's own mistake is told as one: after a 429 or a 500 it would ask again and again, and in a 200 it does not look for
 * an error. Where the user has said what a status means, it stays.
 */
async function tellFault(
  answer: Answer,
  { outcome, run, verdict }: { outcome: AttemptOutcome; run: LoopRun; verdict: Verdict },
): Promise<Answer> {
  const { next, rule } = verdict;
  const { status } = answer;
  if ((next !== "terminal" && next !== "elsewhere") || rule.startsWith("on-")) return answer;
  const event = toldInEvent(outcome, run.request.facts.endpoint.api);
  if (event !== null) return await tellRefusal(answer, event, { status: 400, hold: run.hold });
  const isHidden = outcome.kind === "bad-content" && outcome.reason === "json-error";
  return { ...answer, status: isHidden || status === 429 || status >= 500 ? 400 : status };
}

const NOTHING_HELD = { events: 0, bytes: 0 };

/** With the key that the upstream's command prints. One that is refused may have been replaced since: then it is no failure. */
async function send(one: OneAttempt, run: LoopRun, model: string | null): Promise<AttemptResult> {
  const { upstream } = one;
  const { credential } = upstream;
  const { readKey } = run.deps;
  if (credential.kind !== "command" || readKey === undefined) return await sendAs(one, run, model);
  const key = await readKey(credential.source);
  if (run.request.signal.aborted) return { kind: "client-gone", held: NOTHING_HELD };
  if (key.kind === "none") return notTried(key.why);
  const result = await sendAs({ ...one, upstream: withKey(upstream, key.secret) }, run, model);
  if (result.kind !== "failed" || !("status" in result.outcome) || result.outcome.status !== 401)
    return result;
  const other = await readKey(credential.source, key.secret);
  if (other.kind === "none" || other.secret === key.secret) return result;
  result.answer?.abort();
  if (run.request.signal.aborted) return { kind: "client-gone", held: NOTHING_HELD };
  return await sendAs({ ...one, upstream: withKey(upstream, other.secret) }, run, model);
}

function notTried(why: Text): AttemptResult {
  return { kind: "failed", outcome: { kind: "not-tried", why }, answer: null, held: NOTHING_HELD };
}

/** Sends this upstream's version of the request. `model` replaces the one that the client named. */
async function sendAs(one: OneAttempt, run: LoopRun, model: string | null): Promise<AttemptResult> {
  const { accept, body, firstByteMs, isChanged, permit, upstream } = one;
  const { deps, request, route } = run;
  const { endpoint, sessionId, stream } = request.facts;
  // Whoever planned it, and whatever config.json said then.
  if (run.wall === undefined ? deps.hasWalls?.() === true : !run.wall.permits(upstream))
    return notTried(t`a wall of a project is before it`);
  const turnState = request.headers.get(TURN_STATE_HEADER);
  const made = makeUpstreamRequest(request, upstream, {
    body,
    model,
    foreignHistory: deps.memory.foreignHistory(sessionId, readerOf(one, request)),
    keepTurnState: turnState !== null && deps.memory.isTurnStateOf(turnState, upstream.key),
    ownedNames: route.ownedHeaders,
    owned: run.owned,
    instance: deps.instance,
  });
  if ("why" in made) return notTried(made.why);
  if (made.heldBack.length > 0) run.heldBack.push(...made.heldBack);
  const known = deps.router.learned.dropsFor(upstream.key, run.traits);
  const drops = one.drops === undefined ? known : [...known, ...one.drops];
  const isWhole = drops.length === 0 || route.routing.drift !== "adapt" || made.body === null;
  const sent = isWhole ? null : drop(drops, made.body, made.headers);
  run.dropped = sent?.names ?? NO_NAMES;
  const acceptEncoding = request.headers.get("accept-encoding");
  return await attempt(
    {
      ...made,
      body: sent?.body ?? made.body,
      upstream,
      api: endpoint.api,
      judged: endpoint.judged,
      usage: endpoint.usage,
      stream,
      accept,
      firstByteMs,
      checksConnect: permit.isProbe && !isChanged,
      mayResend: () => mayRepeat("C", replayRequest(request, route)),
      clientSignal: request.signal,
      hold: run.hold,
      acceptEncoding: run.restoring === undefined ? acceptEncoding : "identity",
    },
    deps.connections,
  );
}
function replayRequest({ facts }: ClientRequest, { routing }: Pick<Route, "routing">): ReplayRequest {
  return { isRepeatable: facts.endpoint.keeps !== "something", facts, settings: routing };
}

export function endpointKey({ method, target }: ClientRequest): string {
  return `${method} ${target.path}`;
}

/** It does not know this kind of request: nothing is said of another kind, and nothing that a client need see. */
export function lacksCompaction(verdict: Verdict | null): boolean {
  return verdict?.rule === "no-compaction";
}
