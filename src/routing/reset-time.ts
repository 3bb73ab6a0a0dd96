// Finds the time from which an upstream wants to be asked again, in its headers, its JSON or its words.
// Decides nothing: what the time means is the classifier's business.
// Pure.
import { findWaitMs, parseDurationMs, parseHttpDateMs, parseInstantMs, parseNumber } from "./durations.ts";
import type { Reason } from "./types.ts";

/** When to ask again, wall clock in ms, and where that was said. */
export interface ResetHint {
  readonly atMs: number;
  readonly source: Reason;
}

export interface ResetInput {
  readonly headers: Headers;
  /** The parsed body, or undefined. */
  readonly json: unknown;
  /** The upstream's words. */
  readonly message: string;
  /** Wall clock, ms. */
  readonly now: number;
}

/** A limit that resets later than this is a misunderstanding. */
const MAX_AHEAD_MS = 8 * 24 * 3_600_000;
/** How much of a body is searched. */
const MAX_NODES = 2_000;
const MAX_DEPTH = 12;

type Reader = (input: ResetInput) => ResetHint | null;

/** The first source that gives a time in the future and at most 8 days ahead. Earlier ones are more exact. */
export function findResetTime(input: ResetInput): ResetHint | null {
  for (const read of READERS) {
    const hint = accept(read(input), input.now);
    if (hint !== null) return hint;
  }
  return null;
}

/** The hint if it is believable: ahead of `now`, by at most 8 days. */
export function accept(hint: ResetHint | null, now: number): ResetHint | null {
  if (hint === null || !(hint.atMs > now) || hint.atMs - now > MAX_AHEAD_MS) return null;
  return hint;
}

const READERS: readonly Reader[] = [
  ({ headers, now }) => after(now, parseNumber(headers.get("retry-after-ms")), header("retry-after-ms")),
  readRetryAfter,
  inBody(["retry_after_ms"], (value, now) => plus(now, parseNumber(value))),
  inBody(["resets_at", "reset_at", "resetat", "resetsat"], (value) => parseInstantMs(value)),
  inBody(["resets_in_seconds", "reset_seconds", "retry_after"], (value, now) =>
    plus(now, parseDurationMs(value)),
  ),
  inBody(["retrydelay", "quotaresetdelay"], (value, now) => plus(now, parseDurationMs(value))),
  ({ headers, now }) => codexReset(headers, now),
  ({ headers, now }) => anthropicReset(headers, now),
  readRateLimitReset,
  ({ message, now }) => after(now, findWaitMs(message), { rule: "message-text" }),
];

/** RFC 9110 10.2.3: seconds or a date. Decimals are seen in the wild and are read; all else is ignored. */
function readRetryAfter({ headers, now }: ResetInput): ResetHint | null {
  const value = headers.get("retry-after");
  if (value === null) return null;
  const source = header("retry-after");
  const seconds = parseNumber(value);
  if (seconds !== null) return after(now, seconds * 1_000, source);
  const atMs = parseHttpDateMs(value);
  return atMs === null ? null : { atMs, source };
}

/**
 * The reset of the ChatGPT backend's spent window: of several the latest; with none spent, the shortest window's.
 * Which of "primary" and "secondary" is the week changes, so windows are told apart by their minutes.
 */
export function codexReset(headers: Headers, now: number): ResetHint | null {
  const families = new Set([...headers.keys()].flatMap((name) => CODEX_RESET.exec(name)?.[1] ?? []));
  const windows = [...families].flatMap((family) => readCodexWindow(headers, family, now) ?? []);
  const spent = windows.filter((window) => window.usedPercent >= 100);
  const [best] =
    spent.length > 0
      ? spent.toSorted((a, b) => b.atMs - a.atMs)
      : windows.toSorted((a, b) => a.minutes - b.minutes);
  return best === undefined ? null : { atMs: best.atMs, source: best.source };
}

const CODEX_RESET = /^(x-[a-z0-9-]+?-(?:primary|secondary|tertiary))-(?:reset-at|reset-after-seconds)$/;

