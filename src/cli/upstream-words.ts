// How an upstream stands, in words for a person.
// Pure.
import type { UpstreamFacts } from "../app/status-facts.ts";
import { showMoment, showSpan } from "../base/time-words.ts";
import type { Colour } from "./output.ts";

const STANDINGS: Readonly<Record<string, { readonly words: string; readonly colour: Colour }>> = {
  ok: { words: "ok", colour: "green" },
  low: { words: "low on quota", colour: "yellow" },
  probing: { words: "on trial", colour: "yellow" },
  cooling: { words: "rate limited", colour: "yellow" },
  "model-unknown": { words: "without this model", colour: "yellow" },
  open: { words: "left alone after failures", colour: "red" },
  exhausted: { words: "out of quota", colour: "red" },
  "auth-dead": { words: "credential refused", colour: "red" },
};

export interface Words {
  readonly words: string;
  readonly colour: Colour;
}

/** "out of quota until 14:30", "rate limited for another 20 s". Standings of other versions are shown as they are. `now`: wall clock, ms. */
export function describeStanding(standing: string, untilMs: number | null, now: number): Words {
  const { colour, words } = STANDINGS[standing] ?? { words: standing, colour: "yellow" as const };
  return { words: `${words}${describeEnd(untilMs, now)}`, colour };
}

/** A time of day says nothing about the next minute. */
function describeEnd(untilMs: number | null, now: number): string {
  if (untilMs === null || untilMs <= now) return "";
  const left = untilMs - now;
  return left < 100_000 ? ` for another ${showSpan(left)}` : ` until ${showMoment(untilMs, now)}`;
}

export function describeHealth(upstream: UpstreamFacts, now: number): Words {
  if (!upstream.enabled) return { words: "disabled", colour: "dim" };
  if (upstream.problem !== null) return { words: "cannot be used", colour: "red" };
  return describeStanding(upstream.standing, upstream.until_ms, now);
}

/** Why it stands so, since when, and what it has done, a line each. */
export function describeDetails(upstream: UpstreamFacts, now: number): string[] {
  const { failures, last_failure: last, problem, reason, requests, sessions, since_ms, source } = upstream;
  const since = since_ms === null ? "" : `, for ${showSpan(now - since_ms)}`;
  const from = source === null ? "" : ` (${source})`;
  const why = problem ?? (reason === "" ? "" : `${reason}${since}${from}`);
  const counts = [
    requests === 0 ? "" : count(requests, "request"),
    failures === 0 ? "" : `${failures} failed`,
    sessions === 0 ? "" : `${count(sessions, "session")} stay${sessions === 1 ? "s" : ""} with it`,
  ].filter((words) => words !== "");
  const lastWords =
    last === null || reason !== "" ? "" : `last failure ${showMoment(last.at_ms, now)}: ${last.reason}`;
  return [why, counts.join(", "), lastWords].filter((line) => line !== "");
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
