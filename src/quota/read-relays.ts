// Recognises what relays answer about a key: one function a kind, each from the parsed body to a balance, or to null for
// anything it does not know. The shapes are of third parties and change: fields may be missing, numbers may be text.
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

/** new-api counts in these; a site may choose another number. */
export const QUOTA_PER_USD = 500_000;
/** What one-api and its family say for "no limit". */
const ONE_API_UNLIMITED_USD = 100_000_000;

/** A panel's user: budgets and what was spent of them, in US dollars. */
export function readBudget(body: JsonRecord): Balance | null {
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
export function readYescode(body: JsonRecord): Balance | null {
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
export function readNewApiToken(body: JsonRecord, quotaPerUsd: number = QUOTA_PER_USD): Balance | null {
  const data = body["data"];
  if (!isRecord(data) || (body["code"] !== true && body["success"] !== true)) return null;
  if (data["unlimited_quota"] === true) return UNLIMITED;
  const { total_available: left, total_granted: limit, total_used: used } = data;
  // A key that was never given anything has a limit of 0, and nothing left: here that is what it says.
  const meter =
    readAmount(limit) === 0
      ? makeMeter({ name: "key", unit: "quota", left })
      : makeMeter({ name: "key", unit: "quota", left, limit, used });
  return makeBalance([meter === null ? null : scaleMeter(meter, quotaPerUsd, "USD")]);
}

/** sub2api, older builds and newer ones: a key's quota, its windows, a subscription's windows, a balance. */
export function readSub2api(body: JsonRecord): Balance | null {
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
export function readOpenaiBilling(subscription: JsonRecord, usage: JsonRecord): Balance | null {
  if ("error" in subscription || "error" in usage) return null;
  const limit = readAmount(subscription["hard_limit_usd"]);
  const cents = readAmount(usage["total_usage"]);
  if (limit === null) return null;
  if (limit >= ONE_API_UNLIMITED_USD) return UNLIMITED;
  return makeBalance([
    makeMeter({ name: "key", unit: "USD", limit, used: cents === null ? null : cents / 100 }),
  ]);
}
