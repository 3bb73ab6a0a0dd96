// The owner's budgets while requests run: what was spent of each, by the ledger of spend and by what answers in flight are
// expected to use; whether there is room for one more; and who is told. Does nothing where there is no budget.
import { errorText } from "../../base/errors.ts";
import { type Text, showMoment, t } from "../../base/text.ts";
import type { Upstream } from "../../base/upstream.ts";
import { type Budget, PER_WORDS, listBudgets } from "../../config/budgets.ts";
import type { Paths } from "../../base/paths.ts";
import { type Count, concerns, createCounter, createSpans, placeAt } from "../../quota/budget.ts";
import { readBudgets } from "../../quota/budget-reading.ts";
import type { BudgetGate, BudgetQuestion } from "../../proxy/deps.ts";
import type { Reading } from "../../quota/reading.ts";
import type { Bar, PlanRequest, Reason } from "../../routing/types.ts";
import { type BudgetPlace, type Used, keyOf as keyOfPlace } from "../../usage/recent-use.ts";
import type { Spend } from "../../usage/spend.ts";
import type { LiveConfig } from "../live-config.ts";
import type { PoolDoor } from "../share/door.ts";
import type { SpendBook } from "../spend/spend-book.ts";
import { createBudgetNotes, keyOf } from "./budget-notes.ts";
import { type Block, createRooms } from "./budget-rooms.ts";

interface BudgetsOptions {
  readonly paths: Pick<Paths, "budgets" | "home" | "run">;
  readonly live: LiveConfig;
  readonly book: SpendBook;
  /** Wall clock, ms. */
  readonly now: () => number;
  readonly onTrouble: (words: Text | string) => void;
  readonly onChange: () => void;
  /** What other machines spend of them, where they share it. */
  readonly pool?: BudgetPool | undefined;
  /** A budget has passed one of its steps. */
  readonly onStep?: (step: BudgetStep) => void;
}

export type BudgetPool = Pick<PoolDoor, "join" | "noteSpent" | "onSpent" | "usedByOthers">;

/** A part of a budget is spent, in percent. */
export interface BudgetStep {
  readonly budget: Budget;
  readonly percent: number;
  readonly count: Count;
  readonly limit: number;
  /** "your budget for main#1: $4.00 of $5.00 a day". */
  readonly reason: Reason;
}

/** How a budget is at one moment. */
export interface BudgetFacts {
  readonly budget: Budget;
  /** What is lifted is in it; Infinity for as much as is wanted. */
  readonly limit: number;
  readonly count: Count;
  /** What answers in flight are expected to use. */
  readonly held: number;
  readonly isSpent: boolean;
  /** "your budget for main#1: $4.00 of $5.00 a day". */
  readonly reason: Reason;
}

type Asked = Pick<PlanRequest, "model" | "project">;
type Look = Omit<BudgetFacts, "held" | "reason">;

/** What the budgets are to one upstream's requests for a model, from a project. */
interface Stand {
  readonly place: BudgetPlace;
  /** Of the place. */
  readonly key: string;
  readonly budgets: readonly Budget[];
  /** Those that keep something back. */
  readonly refusing: readonly Budget[];
  /** The first that wants a price. */
  readonly strict: Budget | undefined;
  /** With that much counted, at that moment, nothing keeps the upstream from them. */
  clear: { readonly spend: Spend; readonly version: number; readonly at: number } | null;
}

const STEPS = [80, 95, 100] as const;
const CACHED_MS = 5_000;
const LOOK_MS = 20;
const MOST_STANDS = 50;
const NONE: readonly Budget[] = [];
const NONE_SPENT: readonly Look[] = [];
const NO_FACTS: readonly BudgetFacts[] = [];
const ANY = { model: null };

