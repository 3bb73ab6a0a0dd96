// The answer when no upstream gave one: the status, times and words that make this client wait, stop or ask again.
// Decides from verdicts and standings alone; the proxy gives it its shape.
// Pure.
import { CLIENT_NAME, SERVICE_FACTS, type Service } from "../base/service.ts";
import type { Upstream } from "../base/upstream.ts";
import type { Blame, Candidate, Reason, Availability, Verdict } from "./types.ts";

export interface FinalInput {
  readonly service: Service;
  /** Wall clock, ms. */
  readonly now: number;
  /** In order. A verdict of null is no failure and is passed over. */
  readonly tried: readonly { readonly upstream: Upstream; readonly verdict: Verdict | null }[];
  /** Candidates that were not asked. */
  readonly blocked: readonly Candidate[];
}

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
  /** When it may be well again, wall clock in ms. */
  readonly at: number | null;
  readonly verdict: Verdict | null;
}

/** Codex sleeps through a Retry-After of any length without a word; beyond this it is told the limit instead. */
const LONGEST_SLEEP_SECS = 60;
const LONGEST_OUTAGE_SECS = 10;

/** Chosen by what Codex 0.169 and Claude Code 2.1 were seen to do with each status. */
export function makeFinalAnswer(input: FinalInput): FinalAnswer {
  const accounts = [
    ...input.tried.flatMap(({ upstream, verdict }) =>
      verdict === null ? [] : [fromVerdict(upstream, verdict)],
    ),
    ...input.blocked.map(fromCandidate),
  ];
  const reason = tell(accounts, input.service);
  const causes = new Set(accounts.map((account) => account.cause));
  const all = (...some: Cause[]): boolean =>
    causes.size > 0 && [...causes].every((cause) => some.includes(cause));

  if (all("refused")) return { kind: "last-answer", status: 502, reason };
  if (all("no-model", "refused"))
    return { kind: "last-answer", status: SERVICE_FACTS[input.service].noAnswer.noModel, reason };
  if (all("broken", "no-model", "refused")) return broken(input.service, accounts, reason);
  if (causes.has("down") || causes.size === 0) return down(input.now, accounts, reason);
  if (causes.has("limited")) return limited(input, accounts, reason);
  return exhausted(input, accounts, reason);
}

/** 503 with a short Retry-After: both clients come back after it. */
function down(now: number, accounts: readonly Account[], reason: Reason): FinalAnswer {
  const secs = secsUntil(now, earliest(accounts, ["down", "limited"]));
  return { kind: "own", status: 503, reason, retryAfterSecs: Math.min(LONGEST_OUTAGE_SECS, secs) };
}

/** 429 with the earliest time. Without a Retry-After Codex would give the turn up at once. */
function limited({ now, service }: FinalInput, accounts: readonly Account[], reason: Reason): FinalAnswer {
  const at = earliest(accounts, ["limited", "exhausted"]);
  const secs = secsUntil(now, at);
  if (SERVICE_FACTS[service].noAnswer.knowsUsageLimit && secs > LONGEST_SLEEP_SECS && at !== null)
    return usageLimit(at, reason);
  return { kind: "own", status: 429, reason, type: "rate_limit_error", retryAfterSecs: secs };
}

/** One account: its own words. A pool: the limit with the earliest reset. Both end the turn with the truth. */
function exhausted(
  { blocked, now, service }: FinalInput,
  accounts: readonly Account[],
  reason: Reason,
): FinalAnswer {
  const at = earliest(accounts, ["exhausted"]);
  const [only] = accounts;
  const isOnly = accounts.length === 1 && blocked.length === 0;
  const { knowsUsageLimit, stopsAt } = SERVICE_FACTS[service].noAnswer;
  const kind = isOnly && stopsAt.includes(only?.verdict?.rule ?? "") ? "last-answer" : "own";
  if (knowsUsageLimit) return { ...usageLimit(at, reason), kind };
  return { kind, status: 429, reason, type: "rate_limit_error", retryAfterSecs: secsUntil(now, at) };
}

/** What Codex shows as "You've hit your usage limit ... try again at". It does not ask again. */
function usageLimit(at: number | null, reason: Reason): FinalAnswer {
  return {
    kind: "own",
    status: 429,
    reason,
    type: "usage_limit_reached",
    ...(at === null ? {} : { resetsAtSecs: Math.ceil(at / 1_000) }),
  };
}

/** One try. The client's own login must see its 401 to renew itself. */
function broken(service: Service, accounts: readonly Account[], reason: Reason): FinalAnswer {
  const isOwnLogin = accounts.every(
    ({ cause, upstream }) => cause !== "broken" || upstream.credential.kind === "client",
  );
  if (isOwnLogin) return { kind: "last-answer", status: 401, reason, type: "authentication_error" };
  return { kind: "own", reason, ...SERVICE_FACTS[service].noAnswer.refused };
}

const CAUSE_OF_BLAME: Readonly<Record<Blame, Cause>> = {
  none: "refused",
  failure: "down",
  "never-sent": "down",
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
};

const CAUSE_OF_RULE: ReadonlyMap<string, Cause> = new Map([
  ["model-unknown", "no-model"],
  ["not-tried", "broken"],
]);

function fromVerdict(upstream: Upstream, verdict: Verdict): Account {
  const cause = CAUSE_OF_RULE.get(verdict.rule) ?? CAUSE_OF_BLAME[verdict.blame];
  return { upstream, cause, reason: verdict.reason, at: verdict.resetsAt ?? verdict.until, verdict };
}

function fromCandidate({ reason, availability, until, upstream }: Candidate): Account {
  return { upstream, cause: CAUSE_OF_AVAILABILITY[availability], reason, at: until, verdict: null };
}

function earliest(accounts: readonly Account[], causes: readonly Cause[]): number | null {
  const times = accounts.flatMap(({ at, cause }) => (causes.includes(cause) && at !== null ? [at] : []));
  return times.length === 0 ? null : Math.min(...times);
}

/** At least 1. */
function secsUntil(now: number, at: number | null): number {
  return at === null ? 1 : Math.max(1, Math.ceil((at - now) / 1_000));
}

/** "No upstream could answer Codex. main#1: 429 usage limit reached. main#2: not tried, 401 refused the credential." */
function tell(accounts: readonly Account[], service: Service): Reason {
  const stories = accounts.map(({ cause, reason, upstream, verdict }): Reason => {
    const advice = ADVICE[cause];
    return {
      rule: verdict === null ? "story-not-asked" : "story",
      label: upstream.label,
      cause: advice === undefined ? reason : { rule: advice, cause: reason },
    };
  });
  const client = CLIENT_NAME[service];
  return stories.length === 0 ? { rule: "no-upstream", client } : { rule: "no-answer", client, stories };
}

/** What to do about it. */
const ADVICE: Readonly<Partial<Record<Cause, string>>> = { broken: "see-doctor", "no-model": "map-model" };
