// Puts together what several sources say about one upstream: the word for routing, and its reason.
// Pure.
import { kept } from "../base/language.ts";
import type { QuotaNote } from "../routing/types.ts";
import type { Meter } from "./balance.ts";
import { type Reading, judgeReading } from "./reading.ts";

export interface Source {
  readonly reading: Reading;
  /** How often it is asked for, ms; 0 for one that comes by itself. */
  readonly intervalMs: number;
}

const RANK = { exhausted: 2, low: 1, ok: 0, unlimited: 0 } as const;

/** The gravest word counts. Null where nobody says anything that can still be believed. `now`: wall clock, ms. */
export function makeNote(sources: readonly Source[], now: number): QuotaNote | null {
  const said = sources
    .flatMap(({ intervalMs, reading }) => {
      const judgement = judgeReading(reading, now, intervalMs);
      // Speed limits alone say nothing about what is left.
      const isSilent = judgement === null || (judgement.state === "ok" && judgement.meter === null);
      return isSilent ? [] : [{ ...judgement, at: reading.at, source: reading.source }];
    })
    .toSorted((one, other) => RANK[other.state] - RANK[one.state]);
  const [worst] = said;
  if (worst === undefined) return null;
  const { at, meter, source, state } = worst;
  if (state === "ok" || state === "unlimited") {
    return { state: "ok", at: Math.max(...said.map((one) => one.at)), until: null, reason: "" };
  }
  const ends = said.filter((one) => one.state === state).map(({ until }) => until);
  const until = ends.includes(null) ? null : Math.max(...ends.map(Number));
  return { state, at, until, reason: describeReason(source, meter) };
}

function describeReason(source: string, meter: Meter | null): string {
  if (meter === null) return kept`${source} says that nothing is left`;
  const words = describeMeter(meter);
  return source === "budget" ? kept`your budget: ${words}` : words;
}

/** "0.00 of 20.00 USD left (month)". In English: it is stored and sent. */
export function describeMeter({ left, limit, name, unit, used }: Meter): string {
  if (unit === "%") {
    const percent = Math.round(used ?? 0);
    return kept`${percent}% used (${name})`;
  }
  const rest = showAmount(left ?? 0, unit);
  const whole = showAmount(limit ?? 0, unit);
  return limit === null
    ? kept`${rest} ${unit} left (${name})`
    : kept`${rest} of ${whole} ${unit} left (${name})`;
}

/** Money to the cent; anything else as it is, to two digits. */
export function showAmount(amount: number, unit: string): string {
  if (unit === "USD" || unit === "CNY") return amount.toFixed(2);
  return String(Math.round(amount * 100) / 100);
}
