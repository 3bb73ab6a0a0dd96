// Which upstream next: keeps what is known of each upstream and each session, and gives leave to try.
// The only mutable thing of routing; every rule is in the pure files beside it. Knows no network and no file.
import type { Upstream } from "../base/upstream.ts";
import { createAffinity, type SessionBinding } from "./affinity.ts";
import { withBar } from "./availability.ts";
import { type Health, HEALTHY, withoutExhaustion } from "./health.ts";
import { type PermitBooks, TurnPermit } from "./permit.ts";
import { nameOfThing } from "./droppable.ts";
import { type Outlook, outlookOf } from "./outlook.ts";
import { createLearned, type Learned } from "./learned.ts";
import { createRecords } from "./records.ts";
import { createAnnouncer } from "./router-events.ts";
import { makeSavedState, readSavedState, type SavedState } from "./saved-state.ts";
import { reachOf, selectCandidates } from "./select.ts";
import type {
  Admission,
  Assessment,
  BarOf,
  Candidate,
  Permit,
  PlanRequest,
  QuotaNote,
  Reason,
  RouterEvent,
  RoutingSettings,
} from "./types.ts";

export type Router = ReturnType<typeof createRouter>;

export interface RouterOptions {
  readonly settings: () => RoutingSettings;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** 0 to below 1. */
  readonly random: () => number;
  /** Must not throw. */
  readonly onEvent?: (event: RouterEvent) => void;
  /** The owner's rules. Default: there is none. */
  readonly barOf?: BarOf | undefined;
}

