// What ordinary answers say about an account in their headers: the windows of a ChatGPT plan, of a Claude plan, and the speed
// limits of an API key. Costs an answer without such headers next to nothing.
// Pure.
import { parseInstantMs, parseNumber, parseWhenMs } from "../routing/durations.ts";
import { type Balance, type Meter, makeBalance, makeMeter } from "./balance.ts";

export interface SignalContext {
  /** Wall clock, ms. */
  readonly now: number;
  /** The host is the vendor's own. A relay passes on the headers of one account of many. */
  readonly isFirstParty: boolean;
}

/** Null without such headers. */
export function readHeaderSignals(headers: Headers, context: SignalContext): Balance | null {
  if (headers.has("x-codex-primary-used-percent")) return readCodex(headers, context);
  if (headers.has("anthropic-ratelimit-unified-status")) return readClaude(headers, context);
  if (headers.has("x-ratelimit-limit-requests")) return readRates(headers, OPENAI_RATES, context);
  if (headers.has("anthropic-ratelimit-requests-limit")) return readRates(headers, ANTHROPIC_RATES, context);
  return null;
}

function readCodex(headers: Headers, { isFirstParty, now }: SignalContext): Balance | null {
  const windows = ["primary", "secondary", "tertiary"].map((rank) => {
    const get = (name: string): string | null => headers.get(`x-codex-${rank}-${name}`);
    const minutes = parseNumber(get("window-minutes"));
    const after = parseNumber(get("reset-after-seconds"));
    const resetsAt = parseInstantMs(get("reset-at")) ?? (after === null ? null : now + after * 1_000);
    const hasLength = minutes !== null && minutes > 0;
    // Of a window that the plan does not have, only zeros are told.
    if (!hasLength && (parseNumber(get("used-percent")) ?? 0) === 0) return null;
    return makePercent(hasLength ? nameWindow(minutes) : rank, get("used-percent"), resetsAt);
  });
  const isTrue = (name: string): boolean =>
    /^(?:true|1)$/i.test(headers.get(`x-codex-credits-${name}`) ?? "");
  const hasCredits = isTrue("has-credits") || isTrue("unlimited");
  return makeBalance(windows, hasCredits || !isFirstParty ? "ok" : null);
}

/** "5h", "7d", and those of one model: "7d_opus". What is used beyond a plan (overage) is no window. */
const CLAUDE_WINDOW = /^anthropic-ratelimit-unified-(\d+[hd](?:[_-][a-z0-9]+)?)-utilization$/;

const CLAUDE_SAYS: Readonly<Record<string, Balance["says"]>> = {
  allowed: "ok",
  allowed_warning: "low",
  rejected: "exhausted",
};

function readClaude(headers: Headers, { isFirstParty }: SignalContext): Balance | null {
  const get = (name: string): string | null => headers.get(`anthropic-ratelimit-unified-${name}`);
  const windows = [...headers.keys()]
    .flatMap((header) => CLAUDE_WINDOW.exec(header)?.slice(1) ?? [])
    .map((id) => {
      const share = parseNumber(get(`${id}-utilization`));
      const [span = "", model] = id.split(/[_-]/);
      const name = model === undefined ? span : `${span} ${model}`;
      const meter = makePercent(
        name,
        share === null ? null : share * 100,
        parseInstantMs(get(`${id}-reset`)),
      );
      return meter === null || model === undefined ? meter : { ...meter, isAside: true as const };
    });
  // Refused for one model alone: the account works with the others.
  const isOfModel = /^(?:five_hour|seven_day)_./.test(get("representative-claim") ?? "");
  const says = isOfModel ? "ok" : (CLAUDE_SAYS[get("status") ?? ""] ?? "ok");
  const balance = makeBalance(windows, isFirstParty ? says : "ok");
  return balance === null || balance.meters.length === 0 ? null : balance;
}

interface RateNames {
  readonly things: readonly string[];
  readonly name: (thing: string, what: "limit" | "remaining" | "reset") => string;
}

const OPENAI_RATES: RateNames = {
  things: ["requests", "tokens"],
  name: (thing, what) => `x-ratelimit-${what}-${thing}`,
};
const ANTHROPIC_RATES: RateNames = {
  things: ["requests", "tokens", "input-tokens", "output-tokens"],
  name: (thing, what) => `anthropic-ratelimit-${thing}-${what}`,
};

function readRates(headers: Headers, { name, things }: RateNames, { now }: SignalContext): Balance | null {
  const rates = things.map((thing): Meter | null => {
    const meter = makeMeter({
      name: thing,
      unit: thing === "requests" ? thing : "tokens",
      limit: headers.get(name(thing, "limit")),
      left: headers.get(name(thing, "remaining")),
      resetsAt: parseWhenMs(headers.get(name(thing, "reset")), now),
    });
    return meter === null ? null : { ...meter, isAside: true };
  });
  return makeBalance(rates);
}

function makePercent(name: string, used: unknown, resetsAt: number | null): Meter | null {
  return makeMeter({ name, unit: "%", limit: 100, used, resetsAt });
}

/** Only the length tells which window it is: the first one may be the week. Some are told a minute short: 299, 10079. */
export function nameWindow(told: number): string {
  const hours = Math.round(told / 60) * 60;
  const minutes = hours > 0 && Math.abs(told - hours) <= 1 ? hours : told;
  if (minutes >= 28 * 1_440) return "month";
  if (minutes % 1_440 === 0) return `${minutes / 1_440}d`;
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`;
}
