// What an account has left, as allowances ("meters") in whatever unit the relay counts; and what that means for the order of
// the upstreams: is there enough, little, or nothing, and until when.
// Only figures that make sense become a meter; everything else is unknown, never zero.
// Pure.

/** One allowance: a balance, a key's limit, the use of some hours or days. At least `left` or `limit` is known. */
export interface Meter {
  /** "balance", "key", "day", "week", "month" of the calendar; windows by their length: "5h", "7d", "7d opus". */
  readonly name: string;
  readonly left: number | null;
  readonly used: number | null;
  readonly limit: number | null;
  /** "USD", "CNY", "%", or what the relay says. */
  readonly unit: string;
  /** When it is full again, wall clock in ms. */
  readonly resetsAt: number | null;
  /** Worth showing, and no reason to go elsewhere: a speed limit, full again in moments; a window of one model. */
  readonly isAside?: true;
}

/** All that one answer said. Each meter must have something left for the account to work. */
export interface Balance {
  /** Empty only where nothing is counted. */
  readonly meters: readonly Meter[];
  readonly isUnlimited: boolean;
  /** The key has no limit, and nothing says what the account behind it has left. */
  readonly isUncapped?: true;
  /** What the account says of itself beside the figures. "ok" and "low": it works although a meter is exhausted. */
  readonly says: "ok" | "low" | "exhausted" | null;
}

export interface MeterParts {
  readonly name: string;
  readonly unit: string;
  /** Numbers or numeric strings, as they came. */
  readonly left?: unknown;
  readonly used?: unknown;
  readonly limit?: unknown;
  readonly resetsAt?: number | null;
  /** Below zero is a debt: the vendor's own word for what is left, in which -1 does not mean "unlimited". */
  readonly canBeDebt?: boolean;
}

const LARGEST = 1e15;

/** A plain number, as a number or as text: "12.50", "0E-10". Null for NaN, infinities and anything else. */
export function readAmount(value: unknown): number | null {
  if (typeof value === "string" && !/^\s*[-+]?\d{1,15}(?:\.\d{1,20})?(?:e[-+]?\d{1,2})?\s*$/i.test(value))
    return null;
  const amount = typeof value === "string" || typeof value === "number" ? Number(value) : Number.NaN;
  return Math.abs(amount) <= LARGEST ? amount : null;
}

/**
 * A meter from what a relay said; null where that says nothing about what is left. A rest below zero is overspent where a limit
 * or `canBeDebt` proves it; else it is not believed: some mean "unlimited" by it. A limit of 0 means that there is none.
 */
export function makeMeter({
  canBeDebt = false,
  name,
  unit,
  resetsAt = null,
  ...said
}: MeterParts): Meter | null {
  const limit = readAmount(said.limit);
  if (limit !== null && limit <= 0) return null;
  const used = positive(said.used);
  const rest = readAmount(said.left);
  const isProven = canBeDebt || (limit !== null && unit !== "%");
  const given = rest === null || rest >= 0 ? rest : isProven ? 0 : null;
  const counted = limit === null || used === null ? null : Math.max(0, limit - used);
  const left = given ?? counted;
  if (left === null) return null;
  const spent = used ?? (limit === null ? null : Math.max(0, limit - left));
  return { name, unit, limit, left, used: spent, resetsAt };
}

/** The same figures in another unit. */
export function scaleMeter(meter: Meter, divisor: number, unit: string): Meter {
  const scale = (amount: number | null): number | null => (amount === null ? null : amount / divisor);
  return { ...meter, left: scale(meter.left), used: scale(meter.used), limit: scale(meter.limit), unit };
}

/** Null for no meter at all: nothing was recognised. */
export function makeBalance(meters: readonly (Meter | null)[], says: Balance["says"] = null): Balance | null {
  const known = meters.filter((meter) => meter !== null);
  return known.length === 0 && says === null ? null : { meters: known, isUnlimited: false, says };
}

export const UNLIMITED: Balance = { meters: [], isUnlimited: true, says: null };
export const UNCAPPED: Balance = { meters: [], isUnlimited: false, isUncapped: true, says: null };

function positive(value: unknown): number | null {
  const amount = readAmount(value);
  return amount === null || amount < 0 ? null : amount;
}

export interface Assessment {
  readonly state: "ok" | "low" | "exhausted" | "unlimited" | "no_key_limit";
  /** When what is exhausted or low is reset, wall clock in ms; null where that is unknown. */
  readonly until: number | null;
  /** The meter that decides. */
  readonly meter: Meter | null;
}

/** This share of a limit is little: new sessions begin elsewhere. */
const LOW_SHARE = 0.1;
/** So much money is little where no limit is known. */
const LOW_AMOUNT: Readonly<Record<string, number>> = { USD: 1, CNY: 7 };

/** `now`: wall clock, ms. A meter whose reset has passed is full again, whatever it showed. */
export function assess({ isUncapped, isUnlimited, meters, says }: Balance, now: number): Assessment {
  if (isUncapped === true) return { state: "no_key_limit", until: null, meter: null };
  if (isUnlimited) return { state: "unlimited", until: null, meter: null };
  const current = meters
    .filter(({ isAside }) => isAside !== true)
    .map((meter) => (isReset(meter, now) ? { ...meter, left: null } : meter));
  const exhausted = current.filter(({ left }) => left === 0);
  // What the account said was about meters that have all been reset since.
  const isOver = exhausted.length === 0 && meters.some((meter) => meter.left === 0 && isReset(meter, now));
  const stated = says === "exhausted" && isOver ? null : says;
  const tightest = current.toSorted((one, other) => shareOf(one) - shareOf(other))[0] ?? null;
  if (stated === "exhausted" || (exhausted.length > 0 && stated === null)) {
    const [last] = exhausted.toSorted((one, other) => endOf(other) - endOf(one));
    return { state: "exhausted", until: last?.resetsAt ?? null, meter: last ?? tightest };
  }
  const isLow = stated === "low" || current.some(isMeterLow);
  return isLow
    ? { state: "low", until: tightest?.resetsAt ?? null, meter: tightest }
    : { state: "ok", until: null, meter: tightest };
}

/** The same for one meter of a balance. Only a meter at zero shows that the account is exhausted. */
export function assessMeter(meter: Meter, { says }: Balance, now: number): Assessment {
  const isOther = says === "low" || (says === "exhausted" && meter.left !== 0);
  return assess({ meters: [meter], isUnlimited: false, says: isOther ? null : says }, now);
}

/** One that is not known comes after all others. */
function endOf({ resetsAt }: Meter): number {
  return resetsAt ?? Number.MAX_VALUE;
}

function isReset({ resetsAt }: Meter, now: number): boolean {
  return resetsAt !== null && resetsAt <= now;
}

function isMeterLow({ left, limit, unit }: Meter): boolean {
  if (left === null) return false;
  return limit === null ? left < (LOW_AMOUNT[unit] ?? 0) : left <= limit * LOW_SHARE;
}

/** For comparing: how full. One without a limit counts as full until it is low. */
function shareOf(meter: Meter): number {
  const { left, limit } = meter;
  if (left === null) return 2;
  if (limit !== null) return left / limit;
  return isMeterLow(meter) ? 0 : 1;
}
