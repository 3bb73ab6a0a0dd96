// How an upstream stands, in words for a person.
// Pure.
import type { ChainFacts, UpstreamFacts, UpstreamState, WaitFacts } from "../app/ask-instance.ts";
import { showMoment, showSpan } from "../base/text.ts";
import { showWindow } from "../quota/reserve.ts";
import { describeAvailability, describePlaces, hasEnd, isSaid } from "../routing/availability-words.ts";
import { isReason } from "../routing/reasons.ts";
import type { Availability } from "../routing/types.ts";
import { t, tell, tellEither } from "./language.ts";
import { tellReason } from "./logged-error.ts";
import type { Colour, ColouredText, Data } from "./output.ts";

export interface Mark {
  readonly sign: string;
  readonly colour: Colour;
}

const WAITS: Mark = { sign: "◔", colour: "yellow" };
const BLOCKED: Mark = { sign: "▲", colour: "red" };
const BROKEN: Mark = { sign: "✕", colour: "red" };
const OFF: Mark = { sign: "○", colour: "dim" };
const MARKS: Readonly<Record<Availability | "off" | "unusable", Mark>> = {
  ok: { sign: "●", colour: "green" },
  low: { sign: "●", colour: "yellow" },
  probing: { sign: "◐", colour: "yellow" },
  cooling: WAITS,
  full: WAITS,
  "model-unknown": WAITS,
  exhausted: BLOCKED,
  open: BROKEN,
  "auth-dead": BROKEN,
  unusable: BROKEN,
  walled: OFF,
  off: OFF,
};

/** The sign and the colour of a state, the same on every screen and in the log; its word goes with them. */
export function markOf(state: string): Mark {
  return Object.hasOwn(MARKS, state) ? MARKS[state as keyof typeof MARKS] : WAITS;
}

/** "spent until 14:30 (said by the upstream)": the state in the words of all screens. `now`: wall clock, ms. */
export function describeHealth(upstream: UpstreamState, now: number): ColouredText & Mark {
  const { enabled, problem, source_data: source, standing: availability, until_ms: until } = upstream;
  const state = {
    availability,
    until,
    source: isReason(source) ? source : null,
    isOff: !enabled,
    isUnusable: problem !== null,
  };
  const mark = markOf(!enabled ? "off" : problem === null ? availability : "unusable");
  return { words: tell(describeAvailability(state, now)), ...mark };
}

/** "▲ spent until 14:30 (said by the upstream)", in its colour. */
export function showHealth({ paint }: Pick<Data, "paint">, upstream: UpstreamState, now: number): string {
  const { colour, sign, words } = describeHealth(upstream, now);
  return paint(colour, `${sign} ${words}`);
}

/** Why it is so, since when, and when it is tried again if that is earlier than the end; "" where there is nothing to say. */
export function describeWhy(upstream: UpstreamState, now: number): string {
  const {
    problem,
    reason,
    retry_at_ms: retryAt,
    since_ms: since,
    source,
    source_data: data,
    standing,
    until_ms: until,
  } = upstream;
  if (problem !== null) return tellEither(upstream.problem_text, problem);
  if (reason === "") return "";
  const words = tellReason(upstream.reason_data, reason);
  if (!hasEnd({ availability: standing, source: isReason(data) ? data : null })) return words;
  const lasting = since === null || isOfQuota(data) ? words : t`${words}, for ${showSpan(now - since)}`;
  const from = isSaid(data) ? t` (${tellReason(data, source ?? "")})` : "";
  const isEarlier = retryAt !== null && retryAt > now && retryAt !== until;
  return isEarlier ? t`${lasting}${from}; next try ${showMoment(retryAt, now)}` : `${lasting}${from}`;
}

/** "gpt-6: asked for as gpt-5.6-sol now (gpt-6, then gpt-5.6-sol)". */
export function describeChain({ in_use: inUse, model, models }: ChainFacts): string {
  const order = models.join(t`, then `);
  const name = model === "*" ? t`other models` : model;
  return inUse === null || inUse === models[0]
    ? t`${name}: asked for as ${order}`
    : t`${name}: asked for as ${inUse} now (${order})`;
}

/** Who waits for a reset, a line for each upstream and time. */
export function describeWaits(waits: readonly WaitFacts[], now: number): string[] {
  const count = new Map<string, number>();
  const lineOf = ({ until_ms: until, upstream }: WaitFacts): string =>
    until === null
      ? t`for ${upstream}, with no end known`
      : t`for ${upstream}, until ${showMoment(until, now)}`;
  const sessions = new Map(waits.map((wait) => [lineOf(wait), wait.session_id]));
  for (const wait of waits) count.set(lineOf(wait), (count.get(lineOf(wait)) ?? 0) + 1);
  return [...count].map(([line, many]) => {
    const session = sessions.get(line) ?? null;
    if (many > 1) return t`${many} requests ${line}`;
    return session === null ? t`1 request ${line}` : t`session ${session.slice(0, 8)} ${line}`;
  });
}

/** What to type against it; null where there is nothing to do. */
export function describeFix({ fix, fix_text: text }: UpstreamState): string | null {
  return tellEither(text, fix ?? "") || null;
}

/** What refusals have taught of it, a line each. */
export function describeLearned({ learned = [] }: UpstreamState, now: number): string[] {
  return learned.map(({ client, reason, reason_data: data, until_ms: until }) => {
    const words = client === "" ? tellReason(data, reason) : t`${tellReason(data, reason)} (${client})`;
    return until === null ? words : t`${words}, until ${showMoment(until, now)}`;
  });
}

/** "2 of 2 in use, 3 waiting (shared by acme)": the places there; "" where they are not counted. */
export function describeConcurrency({ concurrency }: UpstreamState, now: number): string {
  if (concurrency === undefined) return "";
  const { group, in_use: inUse, limit, source, until_ms: until, waiting } = concurrency;
  const words = tell(describePlaces({ inUse, limit, waiting }));
  if (source === "learned")
    return t`${words} (learned from a refusal, until ${showMoment(until ?? now, now)})`;
  return group === null ? words : t`${words} (shared by ${group})`;
}

/** What is to be kept of its plan, a line each: those that are not in force say so. `states`: only of these; default: all. */
export function describeReserves(
  { reserves = [] }: UpstreamFacts,
  now: number,
  states?: readonly string[],
): string[] {
  const told = reserves.filter(({ state }) => states?.includes(state) ?? true);
  return told.map(({ keep_percent: keep, read_at_ms: readAt, state, window }) => {
    const words = t`kept for you: ${keep}% of ${showWindow(window)}`;
    if (state === "unknown") return t`${words}: not in force, nothing tells what is left`;
    if (state !== "stale" || readAt === null) return words;
    return t`${words}: not in force, what is left was read ${showSpan(now - readAt)} ago`;
  });
}

function isOfQuota(source: unknown): boolean {
  return isReason(source) && source.rule.startsWith("quota-");
}