export function createRouter({ barOf, now, onEvent = () => {}, random, settings }: RouterOptions) {
  const records = createRecords(now);
  const affinity = createAffinity();
  const budget = createRetryBudget(now);
  const learned = createLearned(now, (key) => books.onLearned?.(key, false));
  const viewFor =
    (request: PlanRequest) =>
    (upstream: Upstream, isLastResort: boolean): Assessment => {
      const view = records.look(upstream, request, isLastResort);
      return barOf === undefined ? view : withBar(view, barOf(upstream, request), now());
    };
  /** For any request. */
  const look = (upstream: Upstream): Assessment =>
    viewFor({ upstreams: [upstream], model: null, sessionId: null, now: now() })(upstream, false);
  const announcer = createAnnouncer({ records, look, emit: onEvent });
  /** How each upstream was at its last note. */
  const noted = new Map<string, Assessment>();
  const books: PermitBooks = {
    records,
    affinity,
    announcer,
    look,
    now,
    random,
    settings,
    onSettled: undefined,
    onLearned: undefined,
  };

  const moment = () => ({ now: now(), idleMs: settings().returnAfterIdleMs });

  const bindingOf = ({ sessionId }: PlanRequest): SessionBinding | undefined =>
    sessionId === null ? undefined : affinity.bindingOf(sessionId, moment());

  const endsLine = (request: PlanRequest) =>
    barOf === undefined
      ? undefined
      : (upstream: Upstream): boolean => barOf(upstream, request)?.endsLine === true;

  /** What failed a while ago, and was not asked since, says nothing of now. */
  const isWell = (upstream: Upstream): boolean => {
    const { consecutive, lastFailure } = records.of(upstream.key).health;
    const isFailing = consecutive > 0 && lastFailure !== null && now() - lastFailure.at < settings().windowMs;
    return (
      !isFailing &&
      records.look(upstream, ANY, false).allowed === "go" &&
      records.failingOf(upstream) === null
    );
  };

  const refusalOf =
    ({ model, traits }: PlanRequest) =>
    ({ key }: Upstream): Reason | undefined => {
      const found = traits === undefined ? undefined : learned.refusalOf(key, model, traits);
      return found === undefined ? undefined : reasonOfLearned(found);
    };

  const choose = (request: PlanRequest, binding: SessionBinding | undefined): readonly Candidate[] =>
    selectCandidates({
      request,
      binding,
      viewOf: viewFor(request),
      endsLine: endsLine(request),
      failingOf: records.failingOf,
      ...(learned.isEmpty() ? {} : { refusalOf: refusalOf(request) }),
    });

  return {
    /** The order in which this request should try its upstreams. */
    plan(request: PlanRequest): readonly Candidate[] {
      const [first] = request.upstreams;
      if (records.noteOrder(request) && first !== undefined) affinity.release(first.service);
      budget.noteRequest();
      return choose(request, bindingOf(request));
    },
    /** What `plan` would answer now, for somebody who only looks: nothing is noted. */
    explain(request: PlanRequest): readonly Candidate[] {
      const binding = bindingOf(request);
      const isInForce = binding?.isPinned === true || !records.isEdited(request);
      return choose(request, isInForce ? binding : undefined);
    },
    /** Can the request be served now, without a last resort, and if not: from when on? Nothing is noted. */
    outlook(request: PlanRequest): Outlook {
      const viewOf = viewFor(request);
      const reach = reachOf(request, bindingOf(request), { viewOf, endsLine: endsLine(request) });
      return outlookOf(
        reach.map((upstream) => ({ upstream, view: viewOf(upstream, false) })),
        now(),
      );
    },
    /** Leave to try one upstream now, for a request that was planned. The permit must be settled, whatever happens. */
    admit(upstream: Upstream, request: PlanRequest): Admission {
      const view = viewFor(request);
      const reach = reachOf(request, bindingOf(request), { viewOf: view, endsLine: endsLine(request) });
      // Out of reach: behind an exhausted one that hands nothing on, or not the pinned session's account.
      if (!reach.includes(upstream)) {
        const before = reach.at(-1) ?? upstream;
        const { askAt, reason } = view(before, false);
        return {
          kind: "blocked",
          until: askAt ?? now(),
          reason: { rule: "behind", label: before.label, cause: reason },
          availability: "exhausted",
        };
      }
      let seen = view(upstream, false);
      const isLastResort =
        seen.allowed === "no" &&
        seen.isBarred !== true &&
        reach.every((other) => view(other, false).allowed === "no");
      if (isLastResort) seen = view(upstream, true);
      const { allowed, askAt, reason, availability } = seen;
      // What keeps turns away need not keep others away where no upstream is better.
      if (request.isNeutral === true && (allowed !== "no" || isLastResort))
        return { kind: "go", permit: NEUTRAL };
      if (allowed === "no") return { kind: "blocked", until: askAt ?? now(), reason, availability };
      const permit = new TurnPermit(books, upstream, request, allowed === "probe");
      if (permit.isProbe) {
        const record = records.of(upstream.key);
        record.probe = permit;
        record.probeSince = now();
      }
      if (request.sessionId !== null) affinity.touch(request.sessionId, now());
      return { kind: "go", permit };
    },
    /** It is being asked, and not passed over: an attempt of its own. */
    noteAsked({ key }: Upstream): void {
      records.of(key).attempts += 1;
    },
    /**
     * May this upstream be asked after one that may have done the request? Always where it is well: no outage is multiplied then.
     * What goes to those that are failing themselves draws on a budget.
     */
    mayAskAgain: (upstream: Upstream): boolean => isWell(upstream) || budget.spend(),
    /** The session's history belongs to this account alone from now on (it holds a compaction item of it). */
    pin: (sessionId: string, { key, service }: Upstream): void =>
      affinity.pin({ sessionId, key, service, lastAt: now() }),
    /** What the balance of an upstream says; null takes the last word back. Also called when the owner's rules may say something new. */
    noteQuota(upstream: Upstream, note: QuotaNote | null): void {
      const record = records.of(upstream.key);
      const seen = noted.get(upstream.key) ?? look(upstream);
      record.quota = note ?? undefined;
      if (note?.state === "ok") record.health = withoutExhaustion(record.health, note.at);
      noted.set(upstream.key, look(upstream));
      announcer.answered(upstream, seen);
      announcer.failed(upstream, seen, records.lineOf(upstream.service));
    },
    /** Turns that are open at the upstream of that key. */
    openOf: (key: string): number => records.of(key).open,
    /** From now on `heard` is called after each permit that was settled. */
    watchSettled(heard: PermitBooks["onSettled"]): void {
      books.onSettled = heard;
    },
    /** From now on `heard` is called when something may have been learned of an upstream. */
    watchLearned(heard: PermitBooks["onLearned"]): void {
      books.onLearned = heard;
    },
    healthOf: (key: string): Health => records.of(key).health,
    /** Takes up what others have learned of the same account. */
    take(upstream: Upstream, health: Health): void {
      const record = records.of(upstream.key);
      const seen = look(upstream);
      record.health = health;
      announcer.answered(upstream, seen);
      announcer.failed(upstream, seen, records.lineOf(upstream.service));
    },
    /** What refusals have taught of an upstream. */
    learned,
    /** `place`: where `explain` has it, which counts: with nothing else left, it is tried sooner than its record says. */
    report(upstream: Upstream, place?: Candidate) {
      const { attempts, failures, health } = records.of(upstream.key);
      return {
        key: upstream.key,
        ...(place?.view ?? look(upstream)),
        /** Attempts since the process started. */
        attempts,
        failures,
        lastFailure: health.lastFailure,
        /** Sessions bound to it. */
        sessions: affinity.all(moment()).filter(({ key }) => key === upstream.key).length,
      };
    },
    /** Forgets what is held against one upstream, or against all. */
    reset(key?: string): void {
      for (const [name, record] of records.all())
        if (key === undefined || name === key) record.health = HEALTHY;
      learned.reset(key);
    },
    save: (): SavedState =>
      makeSavedState({
        health: new Map([...records.all()].map(([key, record]) => [key, record.health])),
        sessions: affinity.all(moment()),
        orders: records.orders(),
        learned: learned.all(),
      }),
    /** Takes up what another process has learned, by name; what is not believable is left out. */
    loadLearned: (saved: unknown): void =>
      learned.load(readSavedState({ learned: saved }, { now: now(), settings: settings() }).learned),
    /** Takes up what an earlier process saved; what is not believable is left out. Never throws. */
    load(saved: unknown): void {
      const state = readSavedState(saved, { now: now(), settings: settings() });
      for (const [key, health] of state.health) records.of(key).health = health;
      for (const [service, order] of state.orders) records.loadOrder(service, order);
      affinity.load(state.sessions);
      learned.load(state.learned);
    },
  };
}

