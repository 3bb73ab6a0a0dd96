// The answer when no upstream gave one: the status, times and words that make this client wait, stop or ask again.
// Decides from verdicts and from how the upstreams are now; the proxy gives it its shape.
// Pure.
import { CLIENT_NAME, SERVICE_FACTS, type Service } from "../base/service.ts";
import type { Upstream } from "../base/upstream.ts";
import { hasEnd, inState } from "./availability-words.ts";
import { fixOf, isOwnersRule, needsPerson, tellProbe } from "./fixes.ts";
import { type LimitEnd, namedEndOf } from "./outlook.ts";
import type { Assessment, Availability, Blame, Candidate, Reason, Verdict } from "./types.ts";

export interface FinalInput extends Round {
  readonly service: Service;
  /** The client of the service itself asks, not another program that speaks its API. */
  readonly isOwnClient: boolean;
  /** It was no turn: what an upstream said of it is more to the point than our words. */
  readonly isNeutral: boolean;
  /** Wall clock, ms. */
  readonly now: number;
  /** The models that were asked for before the last one, where there is a chain of them. */
  readonly earlier?: readonly Round[];
}

/** What came of a request for one model. */
interface Round {
  /** In order. A verdict of null is no failure and is passed over. */
  readonly tried: readonly { readonly upstream: Upstream; readonly verdict: Verdict | null }[];
  /** Every upstream that could be asked, as it is now: what was tried has changed it. */
  readonly candidates: readonly Candidate[];
  /** Keys of those that were kept from it by the retry budget. */
  readonly unbudgeted?: ReadonlySet<string>;
  /** By key, why there was no room in the owner's budgets for one answer more. */
  readonly noRoom?: ReadonlyMap<string, Reason>;
  /** Where it is one of several. */
  readonly model?: string | null;
  /** Those that had no place for it, by their keys. */
  readonly full?: ReadonlyMap<string, FullFacts>;
}

/** Nobody was sent there: all its places were in use. */
export interface FullFacts {
  /** Of the rule `NO_PLACE`. */
  readonly reason: Reason;
  /** When to ask again, wall clock in ms. */
  readonly at: number;
}
export const NO_PLACE = "lane-full";

export interface FinalAnswer {
  /** `last-answer`: what the last upstream said is the best there is; the rest stands in if it is not at hand. */
  readonly kind: "own" | "last-answer";
  readonly status: number;
  /** What was tried and what came of it. */
  readonly reason: Reason;
  /** The `type` of the client's error shape, where the status does not say it. */
  readonly type?: string;
  readonly retryAfterSecs?: number;
  /** Epoch seconds, for `usage_limit_reached`. */
  readonly resetsAtSecs?: number;
  /** Asking again does not help. */
  readonly isFinal?: boolean;
  /** Nothing but limits was in its way: the first end of one that somebody named, null for none. Absent: something else was. */
  readonly limitEnd?: LimitEnd | null;
  readonly isOutage?: true;
}

/** Why one upstream did not answer, as far as it matters for the client. */
type Cause =
  /** Down, or in doubt: asking again in a few seconds is right. */
  | "down"
  /** Rate limited: asking again later is right. */
  | "limited"
  | "exhausted"
  /** Only a person can mend it. */
  | "broken"
  | "no-model"
  /** It said no to this request. */
  | "refused";

interface Account {
  readonly upstream: Upstream;
  readonly cause: Cause;
  readonly reason: Reason;
  /** When it can be asked again, or, for a spent quota, when that ends; wall clock in ms. Null: at once. */
  readonly at: number | null;
  /** The upstream named the time; else it is how long we leave it alone. */
  readonly isStated: boolean;
  readonly verdict: Verdict | null;
  /** How it is now; null where that is not known. */
  readonly view: Assessment | null;
  /** Where it was asked for several. */
  readonly model?: string | null | undefined;
}

/**
 * Codex sleeps through a Retry-After of any length without a word; beyond this it is told the limit instead. Claude Code ends
 * its turn by itself at a longer one (60 s are waited for, 90 are not).
 */
const LONGEST_SLEEP_SECS = 60;
const LONGEST_OUTAGE_SECS = 10;
/** A state that ends sooner is no news: a message that is repeated stays the same. */
const TOLD_MS = 120_000;

/**
 * Chosen by what the real clients were seen to do with each status: docs/failover.md. What is told of a time comes from how the
 * upstreams are now, and not from the attempt: the same state gives the same answer, whether an upstream was asked or not.
 */
