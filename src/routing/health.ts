// What is remembered of one upstream and how an attempt's end changes it: the breaker, and the three ways in which an
// account can be at its end. Every negative state is a hold with a reason and an expiry; nothing here forgets by timer.
// Pure.
import type { Blame, Reason, RoutingSettings, Verdict } from "./types.ts";

export type HoldKind = "open" | "cooling" | "exhausted" | "auth-dead";

/** Why an upstream is left alone, and until when. All times are wall clock, ms. */
export interface Hold {
  readonly since: number;
  readonly until: number;
  /** From here on one request may try, whatever `until` says. */
  readonly probeAt: number;
  /** The same where no other upstream is usable. */
  readonly lastResortAt: number;
  /** How many times in a row, 0 for the first. */
  readonly consecutiveTrips: number;
  readonly reason: Reason;
  readonly source: Reason;
  /** The end as the upstream itself named it, which may be beyond `until`; null where it did not. */
  readonly statedEnd: number | null;
  /** The models that met it, by the upstream's own names, where requests have others to go to. Absent: it is of all models. */
  readonly models?: readonly string[] | undefined;
}

/** A model that this upstream does not offer (`unknown`), or not now (`busy`). */
export interface ModelHold extends Pick<Hold, "since" | "until" | "reason" | "source"> {
  readonly kind: "unknown" | "busy";
}

/** Counts of one slice of the window. */
interface Slice {
  readonly startMs: number;
  readonly ok: number;
  readonly failed: number;
}

export interface Health {
  readonly holds: Readonly<Partial<Record<HoldKind, Hold>>>;
  readonly models: Readonly<Record<string, ModelHold>>;
  /** Counted failures in a row, and how many of them were never sent or waited for in vain. */
  readonly consecutive: number;
  readonly neverSent: number;
  readonly firstByte: number;
  readonly slices: readonly Slice[];
  /** Successes of the probe after an open time. */
  readonly probeSuccesses: number;
  readonly lastFailure: { readonly at: number; readonly reason: Reason } | null;
}

const NO_FAILURES = { consecutive: 0, neverSent: 0, firstByte: 0 } as const;

export const HEALTHY: Health = {
  ...NO_FAILURES,
  holds: {},
  models: {},
  slices: [],
  probeSuccesses: 0,
  lastFailure: null,
};

/** What the reducers need to know about the moment and the attempt. */
export interface At {
  /** Wall clock, ms. */
  readonly now: number;
  readonly settings: RoutingSettings;
  /** 0 to below 1. */
  readonly random: () => number;
  /** The attempt was the one probe; others that end while a hold is on were sent before it. */
  readonly isProbe: boolean;
  /** The upstream's own name of the model, or null. */
  readonly model: string | null;
  /** The request has other models to go to: what this one meets says nothing of those. */
  readonly isChained?: boolean;
}

/** A refused certificate is configuration, not weather: it does not mend itself in seconds. */
const TLS_OPEN_MS = 300_000;
const PROBE_SUCCESSES = 2;
/** Envoy and Finagle sweep in slices too; six make the window exact to a sixth. */
const SLICES = 6;
const MAX_MODELS = 32;

/** A record from the future means that the clock was set back: it cannot be trusted to end. */
export const isFromFuture = (since: number, now: number): boolean => since > now + 60_000;

/** After a failure with the given verdict. */
export function afterFailure(health: Health, verdict: Verdict, at: At): Health {
  const { blame } = verdict;
  if (blame === "none") return health;
  const noted: Health = { ...health, lastFailure: { at: at.now, reason: verdict.reason } };
  const kind = KIND_OF[blame];
  if (kind === undefined && blame !== "model") return countFailure(noted, verdict, at);
  // A clear answer, if a refusal: the way there and the upstream itself are well.
  const answered = at.isProbe ? afterProbeSuccess(noted, at) : { ...noted, neverSent: 0, firstByte: 0 };
  return kind === undefined ? holdModel(answered, verdict, at) : holdAccount(answered, kind, verdict, at);
}

const NEVER_SENT: ReadonlySet<Blame> = new Set(["never-sent", "proxy", "way"]);
const KIND_OF: Readonly<Partial<Record<Blame, HoldKind>>> = {
  cooldown: "cooling",
  exhausted: "exhausted",
  "auth-dead": "auth-dead",
};

