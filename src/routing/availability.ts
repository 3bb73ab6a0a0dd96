// Reads a health record at one moment: may this upstream be asked, how does it stand, and why.
// Pure.
import { type Health, type Hold, type HoldKind, isFromFuture } from "./health.ts";
import type { QuotaNote, Reason, Availability } from "./types.ts";

export interface Assessment {
  readonly availability: Availability;
  /** `probe`: as the one probe. */
  readonly allowed: "go" | "probe" | "no";
  readonly since: number | null;
  /** End of the state, wall clock in ms. */
  readonly until: number | null;
  /** The same, or the later end that the upstream stated. */
  readonly endsAt: number | null;
  /** When a request may be tried, which can be earlier. Null where it may now. */
  readonly askAt: number | null;
  readonly reason: Reason;
  readonly source: Reason | null;
  /** Its quota was gone when it was last heard of, also while a probe finds out whether it still is. */
  readonly isExhausted: boolean;
}

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
}

const OK: Assessment = {
  availability: "ok",
  allowed: "go",
  since: null,
  until: null,
  endsAt: null,
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

export function assess(input: AssessmentInput): Assessment {
  const { health, now, quota, isLastResort } = input;
  const { holds } = health;
  let blocking: { kind: HoldKind; hold: Hold; askAt: number } | null = null;
  let probe: Hold | null = null;
  for (const kind of KINDS) {
    const hold = holds[kind];
    if (hold === undefined) continue;
    const askAt = isLastResort ? Math.min(hold.probeAt, hold.lastResortAt) : hold.probeAt;
    if (isAhead(now, askAt, hold.since)) {
      if (blocking === null || askAt > blocking.askAt) blocking = { kind, hold, askAt };
    } else if (kind !== "cooling" || isAhead(now, hold.until, hold.since)) probe ??= hold;
  }
  const isExhausted = holds.exhausted !== undefined;
  if (blocking !== null) return blockedBy(blocking, isExhausted);
  const model = assessModel(input);
  if (model !== null) return model;
  if (probe !== null) return assessProbe(probe, input, isExhausted);
  if (quota === undefined || quota.state === "ok") return OK;
  return assessQuota(quota, now, isLastResort);
}

function blockedBy(
  { kind, hold, askAt }: { kind: HoldKind; hold: Hold; askAt: number },
  isExhausted: boolean,
): Assessment {
  const { since, statedEnd, until, reason, source } = hold;
  const endsAt = statedEnd ?? until;
  return { availability: kind, allowed: "no", since, until, endsAt, askAt, reason, source, isExhausted };
}

function assessModel({ health, model, now, isLastResort }: AssessmentInput): Assessment | null {
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
    endsAt: until,
    askAt: isFree ? null : askAt,
    reason,
    source,
    isExhausted: health.holds.exhausted !== undefined,
  };
}

function assessProbe(hold: Hold, { now, probeSince }: AssessmentInput, isExhausted: boolean): Assessment {
  const isProbing = probeSince !== null;
  const { since, statedEnd, until, reason, source } = hold;
  return {
    availability: "probing",
    allowed: isProbing ? "no" : "probe",
    since,
    until,
    endsAt: statedEnd ?? until,
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
    endsAt: believedUntil,
    askAt: isFree ? null : believedUntil,
    reason: quota.reason,
    source: { rule: "quota-reading" },
    isExhausted: quota.state === "exhausted",
  };
}

function isAhead(now: number, until: number, since: number): boolean {
  return now < until && !isFromFuture(since, now);
}
