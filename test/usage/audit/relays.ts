// A week of made-up traffic at forty relays: ten honest ones that look odd in one way each, and thirty that cheat in one way each.
// From a seed: lines as the log has them, and balances as they are read. What a line or a balance does not show is not given.
import type { LogRecord } from "../../../src/log/record.ts";
import type { Balances } from "../../../src/usage/audit/checks.ts";
import type { Pricer } from "../../../src/usage/prices.ts";
import { createRandom } from "../generated-answers.ts";

export const HONEST = [
  "plain",
  "its own snapshots",
  "aliases and makers",
  "[1m] and maps of the user's",
  "top-ups every day",
  "a clock that is five minutes late",
  "a key that others use",
  "two keys of one account",
  "a system prompt of its own",
  "slow, and often cut",
] as const;

export const DISHONEST = [
  "another model in 5 %",
  "another model in 30 %",
  "another model in 100 %",
  "tokens x1.2",
  "tokens x2",
  "a hidden multiplier of 1.5",
  "cache reads billed as fresh",
  "cache reads counted as fresh",
  "outputs padded by 40 %",
  "inputs cut at 25,000 tokens",
] as const;

export type Habit = (typeof HONEST)[number] | (typeof DISHONEST)[number];

export interface Relay {
  readonly label: string;
  readonly baseUrl: string;
  readonly habit: Habit;
  readonly isHonest: boolean;
  readonly records: readonly LogRecord[];
  readonly balances: Balances;
}

const WEEK_MS = 7 * 86_400_000;
const START_MS = Date.parse("2026-11-01T00:00:00Z");
const READ_EVERY_MS = 600_000;
const MODELS = [
  {
    asked: "gpt-5.5",
    snapshot: "gpt-5.5-2026-04-23",
    cheap: "gpt-5.4-mini",
    service: "codex",
    perByte: 0.236,
  },
  {
    asked: "claude-opus-4-5",
    snapshot: "claude-opus-4-5-20251101",
    cheap: "claude-haiku-4-5-20251001",
    service: "claude",
    perByte: 0.271,
  },
] as const;

/** `of`: requests of each relay. `dishonest`: relays for each way of cheating. */
export function makeRelays(
  seed: number,
  {
    costOf,
    dishonest = 3,
    of = 2000,
  }: { readonly costOf: Pricer["costOf"]; readonly dishonest?: number; readonly of?: number },
): Relay[] {
  const habits: readonly Habit[] = [...HONEST, ...Array.from({ length: dishonest }, () => DISHONEST).flat()];
  return habits.map((habit, index) =>
    makeRelay({ seed: seed * 1000 + index, label: `relay-${index + 1}#1`, habit, of, costOf }),
  );
}

interface RelayParts {
  readonly seed: number;
  readonly label: string;
  readonly habit: Habit;
  readonly of: number;
  readonly costOf: Pricer["costOf"];
}

