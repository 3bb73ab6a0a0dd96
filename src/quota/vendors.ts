// The vendors and kinds of relays that tell a balance, one row each: where it is asked, how it is recognised, how its answer
// is read. The names in usage_providers.json and the tables of docs/quota.md follow from the rows. Answers are of third
// parties and change: fields may be missing, numbers may be text; a reader gives null for what it does not know.
// Pure.
import { type JsonRecord, isRecord, stringOr } from "../base/json-value.ts";
import { parseInstantMs } from "../routing/durations.ts";
import {
  type Balance,
  type Meter,
  UNLIMITED,
  makeBalance,
  makeMeter,
  readAmount,
  scaleMeter,
} from "./balance.ts";
import { type PathMap, readByPath } from "./json-path.ts";

export interface Vendor {
  /** How the token is sent. */
  readonly auth: "bearer" | "x-api-key";
  /** Its one address. An upstream at this host is recognised by it. */
  readonly endpoint?: string;
  /** Where a relay is asked, below its base URL without /v1. `now`: wall clock, ms. */
  readonly paths?: (now: number) => readonly string[];
  /** On every answer of a relay with this software: it is recognised by it. */
  readonly header?: string;
  /** One body for each path. */
  readonly read: (body: JsonRecord, second: JsonRecord) => Balance | null;
  /** What its figures are, for the documentation. */
  readonly reads: string;
}

/** new-api counts in these; a site may choose another number. */
const QUOTA_PER_USD = 500_000;
/** What one-api and its family say for "no limit". */
const ONE_API_UNLIMITED_USD = 100_000_000;
/** Relays count all that was ever used in this span. */
const BILLING_SPAN_MS = 99 * 86_400_000;

/** By the `kind` in usage_providers.json. One without an address needs an `endpoint` of the user. */
const KINDS = {
  budget_http_json: {
    auth: "bearer",
    read: readBudget,
    reads: "daily, weekly and monthly budget and what was spent; else balance",
  },
  yescode_profile: {
    auth: "x-api-key",
    read: readYescode,
    reads: "subscription with its weekly cap, and the pay-as-you-go balance",
  },
  newapi_token: {
    auth: "bearer",
    paths: () => ["/api/usage/token/"],
    header: "x-new-api-version",
    read: readNewApiToken,
    reads: "the key's quota; 500,000 units are a dollar",
  },
  sub2api_usage: {
    auth: "bearer",
    paths: () => ["/v1/usage"],
    read: readSub2api,
    reads: "the key's quota, its windows, a subscription's windows, balance",
  },
} satisfies Readonly<Record<string, Vendor>>;

/** By the `preset` of kind json_path. */
const PRESETS = {
  openrouter: {
    auth: "bearer",
    endpoint: "https://openrouter.ai/api/v1/key",
    read: byPaths({ limit: "data.limit", remaining: "data.limit_remaining", nullMeansUnlimited: true }),
    reads: "the key's limit",
  },
  deepseek: {
    auth: "bearer",
    endpoint: "https://api.deepseek.com/user/balance",
    read: byPaths({
      wallets: "balance_infos",
      remaining: "total_balance",
      currency: "currency",
      available: "is_available",
    }),
    reads: "balance; if there are wallets in several currencies, the largest one",
  },
  moonshot: {
    auth: "bearer",
    endpoint: "https://api.moonshot.cn/v1/users/me/balance",
    read: byPaths({ remaining: "data.available_balance", unit: "CNY" }),
    reads: "balance in CNY",
  },
  moonshot_ai: {
    auth: "bearer",
    endpoint: "https://api.moonshot.ai/v1/users/me/balance",
    read: byPaths({ remaining: "data.available_balance", unit: "USD" }),
    reads: "balance in USD",
  },
  openai_billing: {
    auth: "bearer",
    paths: listBillingPaths,
    header: "x-oneapi-request-id",
    read: readOpenaiBilling,
    reads: "the key's limit and what was used of it",
  },
} satisfies Readonly<Record<string, Vendor>>;

export type KindName = keyof typeof KINDS;
export type PresetName = keyof typeof PRESETS;
export type VendorName = KindName | PresetName;

/** A relay that answers with the headers of two is of the first of them: new-api sets one-api's header too. */
export const VENDORS: Readonly<Record<VendorName, Vendor>> = { ...KINDS, ...PRESETS };
export const KIND_NAMES = namesOf(KINDS);
export const PRESET_NAMES = namesOf(PRESETS);

/** For an endpoint that the user describes. */
export function makePathVendor(map: PathMap): Vendor {
  return { auth: "bearer", read: byPaths(map), reads: "the fields that `paths` names" };
}

/** Empty where only the user can say. `root`: the base URL without /v1. */
export function urlsOf({ endpoint, paths }: Vendor, root: string, now: number): readonly string[] {
  if (endpoint !== undefined) return [endpoint];
  return (paths?.(now) ?? []).map((path) => root + path);
}

export function isVendorName(name: string): name is VendorName {
  return Object.hasOwn(VENDORS, name);
}

const ALL = namesOf(VENDORS).map((name) => ({ name, ...VENDORS[name] }));
const BY_HOST = new Map(ALL.map(({ endpoint, name }) => [endpoint?.split("/")[2], name]));

/** By the host of an upstream, without a request. */
export function recogniseHost(host: string): VendorName | null {
  return BY_HOST.get(host) ?? null;
}

/** By the headers of an upstream's answer. */
export function recogniseHeaders(headers: Headers): VendorName | null {
  return ALL.find(({ header }) => header !== undefined && headers.has(header))?.name ?? null;
}

function namesOf<T extends object>(rows: T): (keyof T & string)[] {
  return Object.keys(rows) as (keyof T & string)[];
}

