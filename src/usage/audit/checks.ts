// The checks of an audit: observations in, a finding out. Each says how many cases it rests on, and says nothing with too few.
// docs/audit.md says what each of them can and cannot see.
// Pure.
import type { Observation } from "./observe.ts";
import { type Estimate, estimate, median, quantile, spreadOf } from "./stats.ts";
import { THRESHOLDS } from "./thresholds.ts";

export const CHECKS = ["model", "input", "large", "output", "cache", "charge"] as const;
export type Check = (typeof CHECKS)[number];

export interface Finding {
  readonly check: Check;
  /** `unknown`: not enough data. */
  readonly state: "consistent" | "differs" | "unknown";
  /** Cases that it rests on, and how many it takes at least. */
  readonly count: number;
  readonly needed: number;
  /** What the cases are. */
  readonly of: "answers" | "sessions" | "stretches" | "upstreams";
  readonly confidence: "high" | "moderate" | null;
  /** Of a ratio: what it is, and between which it lies as good as certainly. */
  readonly ratio: readonly [middle: number, low: number, high: number] | null;
  /** Figures of the check, by name. */
  readonly values: Readonly<Record<string, number | string>>;
  /** Ids of requests that show it, the clearest first. */
  readonly requests: readonly string[];
}

const MOST_REQUESTS = 50;
const { charge, deviations, factor } = THRESHOLDS;

type Counted = Pick<Finding, "count" | "needed" | "of">;

function tooFew(check: Check, counted: Counted, values: Finding["values"] = {}): Finding {
  return { check, state: "unknown", ...counted, confidence: null, ratio: null, values, requests: [] };
}

/** Does what answers name what was asked for? */
export function checkModel(own: readonly Observation[]): Finding {
  const known = own.filter(({ match }) => match !== null);
  const others = known.filter(({ match }) => match === "other");
  const names = [...new Set(others.map(({ asked, served }) => `${asked} -> ${served}`))];
  const { cases, others: least, sessions } = THRESHOLDS.model;
  const base = { check: "model", of: "answers", ratio: null } as const;
  const requests = others.slice(-MOST_REQUESTS).map(({ id }) => id);
  const values = { others: others.length, named: names.slice(0, 5).join(", ") };
  const isTelling = others.length >= least && new Set(others.map(({ session }) => session)).size >= sessions;
  if (isTelling)
    return {
      ...base,
      state: "differs",
      count: known.length,
      needed: least,
      confidence: "high",
      values,
      requests,
    };
  if (others.length > 0)
    return { ...tooFew("model", { ...base, count: others.length, needed: least }, values), requests };
  if (known.length < cases) return tooFew("model", { ...base, count: known.length, needed: cases });
  return {
    ...base,
    state: "consistent",
    count: known.length,
    needed: cases,
    confidence: "high",
    values: {},
    requests: [],
  };
}

interface Case {
  readonly id: string;
  readonly session: string;
  readonly value: number;
}

/** What is measured of an answer; null where it has no such thing. */
type Measure = (one: Observation) => number | null;

export const MEASURES: Readonly<Record<"input" | "output", Measure>> = {
  input: ({ match, read, requestBytes }) =>
    match === "other" || read === null || read === 0 || (requestBytes ?? 0) < THRESHOLDS.requestBytes
      ? null
      : Math.log(read / (requestBytes ?? 1)),
  output: ({ match, outputBytes, written }) =>
    match === "other" || written === null || written === 0 || (outputBytes ?? 0) < THRESHOLDS.outputBytes
      ? null
      : Math.log(written / (outputBytes ?? 1)),
};

/** The measured answers of one upstream, by family, and what is in their middle. */
export type Cells = ReadonlyMap<string, { readonly cases: readonly Case[]; readonly middle: Estimate }>;

export function measure(own: readonly Observation[], of: Measure): Cells {
  const cells = new Map<string, Case[]>();
  for (const one of own) {
    const value = of(one);
    if (value === null) continue;
    const cases = cells.getOrInsertComputed(one.family, () => []);
    cases.push({ id: one.id, session: one.session, value });
  }
  return new Map([...cells].map(([family, cases]) => [family, { cases, middle: estimate(cases) }]));
}

