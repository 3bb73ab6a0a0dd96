// What a request must have before an upstream is asked: a place there, where only so many fit (how long it waits for one, and where
// when every other upstream has failed), room in the owner's budgets, and the router's leave.
import { type Upstream, modelAt } from "../base/upstream.ts";
import { describePlaces } from "../routing/availability-words.ts";
import { type FullFacts, NO_PLACE } from "../routing/final-answer.ts";
import type { Admission, Candidate, Permit } from "../routing/types.ts";
import { isGeneration } from "../usage/outcome.ts";
import type { LoopRun, Question } from "./ask-upstream.ts";
import type { BudgetGate, NoRoom, Room } from "./deps.ts";
import type { Entry } from "./lanes.ts";

/** Before the next upstream is asked, unless the user says how long. */
const QUEUE_MS = 10_000;
/** With nowhere else to go, ms. A request that does not stream cannot be kept waiting by a heartbeat. */
const PATIENCE_MS = { stream: 300_000, whole: 60_000 } as const;
/** Whoever found none is to ask again so soon, ms. */
const AGAIN_MS = 2_000;
/** An upstream that goes on refusing what it has a place for is not asked for ever. */
const MOST_REFUSALS = 3;

/** A place at whichever of these has one first. */
interface Want {
  readonly wanted: readonly Upstream[];
  /** Longest wait of those that are asked a second time, ms; null where it is the first. */
  readonly lateMs: number | null;
  /** What may not be asked now is not waited for; but it has no place that others do not have. */
  readonly mayBeAsked: boolean;
}

/** One step on the way. */
interface Step extends Want {
  readonly candidate: Candidate;
  /** In the order; its end for what comes after it. */
  readonly index: number;
}

/** What is left to do at one upstream. */
interface Stand {
  waitedMs: number;
  refusals: number;
  /** How long it may still be waited for; 0 for not at all. */
  lateMs: number;
}

export class Places {
  private readonly stands = new Map<Upstream, Stand>();
  private lateUntil: number | null = null;

  /** `full`: those that had no place, by their keys. */
  constructor(
    private readonly run: LoopRun,
    private readonly full: Map<string, FullFacts>,
  ) {}

  /** The order, which may change as it is gone through; then those that had no place, until none is left. */
  *steps(line: readonly Candidate[]): Generator<Step> {
    for (const [index, candidate] of line.entries()) {
      const { upstream, view } = candidate;
      yield { candidate, index, wanted: [upstream], lateMs: null, mayBeAsked: view.allowed !== "no" };
    }
    for (;;) {
      const late = [...this.stands].filter(([, { lateMs }]) => lateMs > 0);
      const wanted = late.map(([upstream]) => upstream);
      const candidate = line.find(({ upstream }) => upstream === wanted[0]);
      if (candidate === undefined) return;
      const lateMs = Math.max(...late.map(([, stand]) => stand.lateMs));
      for (const [, stand] of late) stand.lateMs = 0;
      const last = { ...candidate, isLastUsable: true };
      yield { candidate: last, index: line.length, wanted, lateMs, mayBeAsked: true };
    }
  }

  /** Undefined where none is needed; null where none came free, or the client left. */
  enter(want: Want): undefined | Promise<Entry | null> {
    const { lanes } = this.run.deps;
    return want.wanted.some(lanes.guards) ? this.waitFor(want) : undefined;
  }

  /** The same for one that is asked once more, in another form. */
  enterOne(upstream: Upstream): undefined | Promise<Entry | null> {
    return this.enter({ wanted: [upstream], lateMs: null, mayBeAsked: true });
  }

  /** It has refused the request for being one too many: it is asked again when an answer there has ended. */
  noteRefusal(upstream: Upstream): void {
    const stand = this.standOf(upstream);
    stand.refusals += 1;
    if (stand.refusals < MOST_REFUSALS) keepForLater(upstream, stand);
  }

