// The shape of a classifier's row, and the ways in which a row says how long an upstream is to be left alone.
// Pure.
import { type Text, inEnglish, t } from "../base/text.ts";
import { anthropicReset, codexReset, findResetTime, accept, type ResetHint } from "./reset-time.ts";
import type { Signal } from "./signal.ts";
import type { Blame, Reason, RetryClass, Verdict } from "./types.ts";

export interface Rule {
  readonly id: string;
  /** What is seen, in words, for the documentation. */
  readonly signal: string;
  /** Who sends it. */
  readonly seen: string;
  readonly matches: (signal: Signal) => boolean;
  readonly next: Verdict["next"];
  readonly retryClass: RetryClass;
  readonly blame: Blame;
  readonly until: Until;
  /** Is it evidence on the address, which all keys of it share? Default: it is not. */
  readonly isOfAddress?: (signal: Signal) => boolean;
  /** What went wrong, in English; the status is put before it, the code after it. */
  readonly words: string;
}

/** How long the blame lasts. */
export interface Until {
  /** For the documentation. */
  readonly words: string;
  readonly find: (signal: Signal) => UntilTime;
}

export interface UntilTime {
  /** Wall clock, ms; null where the upstream's own history decides. */
  readonly atMs: number | null;
  readonly source: Reason;
  /** The upstream itself named the time. */
  readonly isStated: boolean;
}

const OWN_HISTORY: UntilTime = { atMs: null, source: { rule: "default-backoff" }, isStated: false };

/** The breaker's own times apply, or nothing is blamed. */
export const NO_END: Until = { words: "-", find: () => ({ ...OWN_HISTORY, source: { rule: "default" } }) };

/** What the upstream says, else growing pauses. */
export const STATED_OR_BACKOFF: Until = {
  words: "the stated time, else 10 s, doubling to 120 s",
  find: (signal) => stated(signal) ?? OWN_HISTORY,
};

/** What the upstream says, else `exhausted_secs`. */
export const STATED_OR_EXHAUSTED: Until = {
  words: "the stated reset, else `exhausted_secs`",
  find: (signal) => stated(signal) ?? inMs(signal.context, signal.context.settings.exhaustedMs),
};

/** The spent window of a ChatGPT account, where the body names no time. */
export const CODEX_WINDOW: Until = {
  words: "the stated reset, else that of the spent `x-codex-*` window, else `exhausted_secs`",
  find: (signal) => {
    const { headers, context } = signal;
    // The generic order would believe a Retry-After that a relay made up; the account's windows know better.
    const inBody = stated({ ...signal, headers: new Headers() });
    return (
      inBody ??
      fromHint(accept(codexReset(headers, context.now), context.now)) ??
      STATED_OR_EXHAUSTED.find(signal)
    );
  },
};

/** The longest rejected window of an Anthropic subscription: Retry-After may speak of a shorter one. */
export const ANTHROPIC_WINDOW: Until = {
  words: "the latest reset of the rejected windows, else the stated time, else `exhausted_secs`",
  find: (signal) => {
    const { headers, context } = signal;
    return (
      fromHint(accept(anthropicReset(headers, context.now), context.now)) ?? STATED_OR_EXHAUSTED.find(signal)
    );
  },
};

/** A refused credential is tried again after `auth_dead_secs`. */
export const AUTH_DEAD: Until = {
  words: "`auth_dead_secs`, or until the key changes",
  find: ({ context }) => inMs(context, context.settings.authDeadMs),
};

/** What the upstream says, else a fixed time. */
export function statedOr(defaultMs: number): Until {
  return {
    words: `the stated time, else ${inEnglish(inWords(defaultMs))}`,
    find: (signal) => stated(signal) ?? inMs(signal.context, defaultMs),
  };
}

export function fixed(ms: number): Until {
  return { words: inEnglish(inWords(ms)), find: ({ context }) => inMs(context, ms) };
}

function stated({ headers, facts, context }: Signal): UntilTime | null {
  const json = facts.inner.length === 0 ? facts.json : [facts.json, ...facts.inner];
  return fromHint(findResetTime({ headers, json, message: facts.message, now: context.now }));
}

function fromHint(hint: ResetHint | null): UntilTime | null {
  return hint === null ? null : { ...hint, isStated: true };
}

function inMs({ now }: Signal["context"], ms: number): UntilTime {
  return { atMs: now + ms, source: { rule: "default-time", time: inWords(ms) }, isStated: false };
}

/** "90 s", "15 min", "24 h". */
function inWords(ms: number): Text {
  if (ms >= 7_200_000 && ms % 3_600_000 === 0) return t`${ms / 3_600_000} h`;
  return ms >= 120_000 && ms % 60_000 === 0 ? t`${ms / 60_000} min` : t`${Math.round(ms / 1_000)} s`;
}