export function createBudgets(options: BudgetsOptions) {
  const { book, live, now, onChange, onTrouble, paths, pool } = options;
  const notes = createBudgetNotes(paths, now);
  const spanOf = createSpans();
  const countOf = createCounter();
  /** So that a month is not summed again for each answer. */
  const readings = new Map<string, { readonly reading: Reading; readonly version: number }>();
  /** Steps that are told, or are just being told, by budget: the window, and the percents. */
  const told = new Map<string, { since: number; percent: number }>();
  let stands: { readonly of: readonly Budget[]; readonly by: WeakMap<Upstream, readonly Stand[]> } = {
    of: NONE,
    by: new WeakMap(),
  };
  let known: { readonly config: unknown; readonly budgets: readonly Budget[] } = {
    config: null,
    budgets: NONE,
  };

  let lookedAt = Number.NEGATIVE_INFINITY;
  /** A request asks several times, and to look at config.json is a system call. */
  const list = (): readonly Budget[] => {
    const at = now();
    if (Math.abs(at - lookedAt) < LOOK_MS) return known.budgets;
    lookedAt = at;
    const { config } = live.current();
    if (known.config !== config) known = { config, budgets: listBudgets(config) };
    return known.budgets;
  };
  const limitOf = (budget: Budget): number =>
    notes
      .liftsOf(budget)
      .reduce((limit, { amount }) => (amount === null ? Infinity : limit + amount), budget.limit);
  const rooms = createRooms({ paths, book, now, onTrouble });

  /** Where it is spent, a lift that is new counts. */
  const look = (spend: Spend, budget: Budget): Look => {
    const facts = lookOnce(spend, budget);
    notes.refresh(facts.isSpent);
    return facts.isSpent && notes.liftsOf(budget).length > 0 ? lookOnce(spend, budget) : facts;
  };
  const lookOnce = (spend: Spend, budget: Budget): Look => {
    const at = now();
    const limit = limitOf(budget);
    const own = countOf(spend, budget, at, limit);
    const here = rooms.hasLost() ? withLost(own, budget, at) : own;
    const count = pool === undefined ? here : pool.join(budget, here, limit);
    return { budget, limit, count, isSpent: isReached(count.used, limit) };
  };
  const withLost = (own: Count, budget: Budget, at: number): Count => {
    const lost = rooms.lostOf(budget, spanOf(budget.per, at).start);
    return { ...own, used: own.used + lost[budget.unit], estimated: own.estimated + lost.requests };
  };
  /** Not by `look`: whether a budget is spent, which is asked most often, does not depend on it. */
  const heldOf = (budget: Budget): number => rooms.heldOf(budget, spanOf(budget.per, now()).start);
  const standOf = (upstream: Upstream, { model, project }: Asked): Stand | null => {
    const budgets = list();
    if (budgets.length === 0) return null;
    if (stands.of !== budgets) stands = { of: budgets, by: new WeakMap() };
    const own = stands.by.get(upstream) ?? [];
    const rule = project ?? null;
    for (const one of own) if (one.place.model === model && one.place.rule === rule) return one;
    const made = makeStand(budgets, upstream, { model, project });
    // A client may name a million models.
    stands.by.set(upstream, [made, ...own].slice(0, MOST_STANDS));
    return made;
  };

  /** Has the model no price there, and does a budget refuse it then? */
  const unpricedBy = ({ place: { model }, strict }: Stand, upstream: Upstream): Budget | undefined =>
    strict === undefined || model === null || rooms.hasPrice(upstream, model) ? undefined : strict;

  /** That a budget keeps nothing back, beside what else is said of it. */
  const noteLift = (said: Text | string | null, facts: readonly Look[]): Text | string | null => {
    const lifts = facts
      .filter(({ limit }) => !Number.isFinite(limit))
      .flatMap(({ budget }) => notes.liftsOf(budget));
    const ends = lifts.filter(({ amount }) => amount === null).map(({ until_ms: until }) => until);
    if (ends.length === 0) return said;
    const words = t`lifted until ${showMoment(Math.max(...ends), now())}`;
    return said === null ? words : t`${said}; ${words}`;
  };

  /** What keeps an upstream from a request: of several that are spent, the one that opens last. */
  const barOf = (upstream: Upstream, request: Asked): Bar | undefined => {
    const stand = standOf(upstream, request);
    const spend = stand === null || stand.budgets.length === 0 ? null : book.spend();
    return stand === null || spend === null ? undefined : barAt(stand, upstream, spend);
  };
  const listSpent = (budgets: readonly Budget[], spend: Spend): readonly Look[] => {
    let spent = NONE_SPENT;
    for (const budget of budgets) {
      const one = look(spend, budget);
      if (one.isSpent) spent = [...spent, one];
    }
    return spent;
  };
  /** A request asks several times within a moment. What may change without being counted is looked at each time. */
  const barAt = (stand: Stand, upstream: Upstream, spend: Spend): Bar | undefined => {
    const { clear, strict } = stand;
    const isSure = strict === undefined && !notes.hasLifts() && !rooms.hasLost();
    if (!isSure) return findBar(stand, upstream, spend);
    const [at, version] = [now(), spend.version()];
    if (clear?.version === version && clear.at === at && clear.spend === spend) return undefined;
    const bar = findBar(stand, upstream, spend);
    stand.clear = bar === undefined ? { spend, version, at } : null;
    return bar;
  };
  const findBar = (stand: Stand, upstream: Upstream, spend: Spend): Bar | undefined => {
    const spent = listSpent(stand.refusing, spend);
    if (spent.length > 0) {
      const last = spent.reduce((one, other) => (other.count.opensAt > one.count.opensAt ? other : one));
      const endsLine = spent.some(({ budget }) => budget.onSpent === "stop");
      const { budget, count, limit } = last;
      const { opensAt: until } = count;
      return {
        availability: "exhausted",
        reason: reasonOf(budget, count.used, limit),
        source: SOURCE,
        since: null,
        until,
        endsLine,
      };
    }
    const strict = unpricedBy(stand, upstream);
    if (strict === undefined) return undefined;
    const reason: Reason = { rule: "unpriced", model: stand.place.model ?? "", name: strict.title };
    return {
      availability: "exhausted",
      reason,
      source: SOURCE,
      since: null,
      until: null,
      endsLine: strict.onSpent === "stop",
    };
  };

  const spareIn = ({ refusing }: Stand, use: Used): number => {
    const spend = book.spend();
    if (spend === null) return 0;
    return Math.min(
      ...refusing.map((budget) => {
        const { count, limit } = look(spend, budget);
        return (limit - count.used - heldOf(budget)) / use[budget.unit];
      }),
    );
  };

  const tellSteps = (): void => {
    const spend = book.spend();
    if (spend === null) return;
    for (const budget of list()) {
      const since = budget.per === "5h" ? 0 : spanOf(budget.per, now()).start;
      const { count, limit } = look(spend, budget);
      const percent = STEPS.findLast((step) => count.used * 100 >= step * limit) ?? 0;
      const key = keyOf(budget);
      const last = told.get(key);
      const isNew = last === undefined || last.since < since || last.percent < percent;
      // Any five hours: once it has fallen, it may be told of again.
      if (!isNew && !(budget.per === "5h" && percent < last.percent)) continue;
      told.set(key, { since, percent });
      if (!isNew || percent === 0) continue;
      const stamp = budget.per === "5h" ? now() - 60_000 : since;
      void notes
        .note(budget, stamp, percent)
        .catch(() => true)
        .then((isOurs) => {
          if (isOurs)
            options.onStep?.({ budget, percent, count, limit, reason: reasonOf(budget, count.used, limit) });
        });
    }
  };

  const isNear = (): boolean => {
    const spend = book.spend();
    return spend !== null && list().some((budget) => isNearly(look(spend, budget)));
  };
  pool?.onSpent({ list, spend: book.spend, isNear }, () => {
    readings.clear();
    tellSteps();
    onChange();
  });

  return {
    list,
    barOf,
    /** Is there any? */
    hasAny: () => list().length > 0,
    /** How each is; null where what was spent is not known yet. */
    facts(): readonly BudgetFacts[] | null {
      if (list().length === 0) return NO_FACTS;
      const spend = book.spend();
      rooms.look();
      notes.refresh(true);
      if (spend === null) return null;
      return list().map((budget) => {
        const one = look(spend, budget);
        return { ...one, held: heldOf(budget), reason: reasonOf(budget, one.count.used, one.limit) };
      });
    },
    /** Room for one answer of the upstream, which must be ended; a reason where there is none. Undefined where no budget is concerned. */
    reserve(upstream: Upstream, ask: BudgetQuestion): ReturnType<BudgetGate["reserve"]> {
      const stand = standOf(upstream, ask);
      if (stand === null || stand.budgets.length === 0) return undefined;
      const spare = (use: Used): number => spareIn(stand, use);
      const findBlock = (own: Used): Block | null => {
        const spend = book.spend();
        if (spend === null) return null;
        const bar = barAt(stand, upstream, spend);
        if (bar !== undefined)
          return { reason: bar.reason, endsLine: bar.endsLine === true, isForNow: false };
        for (const budget of stand.refusing) {
          const isFull = ({ count, limit }: Look): boolean =>
            isReached(count.used + heldOf(budget) - own[budget.unit], limit);
          if (!isFull(look(spend, budget))) continue;
          notes.refresh(true);
          const now = look(spend, budget);
          if (!isFull(now)) continue;
          const { count, limit } = now;
          const reason: Reason = { rule: "budget-held", cause: reasonOf(budget, count.used, limit) };
          return { reason, endsLine: budget.onSpent === "stop", isForNow: true };
        }
        return null;
      };
      return rooms.reserve(upstream, ask, stand, { findBlock, spare });
    },
    /** Of the upstream itself; null where it has no budget, or what was spent is not known yet. */
    readingOf(upstream: Upstream): Reading | null {
      const budgets = list()
        .filter(({ scope }) => scope.kind === "upstream")
        .filter((budget) => concerns(budget, upstream, placeAt(upstream, ANY)));
      const spend = budgets.length === 0 ? null : book.spend();
      if (spend === null) return null;
      const last = readings.get(upstream.key);
      const version = spend.version();
      if (last?.version === version && Math.abs(now() - last.reading.at) < CACHED_MS) return last.reading;
      const facts = budgets.map((budget) => look(spend, budget));
      const figures = facts.map(({ budget, limit }) => ({
        budget,
        limit: Number.isFinite(limit) ? limit : budget.limit,
      }));
      const counted = readBudgets(spend, figures, now(), pool?.usedByOthers);
      const reading = { ...counted, error: noteLift(counted.error, facts) };
      readings.set(upstream.key, { reading, version });
      return reading;
    },
    async load(): Promise<void> {
      try {
        await book.load();
        rooms.look();
      } catch (error) {
        onTrouble(t`budgets cannot be counted: ${errorText(error)}`);
      }
      readings.clear();
    },
    /** Counts every request that ends from now on; loads first. */
    follow(): void {
      book.follow(() => {
        readings.clear();
        rooms.settle();
        rooms.forgetPrices();
        tellSteps();
        pool?.noteSpent();
        onChange();
      });
    },
    stop: () => rooms.close(),
    notes,
  };
}