/** Only requests that are large for their family, among all upstreams. */
export function largeOnly(all: readonly Observation[]): Measure {
  const byFamily = Map.groupBy(
    all.filter((one) => MEASURES.input(one) !== null),
    ({ family }) => family,
  );
  const limits = new Map(
    [...byFamily].map(([family, of]) => [
      family,
      quantile(
        of.map(({ requestBytes }) => requestBytes ?? 0),
        THRESHOLDS.largeShare,
      ),
    ]),
  );
  return (one) =>
    (one.requestBytes ?? 0) < (limits.get(one.family) ?? Infinity) ? null : MEASURES.input(one);
}

/** Tokens for the bytes, beside those of the others. `large`: only a difference downwards says something of its own. */
export function checkRatio(
  check: "input" | "large" | "output",
  own: Cells,
  others: readonly Cells[],
): Finding {
  const { cases: least, pool: leastPool, sessions } = THRESHOLDS.ratio;
  const isEnough = (cell: { readonly cases: readonly Case[]; readonly middle: Estimate }): boolean =>
    cell.cases.length >= least && cell.middle.cases >= sessions;
  let [weights, sum, most, pool] = [0, 0, 0, 0];
  const clear: { readonly id: string; readonly far: number }[] = [];
  for (const [family, cell] of own) {
    most = Math.max(most, cell.middle.cases);
    if (!isEnough(cell)) continue;
    const peers = others.flatMap((cells) => {
      const peer = cells.get(family);
      return peer !== undefined && isEnough(peer) ? [peer.middle] : [];
    });
    pool = Math.max(pool, peers.length);
    if (peers.length < leastPool) continue;
    const middles = peers.map(({ middle }) => middle);
    const [center, between] = [median(middles), spreadOf(middles)];
    const within = median(peers.map(({ error }) => error));
    const variance = cell.middle.error ** 2 + (within ** 2 + between ** 2) / peers.length + LEAST_ERROR ** 2;
    // Two that disagree are no measure for a third.
    const doubt = peers.length < 4 ? (Math.max(...middles) - Math.min(...middles)) / 2 : between / 2;
    weights += 1 / (variance + doubt ** 2);
    sum += (cell.middle.middle - center) / (variance + doubt ** 2);
    for (const { id, value } of cell.cases) clear.push({ id, far: value - center });
  }
  const base = { check, of: "sessions" } as const;
  if (weights === 0) {
    const counted: Counted =
      most >= sessions && pool < leastPool
        ? { of: "upstreams", count: pool, needed: leastPool }
        : { of: "sessions", count: Math.min(most, sessions - 1), needed: sessions };
    return tooFew(check, counted);
  }
  const [far, error] = [sum / weights, 1 / Math.sqrt(weights)];
  const ratio = [Math.exp(far), Math.exp(far - 3 * error), Math.exp(far + 3 * error)] as const;
  const size = Math.abs(far) / error;
  const isOdd = size > deviations && Math.abs(far) > Math.log(factor) && (check !== "large" || far < 0);
  return {
    ...base,
    state: isOdd ? "differs" : "consistent",
    count: most,
    needed: sessions,
    confidence: !isOdd || size > 2 * deviations ? "high" : "moderate",
    ratio,
    values: { pool },
    requests: isOdd
      ? clear
          .toSorted((a, b) => Math.sign(far) * (b.far - a.far))
          .slice(0, MOST_REQUESTS)
          .map(({ id }) => id)
      : [],
  };
}

/** Nothing is known better than to two percent. */
const LEAST_ERROR = 0.02;

export interface CacheFigures {
  /** Requests behind a stable prefix, and those of them that read less than half of it from the cache. */
  readonly cases: number;
  readonly sessions: number;
  readonly breaks: readonly Observation[];
  /** What these cost more than if they had been read from there; null where a price is not known. */
  readonly breaksUsd: number | null;
  /** Of what could be read from the cache, so much was: 0 to 1. */
  readonly readShare: number;
}

