// When an allowance will be used up, as a range: from the pace of the last half hour and of the last four hours, in time that was
// worked. Says nothing rather than something that may be far off.
// Pure.
import type { Meter } from "./balance.ts";
import type { Sample } from "./reading.ts";

/** Wall clock, ms: not before, and not after, if the work goes on as it did. */
export interface Forecast {
  readonly from: number;
  readonly to: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const FAST_MS = 30 * MINUTE;
const SLOW_MS = 4 * HOUR;
/** Without spending for so long the work has ended for now: when it goes on, nobody knows. */
const SILENT_MS = HOUR;
/** A longer gap between two requests is a pause, and no time that was worked. */
const PAUSE_MS = 30 * MINUTE;
/** A shorter look back says nothing. */
const LEAST_MS = 10 * MINUTE;
const FARTHEST_MS = 7 * 24 * HOUR;
/** A pace is not kept to the minute. */
const SOONER = 0.75;
const LATER = 1.3;
/** Beyond a few hours nights come in between: a working day is a third of a day. */
const AT_A_STRETCH_MS = 4 * HOUR;
const DAY_SHARE = 3;

/**
 * Null where nothing was spent or nothing lately, where it is full again before, and where that is too far off to say.
 * `samples`: the oldest first. `now`: wall clock, ms.
 */
export function forecastEnd(
  { left, resetsAt }: Meter,
  samples: readonly Sample[],
  now: number,
): Forecast | null {
  if (left === null || left <= 0) return null;
  const known = samples.filter(([at]) => at <= now && at > now - SLOW_MS - PAUSE_MS);
  const { falls, noise } = findFalls(known);
  const usualGapMs = median(known.slice(1).map(([at], index) => at - (known[index]?.[0] ?? at)));
  const last = falls.at(-1);
  if (last === undefined || now - last.at > Math.max(SILENT_MS, 2 * usualGapMs)) return null;
  const slow = paceOf(falls, now - SLOW_MS, usualGapMs);
  if (slow === null) return null;
  const fast = paceOf(falls, now - FAST_MS, usualGapMs) ?? slow;
  // What goes up and down again may be all that there is.
  const sure = 1 - noise / slow.spent;
  if (sure <= 0) return null;
  const soonestMs = (left / Math.max(fast.perMs, slow.perMs)) * SOONER;
  const latestMs = (left / (Math.min(fast.perMs, slow.perMs) * sure)) * LATER;
  const isLong = left / fast.perMs > AT_A_STRETCH_MS;
  const nightsMs = isLong ? Math.max(0, latestMs - AT_A_STRETCH_MS) * (DAY_SHARE - 1) : 0;
  const [from, to] = [now + soonestMs, now + latestMs + nightsMs];
  if (from > now + FARTHEST_MS || (resetsAt !== null && from >= resetsAt)) return null;
  return { from, to: Math.min(to, resetsAt ?? to, now + FARTHEST_MS) };
}

/** What was spent until a sample, since the one before it. */
interface Fall {
  readonly at: number;
  readonly gapMs: number;
  readonly spent: number;
}

/**
 * What went down, netted against what came up again: replicas of a relay that answer in turn, one behind the other, spend nothing.
 * A rise that lasts is a top-up or a reset. `noise`: the largest rise that did not.
 */
function findFalls(samples: readonly Sample[]): { readonly falls: readonly Fall[]; readonly noise: number } {
  const rises = samples.map(([, left], index) => left - (samples[index - 1]?.[1] ?? left));
  const passing = rises.filter((rise, index) => rise > 0 && isPassing(samples, index, rise));
  const noise = Math.max(0, ...passing);
  const parts: Sample[][] = [[]];
  for (const [index, sample] of samples.entries()) {
    if ((rises[index] ?? 0) > noise) parts.push([]);
    parts.at(-1)?.push(sample);
  }
  return { falls: parts.flatMap(listFalls), noise };
}

/** It was there shortly before, and is gone shortly after. */
function isPassing(samples: readonly Sample[], index: number, rise: number): boolean {
  const value = samples[index]?.[1] ?? 0;
  const before = samples.slice(Math.max(0, index - NEAR), index).map(([, left]) => left);
  const after = samples.slice(index + 1, index + 1 + NEAR).map(([, left]) => left);
  const wasThere = Math.max(...before) >= value - rise / 5;
  return wasThere && (after.length === 0 || Math.min(...after) <= value - (rise * 4) / 5);
}

const NEAR = 4;

/** Of what only goes down, as closely as that can be: neighbours that rise are taken together (isotonic regression). */
function listFalls(samples: readonly Sample[]): Fall[] {
  const pools: { sum: number; count: number }[] = [];
  for (const [, left] of samples) {
    let pool = { sum: left, count: 1 };
    for (let top = pools.at(-1); top !== undefined && meanOf(top) < meanOf(pool); top = pools.at(-1)) {
      pool = { sum: top.sum + pool.sum, count: top.count + pool.count };
      pools.pop();
    }
    pools.push(pool);
  }
  const fitted = pools.flatMap((pool) => Array.from({ length: pool.count }, () => meanOf(pool)));
  return samples.slice(1).flatMap(([at], index) => {
    const spent = (fitted[index] ?? 0) - (fitted[index + 1] ?? 0);
    return spent > 0 ? [{ at, gapMs: at - (samples[index]?.[0] ?? at), spent }] : [];
  });
}

function meanOf({ count, sum }: { readonly sum: number; readonly count: number }): number {
  return sum / count;
}

/** Spent from `since` on, and per ms of the time that was worked; null where that is too short. */
function paceOf(falls: readonly Fall[], since: number, usualGapMs: number) {
  const pauseMs = Math.max(PAUSE_MS, 2 * usualGapMs);
  let [spent, workedMs] = [0, 0];
  for (const [index, { at, gapMs, spent: more }] of falls.entries()) {
    if (at <= since) continue;
    const before = falls[index - 1];
    const passedMs = Math.max(gapMs, before === undefined ? 0 : at - before.at);
    spent += more;
    workedMs += passedMs > pauseMs ? usualGapMs : passedMs;
  }
  return workedMs < LEAST_MS ? null : { spent, perMs: spent / workedMs };
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}
