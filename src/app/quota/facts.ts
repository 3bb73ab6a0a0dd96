// What is left on one upstream, as rows of facts without secrets: one for each allowance that a source knows.
// Pure.
import type { Balance, Meter } from "../../quota/balance.ts";
import { forecastEnd } from "../../quota/forecast.ts";
import { judge } from "../../quota/judge.ts";
import type { Source } from "../../quota/note.ts";
import { stateOf } from "../../quota/reading.ts";
import type { QuotaRow } from "../instance-answers.ts";

/** `now`: wall clock, ms. */
export function makeQuotaRows({ intervalMs, reading }: Source, now: number): QuotaRow[] {
  const { at, balance, error, samples, source } = reading;
  const state = stateOf(reading, now, intervalMs);
  const row = { source, ...NO_FIGURES, state, read_at_ms: balance === null ? null : at };
  if (balance === null || balance.meters.length === 0) return [{ ...row, error }];
  return balance.meters.map((meter, index): QuotaRow => {
    const { left, limit, name, resetsAt, unit, used } = meter;
    const isOver = resetsAt !== null && resetsAt <= now;
    return {
      ...row,
      state: state === "stale" ? state : stateOfMeter(meter, balance, now),
      window: name,
      left: isOver ? null : left,
      used: isOver ? null : used,
      limit,
      unit,
      resets_at_ms: isOver ? null : resetsAt,
      runs_out_at_ms: isOver || state === "stale" ? null : forecastEnd(meter, samples[name] ?? [], now),
      error: index === 0 ? error : null,
    };
  });
}

/** For a place that would know and could not be asked. */
export function makeErrorRow(source: string, error: string): QuotaRow {
  return { source, ...NO_FIGURES, state: "error", read_at_ms: null, error };
}

const NO_FIGURES = {
  window: null,
  left: null,
  used: null,
  limit: null,
  unit: null,
  resets_at_ms: null,
  runs_out_at_ms: null,
} as const;

function stateOfMeter(meter: Meter, { says }: Balance, now: number): string {
  // That the account is at its end is told by the meter that is.
  const own = says === "exhausted" && meter.left !== 0 ? null : says;
  return judge({ meters: [meter], isUnlimited: false, says: own === "low" ? null : own }, now).state;
}
