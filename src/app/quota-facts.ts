// What is left on one upstream, as rows of facts without secrets: one for each allowance that a source knows.
// Pure.
import { z } from "zod";
import type { Balance, Meter } from "../quota/balance.ts";
import { forecastEnd } from "../quota/forecast.ts";
import { judge } from "../quota/judge.ts";
import type { Source } from "../quota/note.ts";
import { stateOf } from "../quota/reading.ts";

const figure = z.number().nullable();
export const quotaRowSchema = z.looseObject({
  /** Who said so: a provider's id, "headers", "budget". */
  source: z.string(),
  /** Which allowance: "balance", "key", "day", "5h"; null where none is known. */
  window: z.string().nullable(),
  /** See ReadingState. */
  state: z.string(),
  left: figure,
  used: figure,
  limit: figure,
  unit: z.string().nullable(),
  /** Wall clock, as all times here. */
  resets_at_ms: figure,
  read_at_ms: figure,
  /** When it is at its end if the spending of the last hours goes on. */
  runs_out_at_ms: figure,
  /** What went wrong with the last lookup, in English. */
  error: z.string().nullable(),
});

export type QuotaRow = z.infer<typeof quotaRowSchema>;

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