function byPaths(map: PathMap): Vendor["read"] {
  return (body) => readByPath(body, map);
}

/** A panel's user: budgets and what was spent of them, in US dollars. */
function readBudget(body: JsonRecord): Balance | null {
  const user = isRecord(body["data"]) ? body["data"] : body;
  const budget = (name: string, word: string): Meter | null =>
    makeMeter({ name, unit: "USD", limit: user[`${word}_budget_usd`], used: user[`${word}_spent_usd`] });
  const budgets = makeBalance([budget("day", "daily"), budget("week", "weekly"), budget("month", "monthly")]);
  if (budgets !== null) return budgets;
  const { total_quota: limit, used_quota: used, remaining_quota: left, balance_usd: balance } = user;
  const quota = makeMeter({ name: "quota", unit: "quota", limit, used, left });
  return makeBalance([quota ?? makeMeter({ name: "balance", unit: "USD", left: balance })]);
}

/** YesCode: a subscription that is filled up daily and capped weekly, and money beside it that lasts. */
function readYescode(body: JsonRecord): Balance | null {
  const user = isRecord(body["data"]) ? body["data"] : body;
  const plan = isRecord(user["subscription_plan"]) ? user["subscription_plan"] : {};
  const week = makeMeter({
    name: "week",
    unit: "USD",
    limit: plan["weekly_limit"] ?? user["weekly_limit"],
    used: user["current_week_spend"] ?? user["weekly_spent_balance"],
  });
  const subscription = readAmount(user["subscription_balance"]);
  const money = readAmount(user["pay_as_you_go_balance"]);
  const balance = (left: unknown): Balance | null =>
    makeBalance([makeMeter({ name: "balance", unit: "USD", left })]);
  if (user["balance_preference"] === "payg_only") return balance(money);
  if (subscription === null || money === null) {
    // One half that is empty says nothing about the other.
    const half = subscription ?? money ?? 0;
    return balance(user["total_balance"] ?? user["balance"] ?? (half > 0 ? half : null));
  }
  if (money > 0) return balance(money + (week?.left === 0 ? 0 : Math.max(0, subscription)));
  const day = makeMeter({ name: "day", unit: "USD", left: subscription, limit: plan["daily_balance"] });
  return day === null ? balance(subscription) : makeBalance([day, week]);
}

/** new-api: the key's own quota. */
function readNewApiToken(body: JsonRecord): Balance | null {
  const data = body["data"];
  if (!isRecord(data) || (body["code"] !== true && body["success"] !== true)) return null;
  if (data["unlimited_quota"] === true) return UNLIMITED;
  const { total_available: left, total_granted: limit, total_used: used } = data;
  // A key that was never given anything has a limit of 0, and nothing left: here that is what it says.
  const meter =
    readAmount(limit) === 0
      ? makeMeter({ name: "key", unit: "quota", left })
      : makeMeter({ name: "key", unit: "quota", left, limit, used });
  return makeBalance([meter === null ? null : scaleMeter(meter, QUOTA_PER_USD, "USD")]);
}

/** sub2api, older builds and newer ones: a key's quota, its windows, a subscription's windows, a balance. */
function readSub2api(body: JsonRecord): Balance | null {
  if (body["isValid"] === false) return null;
  const unitOf = (record: JsonRecord): string => stringOr(record["unit"], "USD");
  const quota = isRecord(body["quota"]) ? body["quota"] : null;
  const windows = Array.isArray(body["rate_limits"]) ? body["rate_limits"].filter(isRecord) : [];
  const plan = isRecord(body["subscription"]) ? body["subscription"] : {};
  const subscription = (name: string, word: string): Meter | null =>
    makeMeter({ name, unit: "USD", limit: plan[`${word}_limit_usd`], used: plan[`${word}_usage_usd`] });
  const meters = [
    quota === null
      ? null
      : makeMeter({
          name: "key",
          unit: unitOf(quota),
          limit: quota["limit"],
          used: quota["used"],
          left: quota["remaining"],
        }),
    ...windows.map(({ limit, remaining, reset_at: reset, used, window }) =>
      makeMeter({
        name: stringOr(window, "window"),
        unit: "USD",
        limit,
        used,
        left: remaining,
        resetsAt: parseInstantMs(reset),
      }),
    ),
    subscription("day", "daily"),
    subscription("week", "weekly"),
    subscription("month", "monthly"),
  ];
  const counted = makeBalance(meters);
  if (counted !== null) return counted;
  if (readAmount(body["remaining"]) === -1) return UNLIMITED;
  const left = body["remaining"] ?? body["balance"];
  return makeBalance([makeMeter({ name: "balance", unit: unitOf(body), left })]);
}

/** The two routes that one-api and its family took over from OpenAI. Errors come as a 200 with `error`. */
function readOpenaiBilling(subscription: JsonRecord, usage: JsonRecord): Balance | null {
  if ("error" in subscription || "error" in usage) return null;
  const limit = readAmount(subscription["hard_limit_usd"]);
  const cents = readAmount(usage["total_usage"]);
  if (limit === null) return null;
  if (limit >= ONE_API_UNLIMITED_USD) return UNLIMITED;
  return makeBalance([
    makeMeter({ name: "key", unit: "USD", limit, used: cents === null ? null : cents / 100 }),
  ]);
}

function listBillingPaths(now: number): readonly string[] {
  const showDay = (at: number): string => new Date(at).toISOString().slice(0, 10);
  const from = showDay(now - BILLING_SPAN_MS);
  const to = showDay(now + 86_400_000);
  const billing = "/v1/dashboard/billing";
  return [`${billing}/subscription`, `${billing}/usage?start_date=${from}&end_date=${to}`];
}