/** Requests of a session one behind the other, each with the last one as its beginning, as far as their sizes tell. */
export function countCache(own: readonly Observation[]): CacheFigures {
  const { gapMs, missed, tokens } = THRESHOLDS.cache;
  const sessions = Map.groupBy(
    own.filter(({ isMain, outcome }) => isMain && outcome === "ok"),
    ({ family, session }) => `${family}\n${session}`,
  );
  const breaks: Observation[] = [];
  let [cases, usd, read, could, withCases] = [0, 0, 0, 0, 0];
  let isPriced = true;
  for (const of of sessions.values()) {
    let before: Observation | null = null;
    let here = 0;
    for (const one of of.toSorted((a, b) => a.at - b.at)) {
      const last: Observation | null = before;
      before = one;
      if (last === null || one.at - last.endedAt > gapMs || one.at < last.endedAt) continue;
      if (one.read === null || last.read === null || last.read < tokens) continue;
      if (one.requestBytes === null || last.requestBytes === null || one.requestBytes < last.requestBytes)
        continue;
      here += 1;
      const most = Math.min(one.read, last.read);
      read += Math.min(one.cached, most);
      could += most;
      if (one.cached >= missed * most) continue;
      breaks.push(one);
      if (one.usd === null || one.freshUsd === null) isPriced = false;
      // What a token costs less from the cache is known where some were read from there; else it is a tenth, as vendors have it.
      else
        usd +=
          one.cached > 0
            ? ((one.freshUsd - one.usd) / one.cached) * (most - one.cached)
            : 0.9 * one.freshUsd * (most / one.read) * INPUT_SHARE;
    }
    cases += here;
    if (here > 0) withCases += 1;
  }
  return {
    cases,
    sessions: withCases,
    breaks,
    breaksUsd: isPriced ? usd : null,
    readShare: could === 0 ? 0 : read / could,
  };
}

/** Of a fresh request's cost, about so much is its input. */
const INPUT_SHARE = 0.8;

/** Is a stable prefix read from the cache as often as at the others? */
export function checkCache(own: CacheFigures, others: readonly CacheFigures[]): Finding {
  const { cases, more, sessions } = THRESHOLDS.cache;
  const isEnough = (one: CacheFigures): boolean => one.cases >= cases && one.sessions >= sessions;
  const share = (one: CacheFigures): number => one.breaks.length / one.cases;
  const peers = others.filter(isEnough);
  const base = { check: "cache", ratio: null } as const;
  const values = {
    stable: own.cases,
    breaks: own.breaks.length,
    read_share: round(own.readShare),
    ...(own.breaksUsd === null ? {} : { breaks_usd: round(own.breaksUsd) }),
    ...(peers.length === 0
      ? {}
      : { pool_read_share: round(median(peers.map(({ readShare }) => readShare))) }),
  };
  if (!isEnough(own))
    return tooFew("cache", { of: "answers", count: Math.min(own.cases, cases - 1), needed: cases }, values);
  if (peers.length < THRESHOLDS.ratio.pool)
    return tooFew("cache", { of: "upstreams", count: peers.length, needed: THRESHOLDS.ratio.pool }, values);
  const usual = median(peers.map(share));
  const error = Math.sqrt((0.25 / own.sessions) * 0.5 + spreadOf(peers.map(share)) ** 2);
  const far = share(own) - usual;
  const isOdd = far > more && far > 3 * error;
  return {
    ...base,
    state: isOdd ? "differs" : "consistent",
    count: own.cases,
    needed: cases,
    of: "answers",
    confidence: !isOdd || far > 6 * error ? "high" : "moderate",
    values,
    requests: own.breaks.slice(-MOST_REQUESTS).map(({ id }) => id),
  };
}

/** What was left of an account, in US dollars: wall clock, ms, oldest first. */
export type Balances = readonly (readonly [at: number, left: number])[];

interface Stretch {
  readonly charged: number;
  readonly usd: number;
  readonly freshUsd: number;
}

