// What is known of one account from one source: the last balance, when it was read, what went wrong since, and how it went
// down lately. A lookup that fails changes nothing about the balance.
// Pure.
import { type Balance, type Assessment, assess } from "./balance.ts";
import type { Text } from "../base/text.ts";

/** [wall clock in ms, what was left then] */
export type Sample = readonly [at: number, left: number];

export interface Reading {
  /** Where it comes from: a provider's id, "headers", "budget". */
  readonly source: string;
  /** The last one that was recognised. */
  readonly balance: Balance | null;
  /** Wall clock, ms, of that. */
  readonly at: number;
  /** Wall clock, ms, of the last try. */
  readonly triedAt: number;
  /** What went wrong with the last try. In English: it is stored. */
  readonly error: Text | string | null;
  /** The endpoint does not offer it. */
  readonly isUnsupported: boolean;
  /** By the meter's name, the oldest first. */
  readonly samples: Readonly<Record<string, readonly Sample[]>>;
}

export type ReadingState = Assessment["state"] | "unknown" | "stale" | "error";

/** How long a balance counts without a newer one. */
const VALID_MS = 3_600_000;
const SAMPLE_EVERY_MS = 300_000;
const SAMPLES_KEPT_MS = 6 * 3_600_000;
const MAX_SAMPLES = 80;

export function makeReading(source: string): Reading {
  return { source, balance: null, at: 0, triedAt: 0, error: null, isUnsupported: false, samples: {} };
}

/** After a try that gave a balance. `now`: wall clock, ms. */
export function withBalance(reading: Reading, balance: Balance, now: number): Reading {
  const samples = Object.fromEntries(
    balance.meters
      .filter(({ isAside }) => isAside !== true)
      .flatMap(({ left, name }) =>
        left === null ? [] : [[name, addSample(reading.samples[name] ?? [], [now, left])] as const],
      ),
  );
  return { ...reading, balance, at: now, triedAt: now, error: null, isUnsupported: false, samples };
}

/** After a try that did not. */
export function withError(
  reading: Reading,
  { now, ...failure }: Pick<Reading, "error" | "isUnsupported"> & { readonly now: number },
): Reading {
  return { ...reading, ...failure, triedAt: now };
}

/**
 * What the reading means now; null where it means nothing. `intervalMs`: how often it is asked for, 0 for one that
 * comes by itself.
 */
export function assessReading({ at, balance }: Reading, now: number, intervalMs: number): Assessment | null {
  const isStale = now > at + Math.max(VALID_MS, 2 * intervalMs);
  return balance === null || isStale ? null : assess(balance, now);
}

/** The assessment as one word, for people and scripts. */
export function stateOf(reading: Reading, now: number, intervalMs: number): ReadingState {
  const assessment = assessReading(reading, now, intervalMs);
  if (assessment !== null) return assessment.state;
  if (reading.balance !== null) return "stale";
  return reading.error === null ? "unknown" : "error";
}

/** A sample close to the last one replaces it, so that hours fit. */
function addSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const [at] = sample;
  const recent = samples.filter(([then]) => then < at && then > at - SAMPLES_KEPT_MS).slice(-MAX_SAMPLES);
  const [before, last] = recent.slice(-2);
  const isClose = before !== undefined && last !== undefined && last[0] - before[0] < SAMPLE_EVERY_MS;
  return [...(isClose ? recent.slice(0, -1) : recent), sample];
}
