// What the answers of vendors and relays mean: bodies in, a balance out. They are of third parties and change: fields may be
// missing, numbers may be text. What is not understood is null, never "enough".
// Pure.
import { type JsonRecord, isRecord, stringOr } from "../base/json-value.ts";
import { parseInstantMs } from "../routing/durations.ts";
import {
  type Balance,
  type Meter,
  UNCAPPED,
  UNLIMITED,
  makeBalance,
  makeMeter,
  readAmount,
  scaleMeter,
} from "./balance.ts";

/** What a reader may need beside the bodies. */
export interface ReadContext {
  /** What the site says of itself; null where it does not. */
  readonly site: JsonRecord | null;
  /** Of the upstream's base URL. */
  readonly path: string;
  /** The address that was asked. */
  readonly endpoint: string;
  /** Wall clock, ms. */
  readonly now: number;
}

export type Read = (body: JsonRecord, second: JsonRecord, context: ReadContext) => Balance | null;

/** Codes with which a body says that it is an answer. */
const OK_CODES: ReadonlySet<unknown> = new Set([undefined, null, true, 0, 200, 20_000, "0", "200", "20000"]);

/** An error in the form of an answer: its figures, if it has any, mean nothing. */
export function isError(body: JsonRecord): boolean {
  const { base_resp: base, code, error, ok, status, success } = body;
  if (error !== undefined && error !== null && error !== "" && error !== false) return true;
  if ([ok, status, success].includes(false) || /^(?:error|fail(?:ed|ure)?)$/i.test(stringOr(status, "")))
    return true;
  return !OK_CODES.has(code) || (isRecord(base) && !OK_CODES.has(base["status_code"]));
}

export const dataOf = (body: JsonRecord): JsonRecord => (isRecord(body["data"]) ? body["data"] : body);
export const listOf = (value: unknown): JsonRecord[] => (Array.isArray(value) ? value.filter(isRecord) : []);

/** That a key is valid until a time that has passed; zero and -1 mean that it stays so. */
const isExpired = (until: unknown, now: number): boolean => (parseInstantMs(until) ?? Infinity) <= now;

function balanceOf(left: unknown, unit = "USD"): Meter | null {
  return makeMeter({ name: "balance", unit, left, canBeDebt: true });
}

/** A panel's user: budgets and what was spent of them, in US dollars. */
export const readBudget: Read = (body) => {
  const user = dataOf(body);
  const budget = (name: string, word: string): Meter | null =>
    makeMeter({ name, unit: "USD", limit: user[`${word}_budget_usd`], used: user[`${word}_spent_usd`] });
  const budgets = makeBalance([budget("day", "daily"), budget("week", "weekly"), budget("month", "monthly")]);
  if (budgets !== null) return budgets;
  const { total_quota: limit, used_quota: used, remaining_quota: left, balance_usd: balance } = user;
  return makeBalance([makeMeter({ name: "quota", unit: "quota", limit, used, left }) ?? balanceOf(balance)]);
};

/** YesCode: a subscription that is filled up daily and capped weekly, and money beside it that lasts. */
export const readYescode: Read = (body) => {
  const user = dataOf(body);
  const plan = isRecord(user["subscription_plan"]) ? user["subscription_plan"] : {};
  const week = makeMeter({
    name: "week",
    unit: "USD",
    limit: plan["weekly_limit"] ?? user["weekly_limit"],
    used: user["current_week_spend"] ?? user["weekly_spent_balance"],
  });
  const subscription = readAmount(user["subscription_balance"]);
  const money = readAmount(user["pay_as_you_go_balance"]);
  const balance = (left: unknown): Balance | null => makeBalance([balanceOf(left)]);
  if (user["balance_preference"] === "payg_only") return balance(money);
  if (subscription === null || money === null) {
    // One half that is empty says nothing about the other.
    const half = subscription ?? money ?? 0;
    return balance(user["total_balance"] ?? user["balance"] ?? (half > 0 ? half : null));
  }
  if (money > 0) return balance(money + (week?.left === 0 ? 0 : Math.max(0, subscription)));
  const day = makeMeter({ name: "day", unit: "USD", left: subscription, limit: plan["daily_balance"] });
  return day === null ? balance(subscription) : makeBalance([day, week]);
};

/** new-api and one-api count in these; a site may choose another number. */
const QUOTA_PER_USD = 500_000;
/** What one-api and its family say for "no limit". */
const ONE_API_UNLIMITED = 100_000_000;
/** Nobody has so many dollars: it is a number of tokens, of a site that does not say so. */
const LARGEST_MONEY = 100_000;

