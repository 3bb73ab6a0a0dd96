// The user's own rules for what an upstream answers, which come before the classifier's: `on_error` by words, `on_status` by
// status alone. Reading is linear: words are looked for in order, without patterns.
// Pure.
import type { ErrorRule, OwnVerdict } from "../base/upstream.ts";
import { findResetMs, parseWhenMs } from "./durations.ts";
import {
  AUTH_DEAD,
  NO_END,
  type Rule,
  STATED_OR_BACKOFF,
  STATED_OR_EXHAUSTED,
  type Until,
  statedOr,
} from "./rule.ts";
import type { Signal } from "./signal.ts";
import type { AttemptOutcome } from "./types.ts";

export interface OwnRule extends Pick<Rule, "blame" | "id" | "next" | "retryClass" | "until"> {
  /** Id of the reason. */
  readonly reason: string;
}

const VERDICTS: Readonly<Record<OwnVerdict, Pick<Rule, "next" | "blame" | "until">>> = {
  next: { next: "next", blame: "failure", until: NO_END },
  terminal: { next: "terminal", blame: "none", until: NO_END },
  exhausted: { next: "next", blame: "exhausted", until: STATED_OR_EXHAUSTED },
  "auth-dead": { next: "next", blame: "auth-dead", until: AUTH_DEAD },
  cooldown: { next: "next", blame: "cooldown", until: STATED_OR_BACKOFF },
  model: { next: "next", blame: "model", until: statedOr(600_000) },
};
/** How much of a body is looked at. */
const MAX_SAID = 4_000;

export function findOwnRule(signal: Signal): OwnRule | undefined {
  const { outcome, context } = signal;
  const byWords = context.onError.length === 0 ? undefined : findByWords(signal);
  if (byWords !== undefined) {
    const { until, verdict } = byWords;
    const isEnding = verdict === "next" || verdict === "terminal";
    const rule = makeRule("on-error", verdict, signal.status);
    return {
      ...rule,
      retryClass: isEnding && mayHaveWorked(outcome) ? "C" : "B",
      until: until === null || isEnding ? rule.until : untilOf(until, rule.until),
    };
  }
  if (outcome.kind !== "status" || !Object.hasOwn(context.overrides, outcome.status)) return undefined;
  const override = context.overrides[outcome.status];
  return override === undefined ? undefined : makeRule("on-status", override, outcome.status);
}

function makeRule(id: string, verdict: OwnVerdict, status: number | null): OwnRule {
  const rule = VERDICTS[verdict];
  return {
    id,
    ...rule,
    reason: `on-status-${verdict}`,
    retryClass: status !== null && isAmbiguous(status) ? "C" : "B",
    blame: verdict === "next" && status !== null && status < 500 ? "none" : rule.blame,
  };
}

function isAmbiguous(status: number): boolean {
  return status === 408 || (status >= 500 && status !== 503 && status !== 529);
}

function mayHaveWorked(outcome: AttemptOutcome): boolean {
  if (outcome.kind === "status") return isAmbiguous(outcome.status);
  return outcome.kind !== "bad-content" || !["error-event", "json-error"].includes(outcome.reason);
}

function findByWords({ outcome, context, facts, isPage, status }: Signal): ErrorRule | undefined {
  if (outcome.kind !== "status" && outcome.kind !== "bad-content" && outcome.kind !== "cut") return undefined;
  if (outcome.kind !== "status" && outcome.body === "") return undefined;
  const words = isPage ? outcome.body.slice(0, MAX_SAID).toLowerCase() : facts.message;
  const said = [words, ...facts.codes].join("\n");
  const statuses = [status, outcome.kind === "cut" ? null : outcome.status];
  return context.onError.find(
    (rule) => (rule.status === null || statuses.includes(rule.status)) && saysInOrder(said, rule.parts),
  );
}

function saysInOrder(said: string, parts: readonly string[]): boolean {
  let from = 0;
  for (const part of parts) {
    const index = said.indexOf(part, from);
    if (index < 0) return false;
    from = index + part.length;
  }
  return true;
}

/** The user's word counts as the upstream's own. */
function untilOf(text: string, otherwise: Until): Until {
  return {
    words: "`until`",
    find: (signal) => {
      const { now } = signal.context;
      const atMs = parseWhenMs(text, now) ?? findResetMs(`resets at ${text.toLowerCase()}`, now);
      return atMs === null ? otherwise.find(signal) : { atMs, source: { rule: "own-until" }, isStated: true };
    },
  };
}