/** With what is held against the outbound proxy before it: the later end counts. */
export function behindHold(health: Health, hold: Hold): Health {
  const own = health.holds.open;
  if (own !== undefined && own.probeAt >= hold.probeAt) return health;
  return { ...health, holds: { ...health.holds, open: hold } };
}

/** After an answer has begun: only a probe learns from it, the rest waits for the end. */
export function afterBegun(health: Health, at: At): Health {
  return at.isProbe ? afterProbeSuccess(withoutAccountHolds(health), at) : health;
}

/** After a complete answer. */
export function afterSuccess(health: Health, at: At): Health {
  const current = withoutExpired(health, at.now);
  // Sent before the upstream was given up: says nothing about now.
  if (!at.isProbe && Object.keys(current.holds).length > 0) return health;
  return {
    ...withoutModel(current, at.model),
    ...NO_FAILURES,
    slices: addToWindow(health.slices, at, "ok"),
  };
}

/** A balance that is there again ends an exhaustion before it, unless the upstream itself named the end. */
export function withoutExhaustion(health: Health, readAt: number): Health {
  const { exhausted, ...others } = health.holds;
  if (exhausted === undefined || exhausted.statedEnd !== null || exhausted.since >= readAt) return health;
  return { ...health, holds: others };
}

function countFailure(health: Health, verdict: Verdict, at: At): Health {
  const open = health.holds.open;
  if (open !== undefined)
    return at.isProbe ? openBreaker(health, verdict, at, open.consecutiveTrips + 1) : health;
  const counted: Health = {
    ...health,
    consecutive: health.consecutive + 1,
    neverSent: health.neverSent + (NEVER_SENT.has(verdict.blame) ? 1 : 0),
    firstByte: health.firstByte + (verdict.blame === "first-byte" ? 1 : 0),
    slices: addToWindow(health.slices, at, "failed"),
  };
  return isTripped(counted, verdict, at.settings) ? openBreaker(counted, verdict, at, 0) : counted;
}

function isTripped(health: Health, verdict: Verdict, settings: RoutingSettings): boolean {
  if (verdict.blame === "tls") return true;
  if (health.consecutive >= settings.failureThreshold) return true;
  if (health.neverSent >= settings.neverSentThreshold || health.firstByte >= settings.firstByteThreshold)
    return true;
  let total = 0;
  let failed = 0;
  for (const slice of health.slices) {
    total += slice.ok + slice.failed;
    failed += slice.failed;
  }
  return total >= settings.windowMinRequests && failed / total >= settings.windowFailureShare;
}

function openBreaker(health: Health, verdict: Verdict, at: At, consecutiveTrips: number): Health {
  const { now, settings } = at;
  const isTls = verdict.blame === "tls";
  const openMs = isTls
    ? TLS_OPEN_MS
    : jittered(exponentialBackoff(settings.openMs, settings.openMaxMs, consecutiveTrips), at);
  const until = now + openMs;
  const hold: Hold = {
    since: now,
    until,
    probeAt: until,
    lastResortAt: Math.min(until, now + lastResortMs(at, consecutiveTrips)),
    consecutiveTrips,
    reason: verdict.reason,
    source: isTls
      ? { rule: "certificate-pause" }
      : { rule: "circuit-breaker", secs: Math.round(openMs / 1_000) },
    statedEnd: null,
  };
  const holds = { ...health.holds, open: hold };
  return { ...health, ...NO_FAILURES, holds, slices: [], probeSuccesses: 0 };
}

/** One more proof that the upstream answers. The second in a row closes the breaker and forgets its consecutiveTrips. */
function afterProbeSuccess(health: Health, at: At): Health {
  const { open, ...others } = health.holds;
  if (open === undefined) return health;
  const probeSuccesses = health.probeSuccesses + 1;
  if (probeSuccesses >= PROBE_SUCCESSES) return { ...health, holds: others, probeSuccesses: 0 };
  const { now } = at;
  return {
    ...health,
    holds: { ...others, open: { ...open, until: now, probeAt: now, lastResortAt: now } },
    probeSuccesses,
  };
}

