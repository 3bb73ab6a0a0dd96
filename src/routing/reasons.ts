// What every reason says in English, by its id; values have their names in braces. The rows of the classifier's table
// bring their own words. Another language has the same ids in src/cli/zh.json.
// Pure.
import { type Text, type TextValue, inEnglish, isText, t } from "../base/text.ts";
import { RULES, UNKNOWN } from "./classify-rules.ts";
import { NETWORK_FAULTS, findNetworkFault } from "./network-faults.ts";
import type { Reason, ReasonValue } from "./types.ts";

export const REASONS: Readonly<Record<string, string>> = {
  ...Object.fromEntries([...RULES, UNKNOWN, ...NETWORK_FAULTS].map(({ id, words }) => [id, words])),
  "redirect-to": "answered with a redirect to {to}",
  // A refusal that the user's `on_status` or `on_error` explains.
  "on-status-next": "failed",
  "on-status-terminal": "refused the request",
  "on-status-exhausted": "quota exhausted",
  "on-status-auth-dead": "refused the credential",
  "on-status-cooldown": "rate limited",
  "on-status-model": "does not offer the model",
  // Attempts that no rule judges.
  "client-gone": "the client disconnected",
  "no-summary": "returned no summary of the conversation",
  // Why an upstream has its place.
  ok: "",
  "first-in-order": "first in order",
  "next-in-order": "next in order",
  "session-bound": "the session is bound to it",
  "session-bound-low": "the session is bound to it, {cause}",
  "session-pinned": "the session's history is bound to it",
  "probe-running": "a probe is running: {cause}",
  "retry-next": "will be retried on the next request: {cause}",
  behind: "{label}: {cause}",
  "refuses-such": "does not take such requests: {request}",
  "refuses-part": "does not take {names}",
  "asked-without": "asked without {names}",
  // Why requests go to another one.
  recovered: "recovered",
  "not-asked": "not tried",
  "retry-budget": "too many requests were retried lately (the retry budget is spent)",
  "address-failing": "another key of its address failed: {cause}",
  // What is left.
  "quota-none": "{source} reports nothing left",
  "quota-percent": "{percent}% used ({name})",
  "quota-left": "{rest} left ({name})",
  "quota-left-of": "{rest} of {whole} left ({name})",
  budget: "your budget: {cause}",
  "budget-usd": "your budget for {name}: {used} of {limit} {per}",
  "budget-tokens": "your budget for {name}: {used} of {limit} tokens {per}",
  "budget-requests": "your budget for {name}: {used} of {limit} answers {per}",
  "budget-held": "the rest may be needed by answers in flight: {cause}",
  "budget-unknown": "your budgets cannot be counted: {why}",
  unpriced: "{model} has no price, and your budget for {name} refuses such",
  "kept-back": "{left}% of {name} left, {keep}% is kept for you",
  "lane-full": "{places}",
  // Where a time comes from.
  default: "default",
  "default-backoff": "default, exponential backoff",
  "default-time": "default {time}",
  header: "{name} header",
  "body-field": "{name} in the body",
  "message-text": "text of the message",
  "circuit-breaker": "circuit breaker, {secs} s",
  "certificate-pause": "certificate errors, 5 min",
  "own-until": "`until` in config.json",
  "quota-reading": "balance read",
  "quota-headers": "headers of its answers",
  "quota-budget": "your budget",
  reserve: "your reserve",
  "from-pool": "{cause}, told by {name}",
  // How a request ended.
  refused: "{why}",
  "no-upstream": "No upstream could answer {client}.",
  "no-answer": "No upstream could answer {client}. {stories}",
  "within-wall": "The wall of project {project} leaves only {labels}.",
  walled: "the wall of project {project} is before it",
  story: "{label}: {cause}.",
  "story-not-asked": "{label}: not tried, {cause}.",
  "in-state": "{cause}, {state}",
  "see-doctor": "{cause} (see `codex-helper doctor`)",
  "probe-tells": "To see where it fails: {command}.",
  "to-fix": "{cause} (fix: {fix})",
  "allow-others":
    '{cause} (nothing behind it is asked, as "on_exhausted" is "stop"; to allow it, set it to "continue", or say in "on_error" what this answer means)',
  "map-model": "{cause} (map the model in `models`, or choose another)",
  "cut-reset": "the upstream cut the answer off",
  "cut-idle": "the upstream stopped sending in the middle of the answer",
  "cut-no-terminal-event": "the upstream ended the stream before the answer was complete",
  "stream-error": "the stream ended in an error",
  // One after the other, as the language parts its sentences.
  sentences: "{said} {next}",
  bug: "codex-helper failed on this request",
  // What an upstream or an older version said itself.
  "as-told": "{words}",
};

/** For people: its words, the status before them and the code after them. */
export function describe(reason: Reason): Text {
  const { code, status } = reason;
  const rule = idOfWords(reason);
  const names: string[] = [];
  const text = (REASONS[rule] ?? rule).replace(
    /\{(\w+)\}/g,
    (_, name: string) => `{${names.push(name) - 1}}`,
  );
  const words = { text, values: names.map((name) => valueOf(reason[name])), named: { id: rule, names } };
  const coded = code === undefined ? words : t`${words} (${code})`;
  return status === undefined ? coded : t`${status} ${coded}`;
}

/** Of a connection, which its code tells more of than the rule that takes it. */
const SAID_BY_CODE: ReadonlySet<string> = new Set(["certificate", "never-sent", "broken-connection"]);

/** Of the row whose words it has. */
export function idOfWords({ code, rule, to }: Reason): string {
  if (rule === "redirect" && to !== undefined) return "redirect-to";
  if (typeof code !== "string" || !SAID_BY_CODE.has(rule)) return rule;
  return findNetworkFault(code)?.id ?? rule;
}

/** A connection that failed with `code`, in the words of all screens. */
export function describeConnection(code: string): Text {
  return describe({ rule: "broken-connection", code });
}

function valueOf(value: ReasonValue = ""): TextValue {
  if (typeof value === "string" || typeof value === "number" || isText(value)) return value;
  if ("rule" in value) return describe(value);
  return value
    .map(describe)
    .reduce<TextValue>(
      (said, next) => (said === "" ? next : describe({ rule: "sentences", said, next })),
      "",
    );
}

/** For what programs and clients read: the log, answers, --json. */
export function reasonInEnglish(reason: Reason): string {
  return inEnglish(describe(reason));
}

/** What a file or another process holds may come from a version with other ids, or from anyone. */
export function isReason(value: unknown): value is Reason {
  if (typeof value !== "object" || value === null || !("rule" in value)) return false;
  return (
    typeof value.rule === "string" &&
    Object.hasOwn(REASONS, value.rule) &&
    Object.values(value).every(isValue)
  );
}

function isValue(value: unknown): boolean {
  return (
    value === undefined ||
    typeof value === "string" ||
    typeof value === "number" ||
    isText(value) ||
    (Array.isArray(value) ? value.every(isReason) : isReason(value))
  );
}

/** A reason from its data; without them, as from an older version, its English. */
export function reasonFrom(data: unknown, english: string): Reason {
  return isReason(data) ? data : { rule: "as-told", words: english };
}