function readCodexWindow(headers: Headers, family: string, now: number) {
  const inSeconds = parseNumber(headers.get(`${family}-reset-after-seconds`));
  const hint = accept(
    after(now, inSeconds === null ? null : inSeconds * 1_000, header(`${family}-reset-after-seconds`)) ??
      at(parseInstantMs(headers.get(`${family}-reset-at`)), header(`${family}-reset-at`)),
    now,
  );
  if (hint === null) return null;
  return {
    ...hint,
    minutes: parseNumber(headers.get(`${family}-window-minutes`)) ?? Infinity,
    usedPercent: parseNumber(headers.get(`${family}-used-percent`)) ?? 0,
  };
}

/**
 * The latest reset among the rejected windows of an Anthropic subscription, else the unified reset.
 * Overage is no window: it is what may be used beyond them.
 */
export function anthropicReset(headers: Headers, now: number): ResetHint | null {
  let latest: ResetHint | null = null;
  for (const [name, value] of headers) {
    const claim = /^anthropic-ratelimit-unified-(.+)-status$/.exec(name)?.[1];
    if (claim === undefined || claim === "overage" || value !== "rejected") continue;
    const field = `anthropic-ratelimit-unified-${claim}-reset`;
    const hint = accept(at(parseInstantMs(headers.get(field)), header(field)), now);
    if (hint !== null && (latest === null || hint.atMs > latest.atMs)) latest = hint;
  }
  const field = "anthropic-ratelimit-unified-reset";
  return latest ?? at(parseInstantMs(headers.get(field)), header(field));
}

/** OpenAI's, Anthropic's and OpenRouter's per-bucket headers: of the empty buckets the last to refill, else of all. */
function readRateLimitReset({ headers, now }: ResetInput): ResetHint | null {
  const all: ResetHint[] = [];
  const empty: ResetHint[] = [];
  for (const [name, value] of headers) {
    const suffix = /^x-ratelimit-reset(-.+)?$/.exec(name);
    const bucket =
      suffix === null ? /^anthropic-ratelimit-((?!unified).+)-reset$/.exec(name)?.[1] : undefined;
    if (suffix === null && bucket === undefined) continue;
    const hint = accept(at(readBucketReset(value, now), header(name)), now);
    if (hint === null) continue;
    all.push(hint);
    const remaining =
      suffix === null ? `anthropic-ratelimit-${bucket}-remaining` : `x-ratelimit-remaining${suffix[1] ?? ""}`;
    if (parseNumber(headers.get(remaining)) === 0) empty.push(hint);
  }
  const [last] = (empty.length > 0 ? empty : all).toSorted((a, b) => b.atMs - a.atMs);
  return last ?? null;
}

/** "6m0s" and small numbers are waits; RFC 3339 and numbers of an epoch's size are times. */
function readBucketReset(value: string, now: number): number | null {
  const number = parseNumber(value);
  if (number !== null && number > 1e9) return parseInstantMs(number);
  return plus(now, parseDurationMs(value)) ?? parseInstantMs(value);
}

/** Looks for the first of `names` (lower case) at any depth of the body. */
function inBody(names: readonly string[], read: (value: unknown, now: number) => number | null): Reader {
  return ({ json, now }) => {
    let nodes = 0;
    const search = (value: unknown, depth: number): ResetHint | null => {
      if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return null;
      for (const [name, inner] of Object.entries(value)) {
        if ((nodes += 1) > MAX_NODES) return null;
        if (names.includes(name.toLowerCase())) {
          const hint = accept(at(read(inner, now), { rule: "body-field", name }), now);
          if (hint !== null) return hint;
        }
        const deeper = search(inner, depth + 1);
        if (deeper !== null) return deeper;
      }
      return null;
    };
    return search(json, 0);
  };
}

function header(name: string): Reason {
  return { rule: "header", name };
}

function at(atMs: number | null, source: Reason): ResetHint | null {
  return atMs === null ? null : { atMs, source };
}

function after(now: number, waitMs: number | null, source: Reason): ResetHint | null {
  return at(plus(now, waitMs), source);
}

function plus(now: number, waitMs: number | null): number | null {
  return waitMs === null ? null : now + waitMs;
}