/** What the balance went down by, beside what the answers cost. `own`: of all upstreams that use the account. */
export function checkCharge(own: readonly Observation[], balances: Balances): Finding {
  const { charged, idle, stretches } = cutStretches(own, balances);
  const counted: Counted = { of: "stretches", count: stretches.length, needed: charge.stretches };
  if (stretches.length < charge.stretches) return tooFew("charge", counted);
  if (idle > charge.aside * (charged + idle)) return tooFew("charge", counted, { why: "others" });
  const byCost = ratioOf(stretches, ({ usd }) => usd);
  const byFresh = ratioOf(stretches, ({ freshUsd }) => freshUsd);
  const cacheShare = 1 - sum(stretches, ({ usd }) => usd) / sum(stretches, ({ freshUsd }) => freshUsd);
  const isFresh = cacheShare > 0.1 && byFresh.spread < 0.7 * byCost.spread && byFresh.middle > 0.9;
  if ((isFresh ? byFresh : byCost).spread > charge.spread)
    return tooFew("charge", counted, { why: "uneven" });
  const { error, middle } = byCost;
  const ratio = [middle, middle - 3 * error, middle + 3 * error] as const;
  // Others that use the account at the same time add to each stretch; a multiplier grows with what was used here.
  const isOdd =
    ratio[1] > factor &&
    leastSlope(stretches, isFresh ? "freshUsd" : "usd") > LEAST_SLOPE[isFresh ? "freshUsd" : "usd"];
  return {
    check: "charge",
    state: isOdd ? "differs" : "consistent",
    ...counted,
    confidence: !isOdd || middle - 6 * error > factor ? "high" : "moderate",
    ratio,
    values: {
      charged_usd: round(sum(stretches, (one) => one.charged)),
      computed_usd: round(sum(stretches, ({ usd }) => usd)),
      ...(isOdd && isFresh ? { why: "cache" } : {}),
    },
    requests: own.slice(-MOST_REQUESTS).map(({ id }) => id),
  };
}

function cutStretches(own: readonly Observation[], balances: Balances) {
  const sorted = own.toSorted((a, b) => a.endedAt - b.endedAt);
  const stretches: Stretch[] = [];
  let [charged, idle, index, requests, usd, freshUsd, since] = [0, 0, 0, 0, 0, 0, 0];
  let isPriced = true;
  const begin = (): void => {
    [requests, usd, freshUsd, since] = [0, 0, 0, 0];
    isPriced = true;
  };
  while ((sorted[index]?.endedAt ?? Infinity) <= (balances[0]?.[0] ?? 0)) index += 1;
  for (const [at, [time, left]] of balances.entries()) {
    const before = balances[at - 1];
    if (before === undefined) continue;
    const went = before[1] - left;
    let here = 0;
    for (let one = sorted[index]; one !== undefined && one.endedAt <= time; one = sorted[index]) {
      index += 1;
      if (one.outcome === "failed" && one.read === null) continue;
      here += 1;
      if (one.usd === null || one.freshUsd === null) isPriced = false;
      usd += one.usd ?? 0;
      freshUsd += one.freshUsd ?? 0;
    }
    // More than before: a top-up or a reset, and nobody knows of how much.
    if (went < -LEAST_USD) {
      begin();
      continue;
    }
    requests += here;
    since += went;
    if (here === 0 && requests === 0) {
      idle += Math.max(0, went);
      begin();
      continue;
    }
    if (requests < charge.requests) continue;
    if (isPriced && usd > LEAST_USD) {
      stretches.push({ charged: since, usd, freshUsd });
      charged += since;
    }
    begin();
  }
  return { stretches, idle, charged };
}

const LEAST_USD = 1e-4;

/** Of all together: what is charged late in one stretch is charged in the next. */
function ratioOf(stretches: readonly Stretch[], of: (one: Stretch) => number) {
  const middle = sum(stretches, ({ charged }) => charged) / sum(stretches, of);
  const spread = spreadOf(stretches.map((one) => one.charged / of(one))) / middle;
  return { middle, spread, error: (1.5 * middle * spread) / Math.sqrt(stretches.length) };
}

const LEAST_SLOPE = { usd: 1.05, freshUsd: 0.8 } as const;

/** How much more is charged where more was used, two standard errors below the best guess (least squares). */
function leastSlope(stretches: readonly Stretch[], of: "freshUsd" | "usd"): number {
  const count = stretches.length;
  const [x, y] = [sum(stretches, (one) => one[of]) / count, sum(stretches, ({ charged }) => charged) / count];
  const square = sum(stretches, (one) => (one[of] - x) ** 2);
  const slope = sum(stretches, (one) => (one[of] - x) * (one.charged - y)) / square;
  const rest = sum(stretches, (one) => (one.charged - y - slope * (one[of] - x)) ** 2);
  return slope - 2 * Math.sqrt(rest / Math.max(1, count - 2) / square);
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}

export function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
