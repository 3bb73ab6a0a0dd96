// Why something failed or is as it is, in the person's language: from its data. Without them, as in a line of an older version
// of the log, and for what an upstream said by itself, the words are shown as they are.
// Pure.
import { oneLine } from "../base/terminal-text.ts";
import { type Text, t as text } from "../base/text.ts";
import type { LogRecord } from "../log/record.ts";
import { describe, isReason } from "../routing/reasons.ts";
import { tell } from "./language.ts";

/** A reason from its data. Without them, or with an id of a newer version, its English. */
export function tellReason(reason: unknown, english: string): string {
  return isReason(reason) ? tell(describe(reason)) : english;
}

/** "402 payment required (insufficient_quota)", of a request or an attempt; "" where there is none. */
export function describeError({ error = "", reason }: Pick<LogRecord, "error" | "reason">): string {
  return oneLine(tellReason(reason, error));
}

const OUTCOMES: Readonly<Record<string, Text>> = {
  ok: text`ok`,
  client_gone: text`client_gone`,
  cut: text`cut`,
  error: text`error`,
  refused: text`refused`,
};

/** Outcomes of other versions are shown as they are; "-" for none. */
export function describeOutcome(outcome = "-"): string {
  return oneLine(tell(OUTCOMES[outcome] ?? outcome));
}
