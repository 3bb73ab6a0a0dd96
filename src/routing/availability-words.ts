// How an upstream is, in words: its state, until when, and who says so. Every screen, page and answer takes them from here.
// Pure.
import { type Text, joinTexts, showMoment, showSpan, t } from "../base/text.ts";
import { describe, isReason } from "./reasons.ts";
import type { Availability, LaneFacts, Reason } from "./types.ts";

export interface State {
  /** An availability; those of other versions are shown as they are. */
  readonly availability: string;
  /** Wall clock, ms. */
  readonly until: number | null;
  readonly source: Reason | null;
  /** The user disabled it. */
  readonly isOff?: boolean;
  /** Nothing can be sent to it until the user fixes it. */
  readonly isUnusable?: boolean;
}

const STATES: Readonly<Record<Availability | "off" | "unusable", Text>> = {
  off: t`off`,
  unusable: t`cannot be used`,
  ok: t`ready`,
  low: t`low on quota`,
  probing: t`probing`,
  cooling: t`cooling`,
  "model-unknown": t`model not available`,
  open: t`down`,
  exhausted: t`spent`,
  "auth-dead": t`key refused`,
  walled: t`behind a wall`,
  full: t`no free place`,
};
/** These end when a request shows it, at no known time. */
const WITHOUT_END: ReadonlySet<string> = new Set(["ok", "low", "probing"] satisfies Availability[]);

const SAID: ReadonlySet<string> = new Set(["header", "body-field", "message-text"]);

/** Is its end a time? A probe may end it sooner than the upstream said, and for a time of ours alone it always does. */
export function hasEnd({ availability, source }: Pick<State, "availability" | "source">): boolean {
  return !WITHOUT_END.has(availability) || (availability === "probing" && isSaid(source));
}

/** Did the upstream itself name the time? The words of other sources say enough. */
export function isSaid(source: unknown): boolean {
  return isReason(source) && SAID.has(source.rule);
}

/** "spent until 10:44 (said by the upstream)", "cooling for another 20 s (default 30 s)", "ready". `now`: wall clock, ms. */
export function describeAvailability(state: State, now: number): Text {
  const { availability, isOff, isUnusable, source, until } = state;
  if (isOff === true) return STATES.off;
  if (isUnusable === true) return STATES.unusable;
  if (!hasEnd(state)) return describeState({ availability, until: null }, now);
  const words = describeState({ availability, until }, now);
  if (source === null) return words;
  const from = isSaid(source) ? t`said by the upstream` : describe(source);
  return t`${words} (${from})`;
}

/** A failure of an upstream that is in that state for a while. `brief`: for where there is little room. */
export function inState(cause: Reason, state: State, now: number): Reason {
  const brief = describeState(state, now);
  return { rule: "in-state", cause, state: describeAvailability(state, now), brief };
}

/** The same without who says so. A time of day says nothing about the next minute. */
export function describeState(
  { availability, until }: Pick<State, "availability" | "until">,
  now: number,
): Text {
  const words = isKnown(availability) ? STATES[availability] : joinTexts([availability], "");
  if (until === null || until <= now) return words;
  const left = until - now;
  if (availability === "probing") return t`${words}, else until ${showMoment(until, now)}`;
  return left < 100_000
    ? t`${words} for another ${showSpan(left)}`
    : t`${words} until ${showMoment(until, now)}`;
}

/** "2 of 2 in use, 3 waiting". */
export function describePlaces({
  inUse,
  limit,
  waiting,
}: Pick<LaneFacts, "inUse" | "limit" | "waiting">): Text {
  return waiting === 0 ? t`${inUse} of ${limit} in use` : t`${inUse} of ${limit} in use, ${waiting} waiting`;
}

function isKnown(availability: string): availability is Availability {
  return Object.hasOwn(STATES, availability);
}