/** Of any model. */
const ANY = { model: null };

export function reasonOfLearned({ endpoint, kind, model, things }: Learned): Reason {
  const names = things.map(nameOfThing).join(", ");
  if (kind === "without") return { rule: "asked-without", names };
  const request = [endpoint, model].filter((part) => part !== null).join(", ");
  return names === "" ? { rule: "refuses-such", request } : { rule: "refuses-part", names };
}

/** Of a request that is no turn: nothing is learned from it. */
const NEUTRAL: Permit = { isProbe: false, begun() {}, succeed() {}, fail() {}, release() {} };

/** Counted in fifths of a repetition: each request earns one, each 10 s a whole repetition, ten are kept at most. */
const WHOLE = 5;
const MAX_FIFTHS = 10 * WHOLE;
const REFILL_MS = 10_000;

/**
 * Bounds how often requests that may already have been done are sent a second time, so that a bad hour is not doubled:
 * Envoy's 20 % of the requests, with a floor for one user (Finagle). `now`: wall clock, ms.
 */
function createRetryBudget(now: () => number) {
  let fifths = MAX_FIFTHS;
  let filledAt = now();
  const add = (count: number): void => {
    fifths = Math.min(MAX_FIFTHS, fifths + count);
  };
  return {
    noteRequest: () => add(1),
    /** Takes one repetition out of the budget; false when there is none left. */
    spend(): boolean {
      const at = now();
      add((Math.max(0, at - filledAt) / REFILL_MS) * WHOLE);
      filledAt = at;
      if (fifths < WHOLE) return false;
      fifths -= WHOLE;
      return true;
    },
  };
}
