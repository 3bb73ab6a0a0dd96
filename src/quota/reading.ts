// What is known of one account from one source: the last balance, when it was read, what went wrong since, and how it went
// down lately. A lookup that fails changes nothing about the balance.
// Pure.
import type { Balance } from "./balance.ts";
import { type Judgement, judge } from "./judge.ts";

/** [wall clock in ms, what was left then] */
export type Sample = readonly [at: number, left: number];

export interface Reading {
  /** Who said so: a provider's id, "headers", "budget". */
  readonly source: string;
  /** The last one that was recognised. */
  readonly balance: Balance | null;
  /** Wall clock, ms, of that. */
  readonly at: number;
  /** Wall clock, ms, of the last try. */
  readonly triedAt: number;
  /** What went wrong with the last try. In English: it is stored. */
  readonly error: string | null;
  /** The place does not offer it. */
  readonly isUnsupported: boolean;
  /** By the meter's name, the oldest first. */
  readonly samples: Readonly<Record<string, readonly Sample[]>>;
}

export type ReadingState = Judgement["state"] | "unknown" | "stale" | "error";

/** So long a balance is believed that nothing newer replaces. */
const BELIEVED_MS = 3_600_000;
const SAMPLE_EVERY_MS = 300_000;
const SAMPLES_KEPT_MS = 6 * 3_600_000;
const MAX_SAMPLES = 80;

export function makeReading(source: string): Reading {
  return {
    source,
    balance: null,
    at: 0,
    triedAt: 0,
    error: null,
    isUnsupported: false,
    samples: {},
  };
}

/** After a try that gave a balance. `now`: wall clock, ms. */
export function withBalance(reading: Reading, balance: Balance, now: number): Reading {
  const samples = Object.fromEntries(
    balance.meters
      .filter(({ isRate }) => isRate !== true)
      .flatMap(({ left, name }) =>
        left === null ? [] : [[name, addSample(reading.samples[name] ?? [], [now, left])] as const],
      ),
  );
  return { ...reading, balance, at: now, triedAt: now, error: null, isUnsupported: false, samples };
}

/** After a try that did not. */
export function withError(
  reading: Reading,
  {
    error,
    isUnsupported,
    now,
  }: { readonly error: string; readonly isUnsupported: boolean; readonly now: number },
): Reading {
  return { ...reading, triedAt: now, error, isUnsupported };
}

/**
 * What the reading means now; null where it means nothing. `intervalMs`: how often it is asked for, 0 for one that
 * comes by itself.
 */
export function judgeReading({ at, balance }: Reading, now: number, intervalMs: number): Judgement | null {
  return balance === null || now > believedUntil(at, intervalMs) ? null : judge(balance, now);
}

/** Wall clock, ms, of the reading's end. */
export function believedUntil(at: number, intervalMs: number): number {
  return at + Math.max(BELIEVED_MS, 2 * intervalMs);
}

/** The judgement as a word for people and scripts. */
export function stateOf(reading: Reading, now: number, intervalMs: number): ReadingState {
  const judgement = judgeReading(reading, now, intervalMs);
  if (judgement !== null) return judgement.state;
  if (reading.balance !== null) return "stale";
  return reading.error === null ? "unknown" : "error";
}

/** Close ones are taken together, so that hours fit. */
function addSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const [at] = sample;
  const kept = samples.filter(([then]) => then < at && then > at - SAMPLES_KEPT_MS).slice(-MAX_SAMPLES);
  const [before, last] = kept.slice(-2);
  const isClose = before !== undefined && last !== undefined && last[0] - before[0] < SAMPLE_EVERY_MS;
  return [...(isClose ? kept.slice(0, -1) : kept), sample];
}
