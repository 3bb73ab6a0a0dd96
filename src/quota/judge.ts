// What a balance means for the order of the upstreams: is there enough, little, or nothing, and until when.
// Pure.
import type { Balance, Meter } from "./balance.ts";

export interface Judgement {
  readonly state: "ok" | "low" | "exhausted" | "unlimited";
  /** When what is gone, or nearly so, comes back, wall clock in ms; null where nobody said. */
  readonly until: number | null;
  /** The meter that decides. */
  readonly meter: Meter | null;
}

/** This share of a limit is little: new sessions begin elsewhere. */
const LOW_SHARE = 0.1;
/** So much money is little where no limit is known. */
const LOW_AMOUNT: Readonly<Record<string, number>> = { USD: 1, CNY: 7 };

/** `now`: wall clock, ms. A meter whose reset has passed is full again, whatever it showed. */
export function judge({ isUnlimited, meters, says }: Balance, now: number): Judgement {
  if (isUnlimited) return { state: "unlimited", until: null, meter: null };
  const current = meters
    .filter(({ isRate }) => isRate !== true)
    .map((meter) => (isReset(meter, now) ? { ...meter, left: null } : meter));
  const gone = current.filter(({ left }) => left === 0);
  // The account's word was about meters of which none is at its end any more.
  const isOver = gone.length === 0 && meters.some((meter) => meter.left === 0 && isReset(meter, now));
  const word = says === "exhausted" && isOver ? null : says;
  const tightest = current.toSorted((one, other) => shareOf(one) - shareOf(other))[0] ?? null;
  if (word === "exhausted" || (gone.length > 0 && word === null)) {
    const ends = gone.map(({ resetsAt }) => resetsAt);
    const until =
      ends.some((end) => end === null) || ends.length === 0 ? null : Math.max(...ends.map(Number));
    const meter = gone.toSorted((one, other) => (other.resetsAt ?? 0) - (one.resetsAt ?? 0))[0] ?? tightest;
    return { state: "exhausted", until, meter };
  }
  const isLow = word === "low" || current.some(isNearlyGone);
  return isLow
    ? { state: "low", until: tightest?.resetsAt ?? null, meter: tightest }
    : { state: "ok", until: null, meter: tightest };
}

function isReset({ resetsAt }: Meter, now: number): boolean {
  return resetsAt !== null && resetsAt <= now;
}

function isNearlyGone({ left, limit, unit }: Meter): boolean {
  if (left === null) return false;
  return limit === null ? left < (LOW_AMOUNT[unit] ?? 0) : left <= limit * LOW_SHARE;
}

/** For comparing: how full. One without a limit counts as full until it is nearly gone. */
function shareOf(meter: Meter): number {
  const { left, limit } = meter;
  if (left === null) return 2;
  if (limit !== null) return left / limit;
  return isNearlyGone(meter) ? 0 : 1;
}
