// What the answers of vendors about their coding plans mean: windows of hours, weeks and months, in requests or per cent.
// Pure.
import { type JsonRecord, isRecord, stringOr } from "../base/json-value.ts";
import { parseInstantMs, parseNumber } from "../routing/durations.ts";
import { type Meter, makeBalance, makeMeter, readAmount } from "./balance.ts";
import { nameWindow } from "./header-signals.ts";
import { type Read, dataOf, listOf } from "./readers.ts";

/**
 * Kimi Code: the plan's week and shorter windows, in requests as the plan counts them. Figures are text. Newer answers have the
 * shares that are used of its windows, beside these or in their place; where the two differ, what has less left counts: a share
 * may stay at nothing (MoonshotAI/kimi-code, issues 3908 and 3951).
 */
export const readKimiCode: Read = (body) => {
  const meterOf = (name: string, detail: JsonRecord): Meter | null =>
    makeMeter({
      name,
      unit: "requests",
      limit: detail["limit"],
      used: detail["used"],
      left: detail["remaining"],
      resetsAt: kimiReset(detail),
    });
  const windows = listOf(body["limits"]).map((one) => {
    const window = isRecord(one["window"]) ? one["window"] : {};
    const minutes = minutesOf(parseNumber(window["duration"]), stringOr(window["timeUnit"], ""));
    return meterOf(
      minutes === null ? "window" : nameWindow(minutes),
      isRecord(one["detail"]) ? one["detail"] : one,
    );
  });
  const counted = [isRecord(body["usage"]) ? meterOf("7d", body["usage"]) : null, ...windows];
  const pools = isRecord(body["usages"]) ? body["usages"] : {};
  const shares = Object.entries(KIMI_POOLS).map(([pool, name]) => {
    const one = isRecord(pools[pool]) ? pools[pool] : {};
    const share = readAmount(one["used_ratio"] ?? one["usedRatio"]);
    const used = share === null ? null : share * 100;
    return makeMeter({ name, unit: "%", limit: 100, used, resetsAt: kimiReset(one) });
  });
  const meters = new Map<string, Meter>();
  for (const meter of [...counted, ...shares]) {
    if (meter === null) continue;
    const known = meters.get(meter.name);
    if (known === undefined || shareOf(meter) < shareOf(known)) meters.set(meter.name, meter);
  }
  return makeBalance([...meters.values()]);
};

const shareOf = ({ left, limit }: Meter): number => (left ?? 0) / (limit ?? 1);

/** Of what a month has, a part is used for code: `limit_month_code` is no limit of its own. */
const KIMI_POOLS: Readonly<Record<string, string>> = {
  limit_5h: "5h",
  limit_7d: "7d",
  limit_month_total: "month",
};

function kimiReset(one: JsonRecord): number | null {
  return parseInstantMs(one["resetTime"] ?? one["resetAt"] ?? one["reset_time"] ?? one["reset_at"]);
}

const MINUTES: Readonly<Record<string, number>> = {
  minute: 1,
  hour: 60,
  day: 1_440,
  week: 10_080,
  month: 43_200,
};

function minutesOf(count: number | null, unit: string): number | null {
  const minutes = MINUTES[unit.toLowerCase().replace(/^time_unit_|s$/g, "")];
  return count === null || count <= 0 || minutes === undefined ? null : count * minutes;
}

/** By the `unit` of Z.AI's windows. */
const ZAI_UNITS: Readonly<Record<number, string>> = { 1: "day", 3: "hour", 4: "day", 5: "month", 6: "week" };

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
 * MiniMax: the token plan's windows in per cent of what is left; of older plans in prompts. Their `usage_count` is what was used
 * (openclaw, issues 81115 and 81156), but at the address of the coding plan what is left (MiniMax-AI/MiniMax-M2, issue 99).
 */
export const readMinimax: Read = (body, _second, { endpoint }) => {
  const countsLeft = /\/coding_plan\//.test(endpoint);
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
      const count = one[`current_${span}_usage_count`];
      const unit = percent === null ? "prompts" : "%";
      const said = percent === null && !countsLeft ? { used: count } : { left: percent ?? count };
      const meter = makeMeter({ name, unit, limit, resetsAt, ...said });
      return meter === null || !isAside ? meter : { ...meter, isAside };
    };
    return [
      meterOf("interval", one["start_time"], one["end_time"]),
      meterOf("weekly", one["weekly_start_time"], one["weekly_end_time"]),
    ];
  });
  return makeBalance(meters);
};
