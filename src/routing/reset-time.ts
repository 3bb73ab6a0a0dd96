// Finds the time from which an upstream wants to be asked again, in its headers, its JSON or its words.
// Decides nothing: what the time means is the classifier's business.
// Pure.
import { findResetMs, findWaitMs, parseInstantMs, parseNumber, parseWhenMs } from "./durations.ts";
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
const MAX_NAME = 40;

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
  ({ headers, now }) => at(parseWhenMs(headers.get("retry-after"), now), header("retry-after")),
  readVendorsRetryAfter,
  readBody,
  ({ headers, now }) => codexReset(headers, now),
  ({ headers, now }) => anthropicReset(headers, now),
  readRateLimitReset,
  ({ message, now }) => after(now, findWaitMs(message), { rule: "message-text" }),
  ({ message, now }) => at(findResetMs(message.toLowerCase(), now), { rule: "message-text" }),
];

/** `x-retry-after`, `x-ms-retry-after-ms`, `x-ratelimit-retry-after`. */
function readVendorsRetryAfter({ headers, now }: ResetInput): ResetHint | null {
  for (const [name, value] of headers) {
    const unit = /^x-(?:[a-z-]{1,30}-)?retry-after(-ms)?$/.exec(name);
    if (unit === null) continue;
    const when = unit[1] === undefined ? parseWhenMs(value, now) : plus(now, parseNumber(value));
    if (when !== null) return at(when, header(name));
  }
  return null;
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

/** Per-bucket headers, and the IETF's: of the empty buckets the last to refill, else of all. */
function readRateLimitReset({ headers, now }: ResetInput): ResetHint | null {
  const all: ResetHint[] = [];
  const empty: ResetHint[] = [];
  for (const [name, value] of headers) {
    const bucket = readBucket(name, value);
    if (bucket === null) continue;
    const hint = accept(at(parseWhenMs(bucket.reset, now), header(name)), now);
    if (hint === null) continue;
    all.push(hint);
    if (parseNumber(bucket.remaining ?? headers.get(name.replace("reset", "remaining"))) === 0)
      empty.push(hint);
  }
  const [last] = (empty.length > 0 ? empty : all).toSorted((a, b) => b.atMs - a.atMs);
  return last ?? null;
}

/** `x-ratelimit-reset-tokens`, `anthropic-ratelimit-tokens-reset`, `ratelimit-reset`, or `ratelimit: "x";r=0;t=50`. */
function readBucket(name: string, value: string): { reset: string; remaining?: string } | null {
  if (/^(?:x-)?rate-?limit-reset(?:-.+)?$|^(?:x|anthropic)-ratelimit-(?!unified).+-reset$/.test(name))
    return { reset: value };
  const reset = name === "ratelimit" ? /\b(?:t|reset)=(\d{1,15})/.exec(value)?.[1] : undefined;
  if (reset === undefined) return null;
  return { reset, remaining: /\b(?:r|remaining)=(\d{1,15})/.exec(value)?.[1] ?? "" };
}

/**
 * The fields of a body that say it, by what their names are made of, the more exact first: `retry_after_ms`, `resetsAt`,
 * `reset_time`, `retry_after_seconds`, `retryDelay`, and headers that a body repeats.
 */
const BODY_FIELDS: readonly (readonly [
  name: RegExp,
  read: (value: unknown, now: number) => number | null,
])[] = [
  [
    /^(?:retryafter|resets?in|resetafter)(?:ms|millis|milliseconds)$/,
    (value, now) => plus(now, parseNumber(value)),
  ],
  [/^(?:next|quota)?resets?(?:at|on|timestamp)$|^(?:next)?(?:retry|available)at$/, parseInstantOrDateMs],
  [/^(?:next)?(?:quota)?reset(?:time|date)$|^(?:window|limit|ratelimit)resets?at$/, parseWhenMs],
  [/^(?:blocked|limited|ratelimited|cooldown|unavailable|suspended|paused)until$/, parseWhenMs],
  [
    /^(?:resets?(?:in|after)|reset|retryafter)(?:secs|seconds)?$|^(?:retryin|wait|cooldown)(?:secs|seconds)?$/,
    parseWhenMs,
  ],
  [/^(?:retry|quotareset)delay$/, parseWhenMs],
  [/^(?:x)?ratelimitreset(?:requests|tokens)?$/, parseWhenMs],
];

/** A number is an epoch here, however small. */
function parseInstantOrDateMs(value: unknown, now: number): number | null {
  return parseInstantMs(value) ?? (typeof value === "string" ? parseWhenMs(value, now) : null);
}

/** Looks for them at any depth of the body, once; of fields as exact as each other the first one counts. */
function readBody({ json, now }: ResetInput): ResetHint | null {
  let nodes = 0;
  let best: ResetHint | null = null;
  let bestRank = BODY_FIELDS.length;
  const search = (value: unknown, depth: number): void => {
    if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return;
    for (const [name, inner] of Object.entries(value)) {
      if ((nodes += 1) > MAX_NODES) return;
      const plain = name.length <= MAX_NAME ? name.toLowerCase().replace(/[^a-z]/g, "") : "";
      const rank = BODY_FIELDS.findIndex(([pattern]) => pattern.test(plain));
      if (rank >= 0 && rank < bestRank) {
        const hint = accept(
          at(BODY_FIELDS[rank]?.[1](inner, now) ?? null, { rule: "body-field", name }),
          now,
        );
        if (hint !== null) [best, bestRank] = [hint, rank];
      }
      search(inner, depth + 1);
    }
  };
  search(json, 0);
  return best;
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
