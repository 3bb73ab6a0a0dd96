// Reads a balance from places that are named rather than programmed: for vendors whose answer is a few plain fields, and
// for endpoints that the user describes in usage_providers.json.
// Pure.
import { isRecord } from "../base/json-value.ts";
import { parseInstantMs } from "../routing/durations.ts";
import { type Balance, UNLIMITED, makeBalance, makeMeter, readAmount, scaleMeter } from "./balance.ts";

/** Paths such as `data.limits[0].used`. */
export interface PathMap {
  readonly limit?: string | undefined;
  readonly used?: string | undefined;
  readonly remaining?: string | undefined;
  /** Epoch seconds or ms, RFC 3339. */
  readonly reset?: string | undefined;
  /** Says by false that nothing is left, whatever the figures. */
  readonly available?: string | undefined;
  /** Where the unit stands. */
  readonly currency?: string | undefined;
  /** Without a place for it. Default "USD". */
  readonly unit?: string | undefined;
  /** A limit that is there and null means that there is none. */
  readonly nullMeansUnlimited?: boolean;
  /** What one unit is counted in: 100 for cents. */
  readonly divisor?: number | undefined;
}

export interface Preset {
  readonly endpoint: string;
  readonly map: PathMap;
}

/** Keys are the `preset` of the file; the endpoint's host is the vendor's own. */
export const PRESETS = {
  openrouter: {
    endpoint: "https://openrouter.ai/api/v1/key",
    map: { limit: "data.limit", remaining: "data.limit_remaining", nullMeansUnlimited: true },
  },
  deepseek: {
    endpoint: "https://api.deepseek.com/user/balance",
    map: {
      remaining: "balance_infos[0].total_balance",
      currency: "balance_infos[0].currency",
      available: "is_available",
    },
  },
  moonshot: {
    endpoint: "https://api.moonshot.cn/v1/users/me/balance",
    map: { remaining: "data.available_balance", unit: "CNY" },
  },
  moonshot_ai: {
    endpoint: "https://api.moonshot.ai/v1/users/me/balance",
    map: { remaining: "data.available_balance", unit: "USD" },
  },
} as const satisfies Readonly<Record<string, Preset>>;

/** Null where none of the named places holds a figure that makes sense. */
export function readByPath(body: unknown, map: PathMap): Balance | null {
  const at = (path: string | undefined): unknown => (path === undefined ? undefined : lookUp(body, path));
  const limit = at(map.limit);
  if (limit === null && map.nullMeansUnlimited === true) return UNLIMITED;
  const currency = at(map.currency);
  const unit = typeof currency === "string" && currency !== "" ? currency : (map.unit ?? "USD");
  const used = at(map.used);
  const meter = makeMeter({
    name: readAmount(limit) === null ? "balance" : "quota",
    unit,
    limit,
    used,
    left: at(map.remaining),
    resetsAt: parseInstantMs(at(map.reset)),
  });
  const available = at(map.available);
  const says = available === false ? "exhausted" : available === true ? "ok" : null;
  // That it works says nothing about how much is left.
  if (meter === null) return says === "exhausted" ? makeBalance([], says) : null;
  return makeBalance([scaleMeter(meter, map.divisor ?? 1, unit)], says);
}

/** What stands at "data.limits[0].used"; undefined where there is no such place. */
function lookUp(value: unknown, path: string): unknown {
  let found = value;
  for (const [, name, index] of path.matchAll(/([^.[\]]+)|\[(\d{1,4})\]/g)) {
    if (name !== undefined) found = isRecord(found) && Object.hasOwn(found, name) ? found[name] : undefined;
    else found = Array.isArray(found) ? found[Number(index)] : undefined;
  }
  return found;
}
