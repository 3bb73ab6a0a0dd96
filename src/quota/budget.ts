// What a budget has counted in its window, when that ends, and what is left; days, weeks and months are those of the local
// calendar. One count for the proxy, which refuses by it, and for all screens.
// Pure.
import { localDay } from "../base/text.ts";
import type { Upstream } from "../base/upstream.ts";
import type { Budget, BudgetScope, BudgetWindow } from "../config/budgets.ts";
import { type BudgetPlace, OTHERS, SLICE_MS } from "../usage/recent-use.ts";
import { type Spend, usedIn } from "../usage/spend.ts";

const ROLLING_MS = 5 * 3_600_000;
/** A rolling sum falls by itself, and a clock may be set: everything is counted anew so often. */
const COUNTED_MS = 1_000;
const SPAN_AGE_MS = 1_000;

/** Wall clock, ms. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The window around a moment; one of hours ends with the moment. */
export function spanOf(per: BudgetWindow, now: number): Span {
  if (per === "5h") return { start: now - ROLLING_MS, end: now };
  const date = new Date(now);
  const [year, month, day] = [date.getFullYear(), date.getMonth(), date.getDate()];
  const at = (months: number, days: number): number => new Date(year, month + months, days).getTime();
  if (per === "day") return { start: at(0, day), end: at(0, day + 1) };
  if (per === "month") return { start: at(0, 1), end: at(1, 1) };
  const monday = day - ((date.getDay() + 6) % 7);
  return { start: at(0, monday), end: at(0, monday + 7) };
}

/** The same, with the calendar asked once a second: the zone of a laptop that travels may change at any time. */
export function createSpans() {
  const known = new Map<BudgetWindow, Span & { readonly at: number }>();
  return (per: BudgetWindow, now: number): Span => {
    const last = known.get(per);
    const isFresh = last !== undefined && now >= last.at && now - last.at < SPAN_AGE_MS;
    if (isFresh && per !== "5h" && now < last.end) return last;
    const span = { ...spanOf(per, now), at: now };
    known.set(per, span);
    return span;
  };
}

/** Does what is spent there count for it? A name that was not kept apart may be any. */
export function covers(scope: BudgetScope, place: BudgetPlace): boolean {
  switch (scope.kind) {
    case "all":
      return true;
    case "upstream":
      return place.service === scope.service && isOne(place.upstream, scope.baseUrl);
    case "config":
      return place.service === scope.service && isOne(place.config, scope.configName);
    case "model":
      return place.model !== null && (place.model === OTHERS || scope.pattern.test(place.model));
    case "project":
      return place.rule !== null && (place.rule === OTHERS || scope.projects.has(place.rule));
  }
}

function isOne(name: string | null, wanted: string): boolean {
  return name === wanted || name === OTHERS;
}

/** Where a request's answer would be spent. */
export function placeAt(
  { baseUrl, configName, service }: Upstream,
  { model, project }: { readonly model: string | null; readonly project?: string | undefined },
): BudgetPlace {
  return { service, config: configName, upstream: baseUrl, model, rule: project ?? null };
}

/** Is a request to that upstream one that the budget is for? */
export function concerns({ scope }: Budget, upstream: Upstream, place: BudgetPlace): boolean {
  if (scope.kind !== "upstream") return covers(scope, place);
  // Another config's entry of the same address may have another budget, and both count the same.
  const { configName, position, service } = scope;
  return upstream.service === service && upstream.configName === configName && upstream.position === position;
}

export interface Count {
  readonly used: number;
  /** When it has room again if it has none now, wall clock in ms. */
  readonly opensAt: number;
  /** Not in `used`. */
  readonly unpriced: number;
  /** In `used` by what was expected. */
  readonly estimated: number;
  /** In `used` in part, or not at all where nothing was expected of them. */
  readonly uncertain: number;
}