export function makeFinalAnswer(input: FinalInput): FinalAnswer {
  const { earlier = [] } = input;
  const tried = [...earlier, input].flatMap((round) => round.tried);
  const accounts = [...earlier, input].flatMap(listAccounts);
  const reason = tell(accounts, input);
  const causes = new Set(accounts.map((account) => account.cause));
  const all = (...some: Cause[]): boolean =>
    causes.size > 0 && [...causes].every((cause) => some.includes(cause));

  // What was refused may be the request's own fault: that is worth no wait but for one that is short.
  // What was refused to a model that stands in for another is none of the other's.
  const isRefused = earlier.length === 0 && tried.some(({ verdict }) => verdict?.next === "elsewhere");
  if (isRefused && !accounts.some((account) => isSoon(account, input.now)))
    return { kind: "last-answer", status: 502, reason };
  if (all("refused")) return { kind: "last-answer", status: 502, reason };
  if (all("no-model", "refused"))
    return { kind: "last-answer", status: SERVICE_FACTS[input.service].noAnswer.noModel, reason };
  if (all("broken", "no-model", "refused")) return broken(input.service, accounts, reason);
  const answer = causes.has("down") || causes.size === 0 ? down : causes.has("limited") ? limited : exhausted;
  const later = answer(input, accounts, reason);
  if (input.isNeutral) return { ...later, kind: "last-answer" };
  if (answer === down) return { ...later, isOutage: true };
  // A place comes free long before a limit is reset.
  const isForPlace = accounts.some((account) => account.reason.rule === NO_PLACE);
  return isRefused || isForPlace ? later : { ...later, limitEnd: firstNamedEnd(accounts, input.now) };
}

function listAccounts({ candidates, full, model, noRoom, tried, unbudgeted }: Round): readonly Account[] {
  const asked = new Set(tried.map(({ upstream }) => upstream.key));
  return [
    ...tried.flatMap(({ upstream, verdict }): Account[] => {
      if (verdict === null) return [];
      const candidate = candidates.find((one) => one.upstream.key === upstream.key);
      return [{ ...fromVerdict(verdict, { upstream, candidate }), model }];
    }),
    ...candidates.flatMap((candidate): Account[] => {
      if (asked.has(candidate.upstream.key)) return [];
      const account = { ...fromCandidate(candidate), model };
      const held = candidate.view.isBarred === true ? undefined : noRoom?.get(candidate.upstream.key);
      if (held !== undefined)
        return [{ ...account, cause: CAUSE_OF_RULE.get(held.rule) ?? "limited", reason: held, at: null }];
      const place = candidate.until === null ? full?.get(candidate.upstream.key) : undefined;
      if (place !== undefined) return [{ ...account, ...place, cause: "limited" }];
      if (unbudgeted?.has(candidate.upstream.key) !== true) return [account];
      return [{ ...account, cause: "down", reason: { rule: "retry-budget" } }];
    }),
  ];
}

/**
 * Has nothing but capacity and quota kept a request from its model? Upstreams that do not offer the model, that had no place for any,
 * or whose key is refused, say nothing for it and nothing against it.
 */
export function hasMetLimitsOnly(round: Round): boolean {
  if (round.tried.some(({ verdict }) => verdict?.next === "elsewhere")) return false;
  if (round.candidates.some(({ view }) => view.endsLine === true)) return false;
  const isLimit = ({ cause, reason }: Account): boolean =>
    (cause === "limited" && reason.rule !== NO_PLACE) || cause === "exhausted" || isOverload(reason);
  const accounts = listAccounts(round);
  return (
    accounts.some(isLimit) &&
    accounts.every(
      (account) =>
        isLimit(account) ||
        account.reason.rule === NO_PLACE ||
        account.cause === "broken" ||
        account.cause === "no-model",
    )
  );
}

/** Too many want this model. A 503 alone may be an outage. */
function isOverload({ code, rule, status }: Reason): boolean {
  return rule === "overloaded" && (status === 529 || code?.includes("overload") === true);
}

function firstNamedEnd(accounts: readonly Account[], now: number): LimitEnd | null {
  const ends = accounts.flatMap(({ cause, upstream, view }): LimitEnd[] => {
    const at = view === null || (cause !== "limited" && cause !== "exhausted") ? null : namedEndOf(view);
    return at === null || at <= now ? [] : [{ upstream, at }];
  });
  return ends.toSorted((one, other) => one.at - other.at)[0] ?? null;
}

/** It failed just now, or takes requests again within a minute: it may say whether the request is at fault. */
function isSoon({ at, cause, verdict }: Account, now: number): boolean {
  if (cause === "down") return verdict !== null;
  return cause === "limited" && at !== null && at - now <= LONGEST_SLEEP_SECS * 1_000;
}