  private async waitFor({ lateMs, mayBeAsked, wanted }: Want): Promise<Entry | null> {
    const { arrival, deps, request } = this.run;
    const { facts, signal } = request;
    const lanes = await deps.lanes.open();
    const startedAt = deps.monotonic();
    if (lateMs !== null) this.lateUntil ??= startedAt + PATIENCE_MS[facts.stream ? "stream" : "whole"];
    const first = mayBeAsked ? (wanted[0]?.lane?.queueMs ?? QUEUE_MS) : 0;
    const waitMs = lateMs === null ? first : Math.min(lateMs, Number(this.lateUntil) - startedAt);
    const entering = lanes.enter(wanted, { sessionId: facts.sessionId, arrival, signal, waitMs });
    const entry = entering instanceof Promise ? await entering : entering;
    const tookMs = entering instanceof Promise ? deps.monotonic() - startedAt : 0;
    this.run.queued(tookMs);
    for (const upstream of wanted) {
      if (upstream === entry?.upstream) {
        this.full.delete(upstream.key);
        continue;
      }
      const stand = this.standOf(upstream);
      stand.waitedMs += tookMs;
      const facts = lanes.factsOf(upstream);
      if (entry === null && facts !== null)
        this.full.set(upstream.key, {
          reason: { rule: NO_PLACE, places: describePlaces(facts) },
          at: deps.now() + AGAIN_MS,
        });
      if (mayBeAsked && (lateMs === null || entry !== null)) keepForLater(upstream, stand);
    }
    return entry;
  }

  private standOf(upstream: Upstream): Stand {
    const known = this.stands.get(upstream);
    if (known !== undefined) return known;
    const made = { waitedMs: 0, refusals: 0, lateMs: 0 };
    this.stands.set(upstream, made);
    return made;
  }
}

export function sharesLane({ lane }: Upstream, other: Upstream): boolean {
  return lane !== null && lane.name === other.lane?.name;
}

/** For as long as the user has said; with nothing said, until nobody can wait any longer. */
function keepForLater({ lane }: Upstream, stand: Stand): void {
  const queueMs = lane?.queueMs ?? null;
  stand.lateMs = queueMs === null ? Infinity : Math.max(0, queueMs - stand.waitedMs);
}

type LetIn =
  | Extract<Admission, { kind: "blocked" }>
  | { readonly kind: "go"; readonly permit: Permit; readonly room: Room | undefined }
  | ({ readonly kind: "no-room" } & NoRoom);

/** Leave to ask this upstream, with room for it. With the permit its place is counted; without one the place is free again. */
export function letIn(
  upstream: Upstream,
  pass: Question,
  run: LoopRun,
  entry: Entry | undefined,
): LetIn | Promise<LetIn> {
  const admit = (room: Room | NoRoom | undefined): LetIn => {
    if (isNoRoom(room)) return { kind: "no-room", ...room };
    if (room !== undefined) run.rooms.push(room);
    const admission = run.deps.router.admit(upstream, pass.plan);
    if (admission.kind === "go") run.permits.push(admission.permit);
    else room?.end(null);
    return admission.kind === "go" ? { ...admission, room } : admission;
  };
  if (entry !== undefined)
    return Promise.try(() => reserveRoom(upstream, pass, run))
      .then(admit)
      .finally(entry.arrived);
  const room = reserveRoom(upstream, pass, run);
  return room instanceof Promise ? room.then(admit) : admit(room);
}

/** Room in the owner's budgets; undefined where none is concerned, and for what makes no model write. */
function reserveRoom(
  upstream: Upstream,
  { body, model: named, plan }: Question,
  { deps, request }: LoopRun,
): ReturnType<BudgetGate["reserve"]> {
  if (deps.budgets === undefined) return undefined;
  const { facts, method, signal, target } = request;
  const { path } = target;
  if (!isGeneration({ method, path, usage: undefined })) return undefined;
  const model = named ?? facts.model;
  return deps.budgets.reserve(upstream, {
    method,
    path,
    bytes: body.length,
    model,
    upstreamModel: model === null || !facts.endpoint.mapsModel ? model : modelAt(upstream, model),
    sessionId: facts.sessionId,
    project: plan.project,
    signal,
  });
}

function isNoRoom(room: Room | NoRoom | undefined): room is NoRoom {
  return room !== undefined && "reason" in room;
}
