// Says what a failed attempt means: what to do next, whom to blame and for how long. Looks rows up, holds none.
// Pure.
import { type Text, t } from "../base/text.ts";
import { oneLine } from "../base/terminal-text.ts";
import type { StatusOverride, Upstream } from "../base/upstream.ts";
import { RULES } from "./classify-rules.ts";
import {
  AUTH_DEAD,
  NO_END,
  type Rule,
  STATED_OR_EXHAUSTED,
  STATED_OR_BACKOFF,
  type UntilTime,
} from "./rule.ts";
import { makeSignal, type Signal } from "./signal.ts";
import type { AttemptOutcome, Blame, ClassifyContext, Reason, RetryClass, Verdict } from "./types.ts";

/** A wait that is longer than this is no rate limit but a spent quota. */
const LONGEST_COOLDOWN_MS = 3_600_000;
const SHORTEST_COOLDOWN_MS = 1_000;

/** The verdict on an attempt at an upstream. `hasBoundHistory` is false unless it is said. Never throws. */
export function classifyAttempt(
  outcome: AttemptOutcome,
  upstream: Upstream,
  context: Pick<ClassifyContext, "now" | "settings"> & Partial<ClassifyContext>,
): Verdict {
  return classify(outcome, { hasBoundHistory: false, overrides: upstream.onStatus, ...context });
}

/** The verdict on one attempt. Never throws, whatever an upstream sent. */
export function classify(outcome: AttemptOutcome, context: ClassifyContext): Verdict {
  const signal = makeSignal(outcome, context);
  const rule = findOverride(signal) ?? RULES.find((row) => row.matches(signal)) ?? UNKNOWN;
  const until = rule.until.find(signal);
  const blame = weigh(rule.blame, until, context.now);
  const isCut = outcome.kind === "cut";
  return {
    rule: rule.id,
    next: isCut ? "terminal" : rule.next,
    retryClass: isCut ? "D" : rule.retryClass,
    blame,
    until: cap(until.atMs, blame, context),
    source: until.source,
    reason: describe(signal, rule),
    resetsAt: until.isStated ? until.atMs : null,
  };
}

/** What a failed attempt says of the key: what was refused for another reason had an accepted one. */
export function isKeyAccepted(outcome: AttemptOutcome, { blame }: Verdict): "yes" | "no" | "unknown" {
  if (blame === "auth-dead") return "no";
  if (blame === "exhausted" || blame === "cooldown" || blame === "model") return "yes";
  return outcome.kind === "status" && (outcome.status === 400 || outcome.status === 422) ? "yes" : "unknown";
}

/** Only for an outcome that a future version of the proxy makes and no row knows. */
const UNKNOWN: Rule = {
  id: "unknown",
  signal: "anything else",
  seen: "any",
  matches: () => true,
  next: "next",
  retryClass: "C",
  blame: "failure",
  until: NO_END,
  words: t`failed`,
};

/** A long wait is exhaustion, whatever it is called. */
function weigh(blame: Blame, until: UntilTime, now: number): Blame {
  const isLong = until.isStated && until.atMs !== null && until.atMs - now > LONGEST_COOLDOWN_MS;
  return blame === "cooldown" && isLong ? "exhausted" : blame;
}

function cap(atMs: number | null, blame: Blame, { now, settings }: ClassifyContext): number | null {
  if (atMs === null) return null;
  if (blame === "cooldown") return Math.max(atMs, now + SHORTEST_COOLDOWN_MS);
  return Math.min(atMs, now + settings.exhaustedMaxMs);
}

/** The user's own word on a status of this upstream. */
function findOverride({ outcome, context }: Signal): Rule | null {
  if (outcome.kind !== "status" || !Object.hasOwn(context.overrides, outcome.status)) return null;
  const word = context.overrides[outcome.status];
  if (word === undefined) return null;
  const { status } = outcome;
  const isAmbiguous = status === 408 || (status >= 500 && status !== 503 && status !== 529);
  return {
    ...UNKNOWN,
    id: ON_STATUS,
    ...OVERRIDES[word],
    retryClass: isAmbiguous ? ("C" satisfies RetryClass) : "B",
    blame: word === "next" && status < 500 ? "none" : OVERRIDES[word].blame,
  };
}

const ON_STATUS = "on-status";
const OVERRIDES: Readonly<Record<StatusOverride, Pick<Rule, "next" | "blame" | "until" | "words">>> = {
  next: { next: "next", blame: "failure", until: NO_END, words: t`failed` },
  terminal: { next: "terminal", blame: "none", until: NO_END, words: t`refused the request` },
  exhausted: { next: "next", blame: "exhausted", until: STATED_OR_EXHAUSTED, words: t`quota exhausted` },
  "auth-dead": { next: "next", blame: "auth-dead", until: AUTH_DEAD, words: t`refused the credential` },
  cooldown: { next: "next", blame: "cooldown", until: STATED_OR_BACKOFF, words: t`rate limited` },
};

/** What a rule may say; nothing for one that this version does not know. */
export function wordsOfRule(id: string): readonly Text[] {
  if (id === ON_STATUS) return Object.values(OVERRIDES).map(({ words }) => words);
  return [...RULES, UNKNOWN].filter((rule) => rule.id === id).map(({ words }) => words);
}

/** "429 usage limit reached (usage_limit_reached)". Only codes of the upstream are repeated: its words may hold a key. */
function describe({ outcome, facts }: Signal, rule: Rule): Reason {
  if (outcome.kind === "not-tried")
    return typeof outcome.why === "string" ? oneLine(outcome.why) : outcome.why;
  if (outcome.kind === "transport") return t`${rule.words} (${outcome.code})`;
  const code = facts.codes.find((candidate) => CODE.test(candidate) && !PLAIN.has(candidate));
  const words = code === undefined ? rule.words : t`${rule.words} (${code})`;
  return outcome.kind === "status" ? t`${outcome.status} ${words}` : words;
}

/** Short words without a digit: a relay that repeats a key in the place of a code does not get it through. */
const CODE = /^(?=.{3,60}$)[a-z]{1,20}(?:[_.-][a-z]{1,20})*$/;
/** Codes that say nothing. */
const PLAIN = new Set(["error", "failed", "response.failed"]);