/** 503 with a short Retry-After: both clients come back after it. */
function down({ now }: FinalInput, accounts: readonly Account[], reason: Reason): FinalAnswer {
  const secs = secsUntil(now, together(now, accounts, ["down", "limited"]));
  return { kind: "own", status: 503, reason, retryAfterSecs: Math.min(LONGEST_OUTAGE_SECS, secs) };
}

/** The earliest time. Without a Retry-After Codex would give the turn up at once. */
function limited(
  { isOwnClient, now, service }: FinalInput,
  accounts: readonly Account[],
  reason: Reason,
): FinalAnswer {
  const { knowsUsageLimit, limited: ownStatus } = SERVICE_FACTS[service].noAnswer;
  const at = (isOwnClient ? together : earliest)(now, accounts, ["limited", "exhausted"]);
  const secs = secsUntil(now, at);
  if (knowsUsageLimit && secs > LONGEST_SLEEP_SECS) return usageLimit(at, reason);
  const status = isOwnClient ? ownStatus : 429;
  return { kind: "own", status, reason, type: "rate_limit_error", retryAfterSecs: secs };
}

/** One account: its own words. A pool: the limit with the earliest reset. Both end the turn with the truth. */
function exhausted({ now, service }: FinalInput, accounts: readonly Account[], reason: Reason): FinalAnswer {
  const at = earliest(now, accounts, ["exhausted"]);
  const [only] = accounts;
  const { knowsUsageLimit, stopsAt } = SERVICE_FACTS[service].noAnswer;
  const kind = accounts.length === 1 && stopsAt.includes(only?.verdict?.rule ?? "") ? "last-answer" : "own";
  if (knowsUsageLimit) return { ...usageLimit(at, reason), kind };
  const secs = secsUntil(now, at);
  const isFinal = secs > LONGEST_SLEEP_SECS;
  return { kind, status: 429, reason, type: "rate_limit_error", retryAfterSecs: secs, isFinal };
}

/** What Codex shows as "You've hit your usage limit ... try again at". It does not ask again. */
function usageLimit(at: number, reason: Reason): FinalAnswer {
  return {
    kind: "own",
    status: 429,
    reason,
    type: "usage_limit_reached",
    isFinal: true,
    ...(Number.isFinite(at) ? { resetsAtSecs: Math.ceil(at / 1_000) } : {}),
  };
}

/** One try. The client's own login must see its 401 to renew itself. */
function broken(service: Service, accounts: readonly Account[], reason: Reason): FinalAnswer {
  const isOwnLogin = accounts.every(
    ({ cause, upstream }) => cause !== "broken" || upstream.credential.kind === "client",
  );
  if (isOwnLogin) return { kind: "last-answer", status: 401, reason, type: "authentication_error" };
  return { kind: "own", reason, isFinal: true, ...SERVICE_FACTS[service].noAnswer.refused };
}

const CAUSE_OF_BLAME: Readonly<Record<Blame, Cause>> = {
  none: "refused",
  failure: "down",
  "never-sent": "down",
  proxy: "down",
  way: "down",
  "first-byte": "down",
  tls: "broken",
  cooldown: "limited",
  exhausted: "exhausted",
  "auth-dead": "broken",
  model: "limited",
};

const CAUSE_OF_AVAILABILITY: Readonly<Record<Availability, Cause>> = {
  ok: "down",
  low: "down",
  probing: "down",
  open: "down",
  cooling: "limited",
  exhausted: "exhausted",
  "auth-dead": "broken",
  "model-unknown": "no-model",
  walled: "broken",
  full: "limited",
};

const CAUSE_OF_RULE: ReadonlyMap<string, Cause> = new Map<string, Cause>([
  ["concurrency", "limited"],
  ["model-unknown", "no-model"],
  ["not-tried", "broken"],
  ["certificate", "broken"],
  ["local-shortage", "down"],
  // It may be a rate limit all the same: asking again is right.
  ["maybe-spent", "limited"],
  ["unpriced", "broken"],
  ["budget-unknown", "broken"],
]);

function fromVerdict(
  verdict: Verdict,
  { candidate, upstream }: { readonly candidate: Candidate | undefined; readonly upstream: Upstream },
): Account {
  const { reason, resetsAt, rule, until } = verdict;
  const cause = CAUSE_OF_RULE.get(rule) ?? CAUSE_OF_BLAME[verdict.blame];
  // What is no turn leaves no trace at the upstream: then the attempt alone knows of a time.
  const kept = candidate === undefined ? null : timeOf(candidate, cause);
  const isStated = kept === null || candidate === undefined ? resetsAt !== null : isStatedIn(candidate);
  return {
    upstream,
    cause,
    reason,
    at: kept ?? resetsAt ?? until,
    isStated,
    verdict,
    view: candidate?.view ?? null,
  };
}

