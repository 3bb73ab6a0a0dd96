// Reads a health record at one moment: may this upstream be asked, how does it stand, and why.
// Pure.
import { type Health, type Hold, type HoldKind, isFromFuture } from "./health.ts";
import type { Assessment, Bar, BarOf, QuotaNote } from "./types.ts";

export interface AssessmentInput {
  readonly health: Health;
  readonly quota: QuotaNote | undefined;
  /** Since when a probe is out, wall clock in ms; null where none is. */
  readonly probeSince: number | null;
  /** The upstream's own name of the asked model, or null. */
  readonly model: string | null;
  /** Wall clock, ms. */
  readonly now: number;
  /** Nothing else is usable: the short times apply. */
  readonly isLastResort: boolean;
  /** It stands in for another model: what only others have met does not count. */
  readonly isSubstitute?: boolean;
}

const OK: Assessment = {
  availability: "ok",
  allowed: "go",
  since: null,
  until: null,
  askAt: null,
  reason: { rule: "ok" },
  source: null,
  isExhausted: false,
};
/** The gravest first: of several that block equally long it is the one to name. */
const KINDS: readonly HoldKind[] = ["auth-dead", "exhausted", "open", "cooling"];
/** A reading that names no end is believed so long; every newer one replaces it. */
const QUOTA_NOTE_MS = 3_600_000;
/**
 * How long to wait for a probe that is out: half as long again as it has taken so far, and as long as the last pause. Codex asks
 * some thirty times and gives up, which at a steady second would be before a slow model begins.
 */
const PROBE_WAIT_MS = { least: 1_000, most: 10_000 } as const;
/** The last upstream is asked again for a model it did not know. */
const MODEL_LAST_RESORT_MS = 10_000;

/** A bar without an end is looked at again so soon. */
const BAR_MS = 60_000;

/** How an upstream is for a request that the owner's rules keep from it: nothing that is known of its health opens it. */
export function withBar(view: Assessment, bar: Bar | undefined, now: number): Assessment {
  if (bar === undefined) return view;
  const { availability, reason, since, source, until } = bar;
  return {
    availability,
    allowed: "no",
    since,
    until,
    askAt: until ?? now + BAR_MS,
    reason,
    source,
    isExhausted: view.isExhausted || availability === "exhausted",
    isBarred: true,
    ...(bar.endsLine === true ? { endsLine: true } : {}),
  };
}

/** One function for several of them: the first that has something to say. */
export function joinBars(bars: readonly BarOf[]): BarOf {
  return (upstream, request) => {
    for (const barOf of bars) {
      const bar = barOf(upstream, request);
      if (bar !== undefined) return bar;
    }
    return undefined;
  };
}

export function assess(input: AssessmentInput): Assessment {
  const { health, now, quota, isLastResort } = input;
  const { holds } = health;
  let blocking: Blocking | null = null;
  let probe: Hold | null = null;
  for (const kind of KINDS) {
    const hold = holds[kind];
    if (hold === undefined || isOfOthers(hold, input)) continue;
    const askAt = isLastResort ? Math.min(hold.probeAt, hold.lastResortAt) : hold.probeAt;
    if (isAhead(now, askAt, hold.since)) {
      if (blocking === null || askAt > blocking.askAt) blocking = { kind, hold, askAt };
    } else if (kind !== "cooling" || isAhead(now, hold.until, hold.since)) probe ??= hold;
  }
  const read = quota === undefined || quota.state === "ok" ? OK : assessQuota(quota, now, isLastResort);
  const isExhausted = holds.exhausted !== undefined || read.isExhausted;
  if (read.allowed === "no" && isBeyond(read, blocking)) return read;
  if (blocking !== null) return blockedBy(blocking, isExhausted);
  const model = assessModel(input, isExhausted);
  if (model !== null) return model;
  return probe === null ? read : assessProbe(probe, input, isExhausted);
}

function isOfOthers({ models }: Hold, { isSubstitute = false, model }: AssessmentInput): boolean {
  return isSubstitute && models !== undefined && model !== null && !models.includes(model);
}

interface Blocking {
  readonly kind: HoldKind;
  readonly hold: Hold;
  readonly askAt: number;
}

/** Of an answer and a balance that was read the later one counts; an end that the upstream named, before one that is not known. */
function isBeyond(read: Assessment, blocking: Blocking | null): boolean {
  if (blocking === null) return true;
  const isNamed = blocking.kind === "exhausted" && blocking.hold.statedEnd !== null;
  return Number(read.askAt) > blocking.askAt && (read.until !== null || !isNamed);
}

function blockedBy({ kind, hold, askAt }: Blocking, isExhausted: boolean): Assessment {
  const { since, statedEnd, until, reason, source } = hold;
  const end = statedEnd ?? until;
  return { availability: kind, allowed: "no", since, until: end, askAt, reason, source, isExhausted };
}

function assessModel(
  { health, model, now, isLastResort }: AssessmentInput,
  isExhausted: boolean,
): Assessment | null {
  if (model === null || !Object.hasOwn(health.models, model)) return null;
  const hold = health.models[model];
  if (hold === undefined || !isAhead(now, hold.until, hold.since)) return null;
  const { since, until, reason, source } = hold;
  const askAt = isLastResort ? Math.min(until, since + MODEL_LAST_RESORT_MS) : until;
  const isFree = !isAhead(now, askAt, since);
  return {
    availability: hold.kind === "unknown" ? "model-unknown" : "cooling",
    allowed: isFree ? "go" : "no",
    since,
    until,
    askAt: isFree ? null : askAt,
    reason,
    source,
    isExhausted,
  };
}

function assessProbe(hold: Hold, { now, probeSince }: AssessmentInput, isExhausted: boolean): Assessment {
  const isProbing = probeSince !== null;
  const { since, statedEnd, until, reason, source } = hold;
  return {
    availability: "probing",
    allowed: isProbing ? "no" : "probe",
    since,
    until: statedEnd ?? until,
    askAt: isProbing ? now + probeWaitMs(hold, now - probeSince) : null,
    reason: { rule: isProbing ? "probe-running" : "retry-next", cause: reason },
    source,
    isExhausted,
  };
}

function probeWaitMs({ lastResortAt, since }: Hold, takenMs: number): number {
  return Math.min(PROBE_WAIT_MS.most, Math.max(PROBE_WAIT_MS.least, takenMs / 2, lastResortAt - since));
}

function assessQuota(quota: QuotaNote, now: number, isLastResort: boolean): Assessment {
  const believedUntil = quota.until ?? quota.at + QUOTA_NOTE_MS;
  if (!isAhead(now, believedUntil, quota.at)) return OK;
  const isFree = quota.state === "low" || isLastResort;
  return {
    availability: quota.state === "low" ? "low" : "exhausted",
    allowed: isFree ? "go" : "no",
    since: quota.at,
    until: quota.until,
    askAt: isFree ? null : believedUntil,
    reason: quota.reason,
    source: quota.source ?? { rule: "quota-reading" },
    isExhausted: quota.state === "exhausted",
  };
}

function isAhead(now: number, until: number, since: number): boolean {
  return now < until && !isFromFuture(since, now);
}
