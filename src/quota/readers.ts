// What the answers of vendors and relays mean: bodies in, a balance out. They are of third parties and change: fields may be
// missing, numbers may be text. What is not understood is null, never "enough".
// Pure.
import { type JsonRecord, isRecord, stringOr } from "../base/json-value.ts";
import { parseInstantMs, parseNumber } from "../routing/durations.ts";
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
import { nameWindow } from "./header-signals.ts";

/** What a reader may need beside the bodies. */
export interface ReadContext {
  /** What the site says of itself; null where it does not. */
  readonly site: JsonRecord | null;
  /** Of the upstream's base URL. */
  readonly path: string;
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

const dataOf = (body: JsonRecord): JsonRecord => (isRecord(body["data"]) ? body["data"] : body);
const listOf = (value: unknown): JsonRecord[] => (Array.isArray(value) ? value.filter(isRecord) : []);

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
export const readNewApiToken: Read = (body, _second, { site }) => {
  const data = body["data"];
  if (!isRecord(data) || (body["code"] !== true && body["success"] !== true)) return null;
  if (data["unlimited_quota"] === true) return UNLIMITED;
  const { total_available: left, total_granted: limit, total_used: used } = data;
  // Nothing was ever given to it, or an error is shown as zeros.
  if ((readAmount(limit) ?? readAmount(left) ?? 0) <= 0) return null;
  const meter = makeMeter({ name: "key", unit: "quota", left, limit, used });
  const { divisor, unit } = readSite(site) ?? { divisor: QUOTA_PER_USD, unit: "USD" };
  return makeBalance([meter === null ? null : scaleMeter(meter, divisor, unit)]);
};

/** The two routes that one-api and its family took over from OpenAI. Their figures are in what the site shows. */
export const readOpenaiBilling: Read = (subscription, usage, { site }) => {
  const limit = readAmount(subscription["hard_limit_usd"]);
  const hundredths = readAmount(usage["total_usage"]);
  if (limit === null) return null;
  const known = readSite(site)?.unit;
  if (known === "tokens" ? limit === ONE_API_UNLIMITED : limit >= ONE_API_UNLIMITED) return UNLIMITED;
  const unit = known ?? (limit > LARGEST_MONEY ? "quota" : "USD");
  return makeBalance([
    makeMeter({ name: "key", unit, limit, used: hundredths === null ? null : hundredths / 100 }),
  ]);
};

/** LiteLLM: the key's budget, and when it is filled up again. Without one, its team or user may have one. */
export const readLitellm: Read = (body) => {
  const info = isRecord(body["info"]) ? body["info"] : {};
  const { budget_duration: span, budget_reset_at: reset, max_budget: limit, spend: used } = info;
  if (limit === null && readAmount(used) !== null) return UNCAPPED;
  const name = /^\d{1,4}[hdm]$/.exec(stringOr(span, ""))?.[0] ?? "key";
  return makeBalance([makeMeter({ name, unit: "USD", limit, used, resetsAt: parseInstantMs(reset) })]);
};

/** How sub2api calls the plan of a key that draws on its user's wallet. */
const SUB2API_WALLET = "钱包余额";

/** sub2api, older builds and newer ones: a key's quota, its windows, a subscription's windows, a wallet. */
export const readSub2api: Read = (whole) => {
  const body = dataOf(whole);
  const { balance, isValid, planName, rate_limits: limits, remaining, status } = body;
  if (isValid === false || /^(?:expired|disabled|inactive)$/.test(stringOr(status, ""))) return null;
  const unitOf = (record: JsonRecord): string => stringOr(record["unit"], "USD");
  const quota = isRecord(body["quota"]) ? body["quota"] : {};
  const plan = isRecord(body["subscription"]) ? body["subscription"] : {};
  const subscription = (name: string, word: string): Meter | null =>
    makeMeter({ name, unit: "USD", limit: plan[`${word}_limit_usd`], used: plan[`${word}_usage_usd`] });
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
    subscription("day", "daily"),
    subscription("week", "weekly"),
    subscription("month", "monthly"),
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
  const { limit, limit_remaining: left, limit_reset: reset } = data;
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

/** Kimi Code: the plan's week and shorter windows, in requests as the plan counts them. Figures are text. */
export const readKimiCode: Read = (body) => {
  const meterOf = (name: string, detail: JsonRecord): Meter | null => {
    const { limit, remaining: left, reset_at: resetAt, resetTime, used } = detail;
    return makeMeter({
      name,
      unit: "requests",
      limit,
      used,
      left,
      resetsAt: parseInstantMs(resetTime ?? resetAt),
    });
  };
  const windows = listOf(body["limits"]).map((one) => {
    const window = isRecord(one["window"]) ? one["window"] : {};
    const minutes = minutesOf(parseNumber(window["duration"]), stringOr(window["timeUnit"], ""));
    return meterOf(
      minutes === null ? "window" : nameWindow(minutes),
      isRecord(one["detail"]) ? one["detail"] : one,
    );
  });
  return makeBalance([isRecord(body["usage"]) ? meterOf("7d", body["usage"]) : null, ...windows]);
};

const MINUTES: Readonly<Record<string, number>> = { minute: 1, hour: 60, day: 1_440, week: 10_080 };

function minutesOf(count: number | null, unit: string): number | null {
  const minutes = MINUTES[unit.toLowerCase().replace(/^time_unit_|s$/g, "")];
  return count === null || count <= 0 || minutes === undefined ? null : count * minutes;
}

/** By the `unit` of Z.AI's windows; a month is 5 with a count of tools, and no window of tokens. */
const ZAI_UNITS: Readonly<Record<number, string>> = { 1: "day", 3: "hour", 4: "day", 6: "week" };

/** Z.AI and BigModel: the coding plan's windows in per cent of use. Calls of tools have a window of their own. */
export const readZai: Read = (body) => {
  const meters = listOf(dataOf(body)["limits"]).map((one): Meter | null => {
    const { currentValue, nextResetTime, number, percentage, remaining, unit, usage } = one;
    const type = stringOr(one["type"], stringOr(one["name"], ""));
    if (!/^(?:TOKENS|CREDIT|TIME)_LIMIT$/.test(type)) return null;
    const minutes = minutesOf(parseNumber(number), ZAI_UNITS[Number(unit)] ?? "");
    const isAside = type === "TIME_LIMIT";
    const name = isAside ? "tools" : minutes === null ? "window" : nameWindow(minutes);
    const share = readAmount(percentage);
    // `usage` is the limit.
    const counted = makeMeter({ name, unit: "%", limit: usage, left: remaining, used: currentValue });
    const used = share ?? (counted?.limit == null ? null : (1 - Number(counted.left) / counted.limit) * 100);
    const meter = makeMeter({ name, unit: "%", limit: 100, used, resetsAt: parseInstantMs(nextResetTime) });
    return meter === null || !isAside ? meter : { ...meter, isAside };
  });
  return makeBalance(meters);
};

/** Not part of what a coding client uses. */
const MINIMAX_OTHER = /video|hailuo|image|speech|music|voice|tts/i;
/** The plan does not have it, or has no limit there. */
const MINIMAX_NO_WINDOW = 3;

/**
 * MiniMax: the token plan's windows in per cent of what is left; of older plans in prompts, where `usage_count` is what is left
 * (MiniMax-AI/MiniMax-M2, issue 99).
 */
export const readMinimax: Read = (body) => {
  const data = Array.isArray(body["model_remains"]) ? body : dataOf(body);
  const meters = listOf(data["model_remains"]).flatMap((one): (Meter | null)[] => {
    const model = stringOr(one["model_name"], "");
    const isAside = MINIMAX_OTHER.test(model);
    const meterOf = (span: string, from: unknown, to: unknown): Meter | null => {
      if (one[`current_${span}_status`] === MINIMAX_NO_WINDOW) return null;
      const [start, resetsAt] = [parseInstantMs(from), parseInstantMs(to)];
      const minutes = start === null || resetsAt === null ? 0 : Math.round((resetsAt - start) / 60_000);
      const length = minutes > 0 ? nameWindow(minutes) : span === "weekly" ? "7d" : "5h";
      const name = isAside ? `${length} ${model}` : length;
      const percent = readAmount(one[`current_${span}_remaining_percent`]);
      const limit = percent === null ? one[`current_${span}_total_count`] : 100;
      if ((readAmount(limit) ?? 0) <= 0) return null;
      const left = percent ?? one[`current_${span}_usage_count`];
      const unit = percent === null ? "prompts" : "%";
      const meter = makeMeter({ name, unit, limit, left, resetsAt });
      return meter === null || !isAside ? meter : { ...meter, isAside };
    };
    return [
      meterOf("interval", one["start_time"], one["end_time"]),
      meterOf("weekly", one["weekly_start_time"], one["weekly_end_time"]),
    ];
  });
  return makeBalance(meters);
};

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