function makeRelay({ costOf, habit, label, of, seed }: RelayParts): Relay {
  const random = createRandom(seed);
  const uniform = (from: number, to: number): number =>
    from + (random.int(1_000_000) / 1_000_000) * (to - from);
  const chance = (share: number): boolean => uniform(0, 1) < share;
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(uniform(1e-9, 1))) * Math.cos(2 * Math.PI * uniform(0, 1));
  const baseUrl = `https://${label.replace("#1", "")}.example/v1`;
  const hitRate = uniform(0.88, 0.98);
  const speed = uniform(30, 90) * (habit === "slow, and often cut" ? 0.4 : 1);
  const added = habit === "a system prompt of its own" ? 400 : uniform(0, 60);
  const records: LogRecord[] = [];
  /** What the account was charged: when, and how much. */
  const charges: (readonly [at: number, usd: number])[] = [];
  let at = START_MS + uniform(0, 3_600_000);
  const pause = WEEK_MS / of;
  while (records.length < of) {
    const model = random.pick(MODELS);
    const session = `${label}-${records.length}`;
    const language = 0.07 * normal();
    let bytes = uniform(25_000, 70_000);
    let before = 0;
    for (let left = 5 + random.int(30); left > 0 && records.length < of; left -= 1) {
      const text = Math.exp(language + 0.04 * normal());
      const isCut = habit === "inputs cut at 25,000 tokens";
      const whole = Math.round(bytes * model.perByte * text + added);
      const read = isCut ? Math.min(whole, 25_000) : whole;
      const hit = before > 0 && chance(hitRate) ? Math.min(before, read) : 0;
      const written = Math.max(5, Math.round(Math.exp(5.6 + normal())));
      const shown = Math.round(written * 3.7 * Math.exp(0.09 * normal()));
      const reasoning = model.service === "codex" ? Math.round(written * uniform(0, 1.5)) : 0;
      const isSwapped =
        (habit === "another model in 5 %" && chance(0.05)) ||
        (habit === "another model in 30 %" && chance(0.3)) ||
        habit === "another model in 100 %";
      const times = habit === "tokens x1.2" ? 1.2 : habit === "tokens x2" ? 2 : 1;
      const padding = habit === "outputs padded by 40 %" ? 1.4 : times;
      const cached = habit === "cache reads counted as fresh" ? 0 : Math.round(hit * times);
      const ttfbMs = uniform(600, 4000);
      const durationMs = Math.round(ttfbMs + ((written + reasoning) / speed) * 1000);
      const hasBroken = chance(habit === "slow, and often cut" ? 0.08 : 0.004);
      const input = Math.round(read * times);
      const isApart = model.service === "claude";
      const record: LogRecord = {
        timestamp_ms: Math.round(at),
        service: model.service,
        method: "POST",
        path: isApart ? "/v1/messages" : "/v1/responses",
        status_code: 200,
        duration_ms: durationMs,
        config_name: "main",
        upstream_base_url: baseUrl,
        upstream_label:
          habit === "two keys of one account" && chance(0.5) ? label.replace("#1", "#2") : label,
        id: `${label}-${records.length}`,
        model: habit === "[1m] and maps of the user's" && isApart ? `${model.asked}[1m]` : model.asked,
        ...(habit === "[1m] and maps of the user's" && !isApart ? { upstream_model: "house-gpt" } : {}),
        served_model: isSwapped ? model.cheap : nameOf(habit, model, chance(0.5)),
        request_bytes: Math.round(bytes),
        ...(random.int(16) === 0 && !hasBroken ? { output_bytes: shown } : {}),
        session_id: session,
        client: isApart ? "claude-cli/2.1.332" : "codex_exec/0.171.0",
        agent: "main",
        ttfb_ms: Math.round(ttfbMs),
        stream: true,
        outcome: hasBroken ? "cut" : "ok",
        usage: {
          input_tokens: isApart ? input - cached : input,
          cached_input_tokens: cached,
          output_tokens: Math.round((written + reasoning) * padding),
          reasoning_tokens: Math.round(reasoning * padding),
          total_tokens: input + Math.round((written + reasoning) * padding),
          ...(hasBroken ? { partial: true } : {}),
        },
      } as LogRecord;
      records.push(record);
      const late = habit === "a clock that is five minutes late" ? 300_000 : uniform(0, 20_000);
      charges.push([at + durationMs + late, chargeFor(habit, record, costOf)]);
      before = hasBroken ? 0 : read;
      at += durationMs + uniform(2_000, 40_000);
      bytes += uniform(1_500, 9_000);
    }
    at += pause * uniform(5, 30);
  }
  // The same account from elsewhere, at hours of its own.
  if (habit === "a key that others use")
    for (let other = START_MS; other < at; other += uniform(60_000, 1_200_000))
      charges.push([other, uniform(0, 0.4)]);
  const balances = readBalances(charges, {
    end: at,
    topUp: habit === "top-ups every day" ? 8 : 200,
    uniform,
  });
  return {
    label,
    baseUrl,
    habit,
    isHonest: (HONEST as readonly string[]).includes(habit),
    records,
    balances,
  };
}

function nameOf(habit: Habit, model: (typeof MODELS)[number], isEven: boolean): string {
  if (habit === "its own snapshots") return isEven ? model.snapshot : model.asked;
  if (habit === "aliases and makers")
    return isEven
      ? `${model.service === "claude" ? "anthropic" : "openai"}/${model.asked.toUpperCase()}`
      : model.snapshot;
  if (habit === "[1m] and maps of the user's" && model.service === "codex")
    return isEven ? "house-gpt" : model.snapshot;
  return model.asked;
}

function chargeFor(habit: Habit, record: LogRecord, costOf: Pricer["costOf"]): number {
  const { usage = {} } = record;
  const cached = usage.cached_input_tokens ?? 0;
  const isApart = record.service === "claude";
  const fresh = {
    ...usage,
    cached_input_tokens: 0,
    input_tokens: (usage.input_tokens ?? 0) + (isApart ? cached : 0),
  };
  const cost = costOf(habit === "cache reads billed as fresh" ? { ...record, usage: fresh } : record);
  const usd = cost.kind === "priced" ? cost.usd : 0;
  return habit === "a hidden multiplier of 1.5" ? usd * 1.5 : usd;
}

interface Account {
  readonly end: number;
  readonly topUp: number;
  readonly uniform: (from: number, to: number) => number;
}

/** Read after traffic, every ten minutes at most; topped up when little is left. */
function readBalances(
  charges: readonly (readonly [at: number, usd: number])[],
  { end, topUp, uniform }: Account,
): Balances {
  const sorted = charges.toSorted(([a], [b]) => a - b);
  const balances: (readonly [number, number])[] = [];
  let left = topUp;
  let index = 0;
  for (let at = START_MS; at < end + READ_EVERY_MS; at += READ_EVERY_MS + uniform(0, 60_000)) {
    for (let one = sorted[index]; one !== undefined && one[0] <= at; one = sorted[index]) {
      left -= one[1];
      index += 1;
    }
    if (left < topUp * 0.2) left += topUp * uniform(1, 2);
    balances.push([at, Math.round(left * 1e4) / 1e4]);
  }
  return balances;
}