function holdAccount(health: Health, kind: HoldKind, verdict: Verdict, at: At): Health {
  const { now, settings } = at;
  const last = health.holds[kind];
  const before = last === undefined || isFromFuture(last.since, now) ? undefined : last;
  // Requests that were out together come back together: they are one event, and may only prolong it.
  const isLate = before !== undefined && !at.isProbe && now < before.probeAt;
  const consecutiveTrips =
    before === undefined ? 0 : isLate ? before.consecutiveTrips : before.consecutiveTrips + 1;
  const stated =
    verdict.until ?? now + exponentialBackoff(settings.openMs, settings.openMaxMs, consecutiveTrips);
  const until = isLate ? Math.max(stated, before.until) : stated;
  const earlyMs = exponentialBackoff(settings.exhaustedMs, settings.exhaustedMaxMs, consecutiveTrips);
  // A stated pause is kept even by the last usable upstream; all else gives way to one request every few seconds.
  const coolingMs = verdict.until === null ? lastResortMs(at, consecutiveTrips) : Infinity;
  const lastResortWaitMs = kind === "cooling" ? coolingMs : settings.lastUsableOpenMaxMs;
  const hold: Hold = {
    since: isLate ? before.since : now,
    until,
    // A limit may be lifted before its time (bought, reset, regrouped): one request looks, at growing distances.
    probeAt: kind === "exhausted" ? Math.min(until, now + earlyMs) : until,
    lastResortAt: Math.min(until, now + lastResortWaitMs),
    consecutiveTrips,
    reason: verdict.reason,
    source: verdict.source,
    statedEnd: verdict.resetsAt,
    ...modelsOf(before, at),
  };
  return { ...health, holds: { ...health.holds, [kind]: hold } };
}

/** A limit is met by one model after the other, and one that was met by a request without a choice is of all. */
function modelsOf(before: Hold | undefined, { isChained = false, model, now }: At): Pick<Hold, "models"> {
  const isOn = before !== undefined && now < (before.statedEnd ?? before.until);
  if (!isChained || model === null || (isOn && before.models === undefined)) return {};
  return { models: [...new Set([...((isOn ? before.models : undefined) ?? []), model])].slice(-MAX_MODELS) };
}

function holdModel(health: Health, verdict: Verdict, { now, model }: At): Health {
  if (model === null || verdict.until === null) return health;
  const kept = Object.entries(health.models)
    .filter(([name, hold]) => name !== model && hold.until > now)
    .slice(-(MAX_MODELS - 1));
  const hold: ModelHold = {
    kind: verdict.rule === "model-unknown" ? "unknown" : "busy",
    since: now,
    until: verdict.until,
    reason: verdict.reason,
    source: verdict.source,
  };
  return { ...health, models: { ...Object.fromEntries(kept), [model]: hold } };
}

function withoutModel(health: Health, model: string | null): Health {
  if (model === null || !Object.hasOwn(health.models, model)) return health;
  const { [model]: _known, ...others } = health.models;
  return { ...health, models: others };
}

/** A probe that got an answer has shown that the account can be used again. */
function withoutAccountHolds(health: Health): Health {
  const { open } = health.holds;
  return { ...health, holds: open === undefined ? {} : { open } };
}

/** Rate limits that are over are forgotten with the first success, their growth with them. */
function withoutExpired(health: Health, now: number): Health {
  const { cooling, ...others } = health.holds;
  return cooling === undefined || now < cooling.until ? health : { ...health, holds: others };
}

function addToWindow(
  slices: readonly Slice[],
  { now, settings }: At,
  end: "ok" | "failed",
): readonly Slice[] {
  const sliceMs = settings.windowMs / SLICES;
  const oldest = now - settings.windowMs;
  const kept = slices.filter((slice) => slice.startMs > oldest && slice.startMs <= now);
  const last = kept.at(-1);
  const isNew = last === undefined || now - last.startMs >= sliceMs;
  const slice = isNew ? { startMs: now, ok: 0, failed: 0 } : last;
  return [...(isNew ? kept : kept.slice(0, -1)), { ...slice, [end]: slice[end] + 1 }];
}

function lastResortMs({ settings }: At, consecutiveTrips: number): number {
  return exponentialBackoff(settings.lastUsableOpenMs, settings.lastUsableOpenMaxMs, consecutiveTrips);
}

export function exponentialBackoff(baseMs: number, maxMs: number, consecutiveTrips: number): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(consecutiveTrips, 30));
}

function jittered(ms: number, { random, settings }: At): number {
  return ms * (1 + settings.jitter * (2 * random() - 1));
}
