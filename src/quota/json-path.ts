// Reads a balance by paths into the answer: for vendors whose answer is a few plain fields, and for endpoints that the user
// describes in usage_providers.json.
// Pure.
import { isRecord } from "../base/json-value.ts";
import { parseWhenMs } from "../routing/durations.ts";
import {
  type Balance,
  type Meter,
  UNCAPPED,
  makeBalance,
  makeMeter,
  readAmount,
  scaleMeter,
} from "./balance.ts";

/** Paths such as `data.limits[0].used`. */
export interface PathMap {
  readonly limit?: string | undefined;
  readonly used?: string | undefined;
  readonly remaining?: string | undefined;
  /** Epoch seconds or ms, RFC 3339, or how long it is until then, in seconds or as "1h30m". */
  readonly reset?: string | undefined;
  /** False: nothing is left, whatever the figures. */
  readonly available?: string | undefined;
  /** Where the unit is. */
  readonly currency?: string | undefined;
  /** Without a place for it. Default "USD". */
  readonly unit?: string | undefined;
  /** A list of wallets, one a currency, of which any pays. The paths of the figures begin in its entries. */
  readonly wallets?: string | undefined;
  /** A limit that is there and null: the key has none, and nothing says what the account has. */
  readonly nullMeansUncapped?: boolean;
  /** The vendor's own balance: below zero is a debt. */
  readonly canBeDebt?: boolean;
  /** What one unit is counted in: 100 for cents. */
  readonly divisor?: number | undefined;
}

/** Null where no path leads to a figure that makes sense. */
export function readByPath(body: unknown, map: PathMap, now: number): Balance | null {
  if (map.nullMeansUncapped === true && at(body, map.limit) === null) return UNCAPPED;
  const meter =
    map.wallets === undefined ? readMeter(body, map, now) : readWallets(at(body, map.wallets), map, now);
  const available = String(at(body, map.available)).toLowerCase();
  const says = NO.has(available) ? "exhausted" : YES.has(available) ? "ok" : null;
  // That it works says nothing about how much is left.
  if (meter === null) return says === "exhausted" ? makeBalance([], says) : null;
  return makeBalance([meter], says);
}

const NO: ReadonlySet<string> = new Set(["false", "0"]);
const YES: ReadonlySet<string> = new Set(["true", "1"]);

function readMeter(body: unknown, map: PathMap, now: number): Meter | null {
  const currency = at(body, map.currency);
  const unit = typeof currency === "string" && currency !== "" ? currency : (map.unit ?? "USD");
  // Per cent are of a hundred.
  const limit = at(body, map.limit) ?? (unit === "%" ? 100 * (map.divisor ?? 1) : undefined);
  const meter = makeMeter({
    name: readAmount(limit) === null ? "balance" : "quota",
    unit,
    limit,
    used: at(body, map.used),
    left: at(body, map.remaining),
    resetsAt: parseWhenMs(at(body, map.reset), now),
    canBeDebt: map.canBeDebt ?? false,
  });
  return meter === null ? null : scaleMeter(meter, map.divisor ?? 1, unit);
}

/** What a dollar is about worth: enough to tell which of two wallets is the fuller one. */
const PER_DOLLAR: Readonly<Record<string, number>> = { CNY: 7 };

/** The wallet that holds the most: an empty one beside it stops nothing. */
function readWallets(wallets: unknown, map: PathMap, now: number): Meter | null {
  const meters = Array.isArray(wallets) ? wallets.map((wallet: unknown) => readMeter(wallet, map, now)) : [];
  const worthOf = ({ left, unit }: Meter): number => (left ?? 0) / (PER_DOLLAR[unit] ?? 1);
  const known = meters.filter((meter) => meter !== null);
  return known.toSorted((one, other) => worthOf(other) - worthOf(one))[0] ?? null;
}

function at(body: unknown, path: string | undefined): unknown {
  return path === undefined ? undefined : lookUp(body, path);
}

/** The value at "data.limits[0].used"; undefined where there is none. */
function lookUp(value: unknown, path: string): unknown {
  let found = value;
  for (const [, name, index] of path.matchAll(/([^.[\]]+)|\[(\d{1,4})\]/g)) {
    if (name !== undefined) found = isRecord(found) && Object.hasOwn(found, name) ? found[name] : undefined;
    else found = Array.isArray(found) ? found[Number(index)] : undefined;
  }
  return found;
}