function fromCandidate(candidate: Candidate): Account {
  const { reason, availability, upstream, view } = candidate;
  const cause = CAUSE_OF_RULE.get(reason.rule) ?? CAUSE_OF_AVAILABILITY[availability];
  const at = timeOf(candidate, cause);
  return { upstream, cause, reason, at, isStated: isStatedIn(candidate), verdict: null, view };
}

/** A stated end of a rate limit is kept to the moment; all else is looked at again before it. */
function isStatedIn({ availability, view: { askAt, until } }: Candidate): boolean {
  return availability === "exhausted" || (availability === "cooling" && askAt !== null && askAt === until);
}

function timeOf({ view: { askAt, until } }: Candidate, cause: Cause): number | null {
  return cause === "exhausted" ? (until ?? askAt) : askAt;
}

/**
 * When the next try should come. The clients' tries are counted, and few: one that comes within seconds of the others' times would
 * be spent on a part of the upstreams. What can be asked at once, or has named its time, is not waited with.
 */
function together(now: number, accounts: readonly Account[], causes: readonly Cause[]): number {
  const stated = earliest(
    now,
    accounts.filter(({ isStated }) => isStated),
    causes,
  );
  const guessed = timesOf(
    now,
    accounts.filter(({ isStated }) => !isStated),
    causes,
  );
  const first = Math.min(...guessed);
  const soon = now + LONGEST_OUTAGE_SECS * 1_000;
  const isSoon = first > now && first < soon;
  return Math.min(stated, isSoon ? Math.min(soon, Math.max(...guessed)) : first);
}

function earliest(now: number, accounts: readonly Account[], causes: readonly Cause[]): number {
  return Math.min(...timesOf(now, accounts, causes));
}

function timesOf(now: number, accounts: readonly Account[], causes: readonly Cause[]): readonly number[] {
  return accounts.flatMap(({ at, cause }) => (causes.includes(cause) ? [at ?? now] : []));
}

/** At least 1. */
function secsUntil(now: number, at: number): number {
  return Number.isFinite(at) ? Math.max(1, Math.ceil((at - now) / 1_000)) : 1;
}

/**
 * "No upstream could answer Codex. main#1: 429 usage limit reached, spent until 10:44 (said by the upstream). main#2: not tried,
 * 401 refused the credential (fix: ch config set main#2 --auth-token-stdin)."
 */
function tell(accounts: readonly Account[], { now, service }: FinalInput): Reason {
  const stories = accounts.map(({ cause, model, reason, upstream, verdict, view }): Reason => {
    const isLasting = view !== null && hasEnd(view) && (view.until ?? now) - now > TOLD_MS;
    const known = isLasting ? inState(reason, view, now) : reason;
    return {
      rule: verdict === null || verdict.rule === "not-tried" ? "story-not-asked" : "story",
      label: model == null ? upstream.label : `${upstream.label} (${model})`,
      cause: withAdvice(known, { cause, reason, upstream }),
      ...(view === null ? {} : { standing: view.availability }),
    };
  });
  stories.push(...tellProbe(accounts, service));
  const client = CLIENT_NAME[service];
  return stories.length === 0 ? { rule: "no-upstream", client } : { rule: "no-answer", client, stories };
}

/** What to do about it. */
const ADVICE_OF_RULE: Readonly<Record<string, string>> = {
  "maybe-spent": "allow-others",
  "forbidden-spent": "allow-others",
};
const ADVICE: Readonly<Partial<Record<Cause, string>>> = { "no-model": "map-model" };

function withAdvice(
  known: Reason,
  { cause, reason, upstream }: Pick<Account, "cause" | "reason" | "upstream">,
) {
  const advice = ADVICE_OF_RULE[reason.rule] ?? ADVICE[cause];
  if (advice !== undefined) return { rule: advice, cause: known };
  if (cause !== "broken" && !needsPerson(reason) && !isOwnersRule(reason)) return known;
  const { credential } = upstream;
  // That says itself what to type.
  if (credential.kind === "unusable" && credential.needs !== undefined) return known;
  const fix =
    reason.rule === "not-tried" ? null : fixOf(reason, { ...upstream, credential: credential.kind });
  return fix === null ? { rule: "see-doctor", cause: known } : { rule: "to-fix", cause: known, fix };
}