export function countBudget(spend: Spend, budget: Budget, now: number, limit = budget.limit): Count {
  if (budget.per === "5h") return countHours(spend, budget, now, limit);
  const { scope, unit } = budget;
  const { end, start } = spanOf(budget.per, now);
  const [first, last] = [localDay(start), localDay(now)];
  let [used, unpriced, estimated, uncertain] = [0, 0, 0, 0];
  for (const [day, row] of spend.rowsOf("")) {
    if (day < first || day > last || !covers(scope, row)) continue;
    used += usedIn(row)[unit];
    unpriced += unit === "usd" ? row.unpriced_requests : 0;
    estimated += row.estimated_answers;
    uncertain +=
      unit === "requests" ? 0 : row.partial_requests + row.requests_without_usage - row.estimated_answers;
  }
  return { used, opensAt: end, unpriced, estimated, uncertain: Math.max(0, uncertain) };
}

function countHours(spend: Spend, { scope, unit }: Budget, now: number, limit: number): Count {
  const slices: [at: number, amount: number][] = [];
  for (const [place, own] of spend.recent())
    if (covers(scope, place))
      for (const [at, amounts] of own) if (isRecent(at, now)) slices.push([at, amounts[unit]]);
  const used = slices.reduce((sum, [, amount]) => sum + amount, 0);
  let left = used;
  let opensAt = now;
  for (const [at, amount] of slices.toSorted(([one], [other]) => one - other)) {
    if (left < limit) break;
    left -= amount;
    opensAt = at + SLICE_MS + ROLLING_MS;
  }
  return { used, opensAt, unpriced: 0, estimated: 0, uncertain: 0 };
}

/** Also what a clock that was ahead has noted. */
function isRecent(at: number, now: number): boolean {
  return Math.abs(now - (at - (at % SLICE_MS))) < ROLLING_MS + SLICE_MS;
}

interface KnownCount {
  readonly spend: Spend;
  version: number;
  /** When everything was counted last. */
  readonly at: number;
  readonly limit: number;
  count: Count;
  /** Its days, "2026-11-29". Of a budget of hours nobody asks. */
  readonly first: string;
  readonly last: string;
}

/** The same, with everything counted once a second at most: what is added meanwhile is added to the last count. */
export function createCounter() {
  const known = new Map<Budget, KnownCount>();
  return (spend: Spend, budget: Budget, now: number, limit: number): Count => {
    const before = known.get(budget);
    const version = spend.version();
    if (before?.spend === spend && before.limit === limit && isCurrent(before, budget, now)) {
      if (before.version === version) return before.count;
      const count = goOn(before, budget, now);
      if (count !== null) {
        before.version = version;
        return (before.count = count);
      }
    }
    const count = countBudget(spend, budget, now, limit);
    const [first, last] = [localDay(spanOf(budget.per, now).start), localDay(now)];
    known.set(budget, { spend, version, at: now, limit, count, first, last });
    return count;
  };
}

function isCurrent({ at, count }: KnownCount, { per }: Budget, now: number): boolean {
  return now >= at && (per === "5h" ? now - at < COUNTED_MS : now < count.opensAt);
}

/** With what was added since; null where that cannot be told without all the rest. */
function goOn({ at, count, first, last, limit, spend, version }: KnownCount, budget: Budget, now: number) {
  const additions = now - at < COUNTED_MS ? spend.additionsSince(version) : null;
  if (additions === null) return null;
  const { per, scope, unit } = budget;
  const isOfHours = per === "5h";
  let { estimated, unpriced, used } = count;
  for (const one of additions) {
    if (isOfHours) {
      const { recent } = one;
      if (recent === null || !covers(scope, recent.place)) continue;
      if (isRecent(recent.at, now)) used += one.used[unit];
      // Which of them end first is not known here.
      if (used >= limit) return null;
      continue;
    }
    if (one.day > last || one.uncertain !== 0) return null;
    if (one.day < first || !covers(scope, one.row)) continue;
    used += one.used[unit];
    unpriced += unit === "usd" ? one.unpriced : 0;
    estimated += one.estimated;
  }
  return { ...count, used, unpriced, estimated };
}