function makeStand(all: readonly Budget[], upstream: Upstream, request: Asked): Stand {
  const place = placeAt(upstream, request);
  const budgets = all.filter((budget) => concerns(budget, upstream, place));
  const refusing = budgets.filter(({ onSpent }) => onSpent !== "warn");
  const strict = budgets.find(({ unit, unpriced }) => unit === "usd" && unpriced === "refuse");
  return { place, key: keyOfPlace(place), budgets, refusing, strict, clear: null };
}

/** Sums of many parts of a dollar are not exact. */
function isReached(amount: number, limit: number): boolean {
  return amount >= limit * (1 - 1e-9);
}

/** As many may be served before others hear of them. */
const NEAR_REQUESTS = 64;

/** Within a tenth of it on either side, or a few answers. */
function isNearly({ budget, count, limit }: Look): boolean {
  const near = Math.max(limit * 0.1, budget.unit === "requests" ? NEAR_REQUESTS : 0);
  return Math.abs(limit - count.used) < near;
}

const SOURCE: Reason = { rule: "quota-budget" };

function reasonOf({ called: budget, per, title, unit }: Budget, used: number, limit: number): Reason {
  return {
    budget,
    rule: `budget-${unit}`,
    name: title,
    used: show(used, unit),
    limit: show(limit, unit),
    per: PER_WORDS[per],
  };
}

function show(amount: number, unit: Budget["unit"]): string {
  if (!Number.isFinite(amount)) return "-";
  if (unit !== "usd") return String(Math.round(amount));
  return amount > 0 && amount < 0.01 ? "<$0.01" : `$${amount.toFixed(2)}`;
}