/** In what a site shows money, and what one of it is in quota units: `/api/status` of one-api and new-api. */
function readSite(site: JsonRecord | null): { readonly unit: string; readonly divisor: number } | null {
  const facts = site === null ? {} : dataOf(site);
  const perUsd = readAmount(facts["quota_per_unit"]) ?? 0;
  const divisor = perUsd > 0 ? perUsd : QUOTA_PER_USD;
  const type = stringOr(facts["quota_display_type"], facts["display_in_currency"] === false ? "TOKENS" : "");
  if (type === "TOKENS") return { unit: "tokens", divisor: 1 };
  if (type !== "CNY" && type !== "CUSTOM") return site === null ? null : { unit: "USD", divisor };
  const rate = readAmount(facts[type === "CNY" ? "usd_exchange_rate" : "custom_currency_exchange_rate"]) ?? 0;
  const unit = type === "CNY" ? "CNY" : stringOr(facts["custom_currency_symbol"], "units").slice(0, 8);
  return rate > 0 ? { unit, divisor: divisor / rate } : { unit: "quota", divisor: 1 };
}

/** new-api: the key's own quota, in its units. */
export const readNewApiToken: Read = (body, _second, { now, site }) => {
  const data = body["data"];
  if (!isRecord(data) || (body["code"] !== true && body["success"] !== true)) return null;
  if (isExpired(data["expires_at"], now)) return null;
  if (data["unlimited_quota"] === true) return UNLIMITED;
  const { total_available: left, total_granted: limit, total_used: used } = data;
  // Nothing was ever given to it, or an error is shown as zeros.
  if ((readAmount(limit) ?? readAmount(left) ?? 0) <= 0) return null;
  const meter = makeMeter({ name: "key", unit: "quota", left, limit, used });
  const { divisor, unit } = readSite(site) ?? { divisor: QUOTA_PER_USD, unit: "USD" };
  return makeBalance([meter === null ? null : scaleMeter(meter, divisor, unit)]);
};

/** The two routes that one-api and its family took over from OpenAI. Their figures are in what the site shows. */
export const readOpenaiBilling: Read = (subscription, usage, { now, site }) => {
  const limit = readAmount(subscription["hard_limit_usd"]);
  const hundredths = readAmount(usage["total_usage"]);
  if (limit === null || isExpired(subscription["access_until"], now)) return null;
  const known = readSite(site)?.unit;
  if (known === "tokens" ? limit === ONE_API_UNLIMITED : limit >= ONE_API_UNLIMITED) return UNLIMITED;
  const unit = known ?? (limit > LARGEST_MONEY ? "quota" : "USD");
  return makeBalance([
    makeMeter({ name: "key", unit, limit, used: hundredths === null ? null : hundredths / 100 }),
  ]);
};

/** LiteLLM: the key's budget, and when it is filled up again. Without one, its team or user may have one. */
export const readLitellm: Read = (body, _second, { now }) => {
  const info = isRecord(body["info"]) ? body["info"] : {};
  if (isExpired(info["expires"], now)) return null;
  const { budget_duration: span, budget_reset_at: reset, max_budget: limit, spend: used } = info;
  if (limit === null && readAmount(used) !== null) return UNCAPPED;
  const name = /^\d{1,4}[hdm]$/.exec(stringOr(span, ""))?.[0] ?? "key";
  return makeBalance([makeMeter({ name, unit: "USD", limit, used, resetsAt: parseInstantMs(reset) })]);
};

const DAY_MS = 86_400_000;
/** How sub2api calls the plan of a key that draws on its user's wallet. */
const SUB2API_WALLET = "钱包余额";

/** sub2api, older builds and newer ones: a key's quota, its windows, a subscription's windows, a wallet. */
export const readSub2api: Read = (whole, _second, { now }) => {
  const body = dataOf(whole);
  const { balance, expires_at: end, isValid, planName, rate_limits: limits, remaining, status } = body;
  // A key that has expired is still one that is known.
  if (isValid === false || isExpired(end, now)) return null;
  if (/^(?:expired|disabled|inactive)$/.test(stringOr(status, ""))) return null;
  const unitOf = (record: JsonRecord): string => stringOr(record["unit"], "USD");
  const quota = isRecord(body["quota"]) ? body["quota"] : {};
  const plan = isRecord(body["subscription"]) ? body["subscription"] : {};
  if (isExpired(plan["expires_at"], now)) return null;
  const subscription = (name: string, word: string, days: number): Meter | null => {
    const start = parseInstantMs(plan[`${word}_window_start`]);
    return makeMeter({
      name,
      unit: "USD",
      limit: plan[`${word}_limit_usd`],
      used: plan[`${word}_usage_usd`],
      resetsAt: start === null ? null : start + days * DAY_MS,
    });
  };
  const meters = [
    makeMeter({
      name: "key",
      unit: unitOf(quota),
      limit: quota["limit"],
      used: quota["used"],
      left: quota["remaining"],
    }),
    ...listOf(limits).map(({ limit, remaining: left, reset_at: reset, used, window }) =>
      makeMeter({
        name: stringOr(window, "window"),
        unit: "USD",
        limit,
        used,
        left,
        resetsAt: parseInstantMs(reset),
      }),
    ),
    subscription("day", "daily", 1),
    subscription("week", "weekly", 7),
    subscription("month", "monthly", 30),
  ];
  const counted = makeBalance(meters, /exhausted/.test(stringOr(status, "")) ? "exhausted" : null);
  if (counted !== null) return counted;
  // Of a subscription without any limit. A wallet may be at -1.
  const isWallet = balance !== undefined || planName === SUB2API_WALLET;
  if (readAmount(remaining) === -1 && !isWallet) return UNLIMITED;
  return makeBalance([balanceOf(remaining ?? balance, unitOf(body))]);
};

