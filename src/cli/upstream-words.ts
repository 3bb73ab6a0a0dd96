// How an upstream stands, in words for a person.
// Pure.
import type { UpstreamFacts } from "../app/ask-instance.ts";
import { type Text, t as text, showMoment, showSpan } from "../base/text.ts";
import { t, tell, tellEither } from "./language.ts";
import { tellReason } from "./logged-error.ts";
import type { Colour, ColouredText } from "./output.ts";
import { describeQuota } from "./quota-words.ts";

const AVAILABILITIES: Readonly<Record<string, { readonly words: Text; readonly colour: Colour }>> = {
  ok: { words: text`ok`, colour: "green" },
  low: { words: text`low on quota`, colour: "yellow" },
  probing: { words: text`probing`, colour: "yellow" },
  cooling: { words: text`rate limited`, colour: "yellow" },
  "model-unknown": { words: text`model not available`, colour: "yellow" },
  open: { words: text`down after failures`, colour: "red" },
  exhausted: { words: text`out of quota`, colour: "red" },
  "auth-dead": { words: text`credential refused`, colour: "red" },
};

/** The `source` of an availability that follows from a reading. */
const QUOTA_SOURCE = "quota reading";

/** "out of quota until 14:30", "rate limited for another 20 s". Standings of other versions are shown as they are. `now`: wall clock, ms. */
export function describeAvailability(standing: string, untilMs: number | null, now: number): ColouredText {
  const { colour, words } = AVAILABILITIES[standing] ?? { words: standing, colour: "yellow" as const };
  return { words: describeEnd(tell(words), untilMs, now), colour };
}

/** A time of day says nothing about the next minute. */
function describeEnd(words: string, untilMs: number | null, now: number): string {
  if (untilMs === null || untilMs <= now) return words;
  const left = untilMs - now;
  return left < 100_000
    ? t`${words} for another ${showSpan(left)}`
    : t`${words} until ${showMoment(untilMs, now)}`;
}

export function describeHealth(upstream: UpstreamFacts, now: number): ColouredText {
  if (!upstream.enabled) return { words: t`disabled`, colour: "dim" };
  if (upstream.problem !== null) return { words: t`cannot be used`, colour: "red" };
  return describeAvailability(upstream.standing, upstream.until_ms, now);
}

/** What an upstream did today; null where the log does not say. */
export type DayCounts = { readonly requests: number; readonly failures: number } | null;

/** Why it stands so, since when, and what it has done, a line each. */
export function describeDetails(upstream: UpstreamFacts, now: number, today: DayCounts): string[] {
  const { last_failure: last, outbound_proxy, problem, reason, sessions, since_ms, source } = upstream;
  const words = tellReason(upstream.reason_data, reason);
  const lasting = since_ms === null ? words : t`${words}, for ${showSpan(now - since_ms)}`;
  const from = source === null ? "" : t` (${tellReason(upstream.source_data, source)})`;
  const why =
    problem !== null ? tellEither(upstream.problem_text, problem) : reason === "" ? "" : `${lasting}${from}`;
  const counts = [
    ...countToday(today),
    countSessions(sessions),
    outbound_proxy === null ? "" : t`through the proxy ${outbound_proxy}`,
  ].filter((count) => count !== "");
  const lastWords =
    last === null || reason !== ""
      ? ""
      : t`last failure ${showMoment(last.at_ms, now)}: ${tellReason(last.reason_data, last.reason)}`;
  const quotas = upstream.quota.flatMap((row) => describeQuota(row, now) ?? []);
  // The figures below say it better.
  const first = source === QUOTA_SOURCE && quotas.length > 0 ? "" : why;
  return [first, ...quotas, counts.join(t`, `), lastWords].filter((line) => line !== "");
}

function countToday(today: DayCounts): string[] {
  if (today === null || today.requests === 0) return [];
  const { failures, requests } = today;
  const all = requests === 1 ? t`1 request today` : t`${requests} requests today`;
  return failures === 0 ? [all] : [all, t`${failures} failed`];
}

function countSessions(sessions: number): string {
  if (sessions === 0) return "";
  return sessions === 1 ? t`1 session bound to it` : t`${sessions} sessions bound to it`;
}
