// What the log says of a failure, in the person's language: from the rule's id, the status and the outcome, which stand
// beside the English words. In English, and for what an upstream said by itself, those words are shown as they are.
// Pure.
import { oneLine } from "../base/terminal-text.ts";
import { inEnglish, t as text } from "../base/text.ts";
import { CLIENT_NAME, SERVICES } from "../base/service.ts";
import type { LogRecord, RecordedAttempt } from "../log/record.ts";
import { wordsOfRule } from "../routing/classify.ts";
import { isTranslated, t, tell, translate } from "./language.ts";

/** "" where there is none. */
export function describeError({ attempts = [], error = "", outcome }: LogRecord): string {
  if (!isTranslated()) return oneLine(error);
  const known = describeWords(error);
  const failed = attempts.filter((attempt) => attempt.error !== undefined);
  if (outcome === "error" && failed.length > 0) {
    const stories = failed.map((attempt) => `${hostOf(attempt)}: ${describeAttemptError(attempt)}`);
    return `${known} ${stories.join("; ")}`;
  }
  return outcome === "refused" && known === oneLine(error) && error !== "" ? t`refused the request` : known;
}

/** The words alone, where nothing stands beside them. Of a failure at all upstreams the beginning. */
export function describeWords(error: string): string {
  const client = SERVICES.map((service) => CLIENT_NAME[service]).find((name) =>
    error.startsWith(inEnglish(text`No upstream could answer ${name}. ${""}`).trimEnd()),
  );
  if (!isTranslated() || client === undefined) return oneLine(translate(error));
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
  if (words !== undefined) return oneLine(before + tell(words) + rest.slice(inEnglish(words).length));
  const [first] = known;
  return first === undefined ? oneLine(translate(error)) : tell(first);
}

function hostOf({ upstream_base_url: url }: RecordedAttempt): string {
  return oneLine(URL.parse(url ?? "")?.host ?? url ?? "-");
}
