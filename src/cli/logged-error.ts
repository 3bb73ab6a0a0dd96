// What the log says of a failure, in the person's language: from the rule's id, the status and the outcome, which stand
// beside the English words. In English, and for what an upstream said by itself, those words are shown as they are.
// Pure.
import { oneLine } from "../base/terminal-text.ts";
import { type Text, inEnglish, t as text } from "../base/text.ts";
import { CLIENT_NAME, SERVICES } from "../base/service.ts";
import type { LogRecord, RecordedAttempt } from "../log/record.ts";
import { wordsOfRule } from "../routing/classify.ts";
import { isTranslated, t, tell, translate } from "./language.ts";

/** "" where there is none. */
export function describeError({ attempts = [], error = "", outcome }: LogRecord): string {
  if (!isTranslated()) return oneLine(error);
  const known = error === "" ? "" : describeWords(error, outcome === "refused");
  const failed = attempts.filter((attempt) => attempt.error !== undefined);
  if (outcome === "error" && failed.length > 0) {
    const stories = failed.map((attempt) => t`${hostOf(attempt)}: ${describeAttemptError(attempt)}`);
    return `${known}${stories.join(t`; `)}`;
  }
  return known;
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

/** The words alone, where nothing stands beside them. Of a failure at all upstreams the beginning. */
export function describeWords(error: string, isOwnRefusal = false): string {
  const client = SERVICES.map((service) => CLIENT_NAME[service]).find((name) =>
    error.startsWith(inEnglish(text`No upstream could answer ${name}. ${""}`).trimEnd()),
  );
  if (!isTranslated()) return oneLine(error);
  if (client === undefined && isOwnRefusal && translate(error) === error) return t`refused the request`;
  if (client === undefined) return oneLine(translate(error));
  return t`No upstream could answer ${client}. ${""}`.trimEnd();
}

/** "402 payment required (insufficient_quota)": the words are the rule's, what is around them is not translated. */
export function describeAttemptError({
  error = "",
  status_code: status,
  verdict = "",
}: RecordedAttempt): string {
  if (!isTranslated()) return oneLine(error);
  const before = status !== undefined && error.startsWith(`${status} `) ? `${status} ` : "";
  const rest = error.slice(before.length);
  const known = wordsOfRule(verdict);
  const words = known.find((one) => rest.startsWith(inEnglish(one)));
  if (words !== undefined) {
    const more = rest.slice(inEnglish(words).length);
    const [, code] = /^ \((.*)\)$/s.exec(more) ?? [];
    return oneLine(before + (code === undefined ? tell(words) + more : t`${tell(words)} (${code})`));
  }
  const [first] = known;
  return first === undefined ? oneLine(translate(error)) : tell(first);
}

function hostOf({ upstream_base_url: url }: RecordedAttempt): string {
  return oneLine(URL.parse(url ?? "")?.host ?? url ?? "-");
}