/** OpenRouter's key: its limit, of a day, week or month by UTC where it is filled up again. */
export const readOpenRouter: Read = (body, _second, { now }) => {
  const data = dataOf(body);
  const { expires_at: end, limit, limit_remaining: left, limit_reset: reset } = data;
  if (isExpired(end, now)) return null;
  if (limit === null) return UNCAPPED;
  const period = UTC_PERIODS[stringOr(reset, "")];
  if (readAmount(limit) === null) return null;
  const used = data[period === undefined ? (reset === null ? "usage" : "") : `usage_${String(reset)}`];
  const name = period?.name ?? "quota";
  return makeBalance([
    makeMeter({
      name,
      unit: "USD",
      limit,
      left,
      used,
      resetsAt: period?.endOf(now) ?? parseInstantMs(reset),
    }),
  ]);
};

const UTC_PERIODS: Readonly<
  Record<string, { readonly name: string; readonly endOf: (now: number) => number }>
> = {
  daily: { name: "day", endOf: (now) => utcDay(now, 1) },
  // Until Monday.
  weekly: { name: "week", endOf: (now) => utcDay(now, 7 - ((new Date(now).getUTCDay() + 6) % 7)) },
  monthly: {
    name: "month",
    endOf: (now) => Date.UTC(new Date(now).getUTCFullYear(), new Date(now).getUTCMonth() + 1, 1),
  },
};

function utcDay(now: number, days: number): number {
  const date = new Date(now);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() + days);
}

/** SiliconFlow: what was given and what was paid for, together. The site says the currency. */
export function readSiliconFlow(unit: string): Read {
  return (body) => {
    const { balance, chargeBalance, totalBalance } = dataOf(body);
    const [given, paid] = [readAmount(balance), readAmount(chargeBalance)];
    const sum = given === null || paid === null ? null : given + paid;
    return makeBalance([balanceOf(readAmount(totalBalance) ?? sum, unit)]);
  };
}

/** 88code: of several active plans any pays; the fullest one is told. */
export const read88code: Read = (body) => {
  const data = dataOf(body);
  const { subscriptionEntityList: list = [] } = data;
  const plans = listOf(list).filter(({ isActive }) => isActive !== false);
  const meters = [data, ...plans].map(({ creditLimit, currentCredits, subscriptionPlan: plan }) => {
    const limit = readAmount(creditLimit ?? (isRecord(plan) ? plan["creditLimit"] : undefined));
    return limit === null ? null : makeMeter({ name: "quota", unit: "credits", limit, left: currentCredits });
  });
  const known = meters.filter((meter) => meter !== null);
  const [fullest = null] = known.toSorted((one, other) => Number(other.left) - Number(one.left));
  // One that is not understood may be the one that pays.
  const isWhole = known.length === meters.length && Array.isArray(list);
  return fullest?.left === 0 && !isWhole ? null : makeBalance([fullest]);
};

/** Smaller ones are gifts beside a plan. */
const RIGHTCODE_SMALLEST = 10;

/** RightCode: plans that are valid for the upstream's path, filled up each day, and a balance beside them. Any of them pays. */
export const readRightcode: Read = (body, _second, { now, path }) => {
  const { balance, subscriptions } = body;
  const plans = listOf(subscriptions).filter(({ available_prefixes: prefixes, expired_at: end }) => {
    const isOver = (parseInstantMs(end) ?? Infinity) <= now;
    const isOther =
      Array.isArray(prefixes) && !prefixes.some((prefix) => `${path}/`.startsWith(`${String(prefix)}/`));
    return !isOver && !isOther;
  });
  const known = plans.flatMap((plan) => {
    const [total, rest] = [readAmount(plan["total_quota"]), readAmount(plan["remaining_quota"])];
    if (total === null || rest === null || typeof plan["reset_today"] !== "boolean") return [];
    // Before its refill of the day it still gets the whole quota.
    return [{ total, left: Math.max(0, plan["reset_today"] ? rest : rest + total) }];
  });
  const counted = known.filter(({ total }) => total >= RIGHTCODE_SMALLEST);
  const sum = (name: "left" | "total"): number => counted.reduce((all, plan) => all + plan[name], 0);
  const day = makeMeter({ name: "day", unit: "USD", left: sum("left"), limit: sum("total") });
  const money = balanceOf(balance);
  // What is not understood may be what pays.
  const isWhole =
    Array.isArray(subscriptions) && subscriptions.every(isRecord) && known.length === plans.length;
  const paying = [day, money].find((meter) => (meter?.left ?? 0) > 0);
  if (paying === undefined) return isWhole && money !== null ? makeBalance([day, money]) : null;
  return makeBalance(
    [day, money].map((meter) => (meter === null || meter === paying ? meter : { ...meter, isAside: true })),
  );
};
