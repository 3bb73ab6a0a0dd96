// What is known of one upstream's quota from all sources: the endpoint that is asked, the headers of its answers, the user's
// budget. Combined to a note for routing, and to rows without secrets for people and scripts. Asks and stores nothing.
// Pure.
import * as z from "zod/mini";
import type { Env } from "../base/env.ts";
import { type Text, fromEnglish, inEnglish, isText } from "../base/text.ts";
import { later } from "../base/later.ts";
import type { Upstream } from "../base/upstream.ts";
import type { QuotaNote, Reason } from "../routing/types.ts";
import { showAmount, showRest } from "./amounts.ts";
import { type Meter, assessMeter } from "./balance.ts";
import { forecastEnd } from "./forecast.ts";
import { type LookupChoice, chooseLookup } from "./lookup.ts";
import type { ProvidersFile } from "./providers.ts";
import { type Reading, assessReading, stateOf } from "./reading.ts";
import { type Reserve, readReserves } from "./reserve.ts";
import type { SavedReadings } from "./saved-readings.ts";

const figure = later(() => z.nullable(z.number()));
/** One allowance that a source knows, as it is sent. */
export const quotaRowSchema = later(() =>
  z.looseObject({
    /** Where it comes from: a provider's id, "headers", "budget". */
    source: z.string(),
    /** Which allowance: "balance", "key", "day", "5h"; null where none is known. */
    window: z.nullable(z.string()),
    /** See ReadingState. */
    state: z.string(),
    left: figure,
    used: figure,
    limit: figure,
    unit: z.nullable(z.string()),
    /** Wall clock, as all times here. */
    resets_at_ms: figure,
    read_at_ms: figure,
    /** When it runs out at the pace of the last hours: not before this. */
    runs_out_at_ms: figure,
    /** Nor after this; a proxy of an older version does not know. */
    runs_out_by_ms: z._default(figure, null),
    /** What went wrong with the last lookup, in English. */
    error: z.nullable(z.string()),
    /** The same as data: for a screen in another language. */
    error_text: z.optional(z.custom<Text>(isText)),
  }),
);
export type QuotaRow = z.infer<typeof quotaRowSchema>;

export interface QuotaSourcesOptions {
  readonly providers: ProvidersFile;
  readonly saved: Pick<SavedReadings, "readings" | "relays">;
  /** Null where the upstream has no budget. */
  readonly budgetOf: (upstream: Upstream) => Reading | null;
  readonly env: Env;
  readonly holder?: (() => Text) | undefined;
  /** Wall clock, ms. */
  readonly now: () => number;
}

export function createQuotaSources(options: QuotaSourcesOptions) {
  const { budgetOf, env, holder, now, providers, saved } = options;
  /** Which endpoint would be asked. */
  const lookupOf = (upstream: Upstream): LookupChoice =>
    chooseLookup({
      upstream,
      providers: providers.current().providers,
      env,
      holder,
      vendorAt: (host) => saved.relays.get(host) ?? null,
      now: now(),
    });

  const listSources = (upstream: Upstream, choice: LookupChoice): Source[] => {
    const lookup = choice.kind === "lookup" ? choice.lookup : null;
    const readings: [reading: Reading | null | undefined, intervalMs: number][] = [
      [lookup === null ? null : saved.readings.get(lookup.key), lookup?.intervalMs ?? 0],
      [saved.readings.get(headersKey(upstream)), 0],
      [budgetOf(upstream), 0],
    ];
    return readings.flatMap(([reading, intervalMs]) => (reading == null ? [] : [{ reading, intervalMs }]));
  };

  return {
    lookupOf,
    /** For routing. */
    noteOf: (upstream: Upstream): QuotaNote | null =>
      makeNote(
        listSources(upstream, lookupOf(upstream)).filter(
          // A budget that is spent is more than a note: it bars.
          ({ reading }) =>
            reading.source !== "budget" || assessReading(reading, now(), 0)?.state !== "exhausted",
        ),
        now(),
      ),
    /** What its owner keeps of its plan. */
    reservesOf: (upstream: Upstream): readonly Reserve[] =>
      upstream.keep === null
        ? NO_RESERVES
        : readReserves(upstream.keep, listSources(upstream, lookupOf(upstream)), now()),
    /** For people and scripts. */
    rowsOf(upstream: Upstream): QuotaRow[] {
      const choice = lookupOf(upstream);
      const rows = listSources(upstream, choice).flatMap((source) => makeQuotaRows(source, now()));
      if (choice.kind !== "refused") return rows;
      return [{ ...UNKNOWN_ROW, source: choice.source, state: "error", ...errorFields(choice.why) }, ...rows];
    },
  };
}

const NO_RESERVES: readonly Reserve[] = [];

/** The key of the reading from the headers of its answers. */
export function headersKey(upstream: Upstream): string {
  return `headers|${upstream.key}`;
}

export interface Source {
  readonly reading: Reading;
  /** How often it is polled, ms; 0 for one that is not. */
  readonly intervalMs: number;
}

const RANK = { exhausted: 2, low: 1, ok: 0, unlimited: 0, no_key_limit: 0 } as const;

/** The worst state counts, and of several the one that ends last. Null where no source has a reading that is still valid. `now`: wall clock, ms. */
export function makeNote(sources: readonly Source[], now: number): QuotaNote | null {
  const said = sources
    .flatMap(({ intervalMs, reading }) => {
      const assessment = assessReading(reading, now, intervalMs);
      // Speed limits alone say nothing about what is left, nor does a key without a limit: its account may be at its end.
      if (assessment === null || (assessment.meter === null && assessment.state !== "exhausted")) return [];
      return [{ ...assessment, at: reading.at, source: reading.source }];
    })
    .toSorted(
      (one, other) =>
        RANK[other.state] - RANK[one.state] ||
        (other.until ?? Number.MAX_VALUE) - (one.until ?? Number.MAX_VALUE),
    );
  const [worst] = said;
  if (worst === undefined) return null;
  const { at, meter, source, state, until } = worst;
  if (state !== "exhausted" && state !== "low") {
    return { state: "ok", at: Math.max(...said.map((one) => one.at)), until: null, reason: { rule: "ok" } };
  }
  const rule = SOURCE_RULES[source] ?? "quota-reading";
  return { state, at, until, reason: reasonOf(source, meter), source: { rule } };
}

/** Those that are no provider of the user's. */
const SOURCE_RULES: Readonly<Record<string, string>> = { budget: "quota-budget", headers: "quota-headers" };

function reasonOf(source: string, meter: Meter | null): Reason {
  if (meter === null) return { rule: "quota-none", source };
  const cause = reasonOfMeter(meter);
  return source === "budget" ? { rule: "budget", cause } : cause;
}

/** "$0.00 of $20.00 left (month)". */
function reasonOfMeter({ left, limit, name: window, unit, used }: Meter): Reason {
  const name = describeWindow(window);
  if (unit === "%") return { rule: "quota-percent", percent: Math.round(used ?? 0), name };
  const rest = showRest(left ?? 0, limit, unit);
  if (limit === null) return { rule: "quota-left", rest, name };
  return { rule: "quota-left-of", rest, whole: showAmount(limit, unit), name };
}

/** "month", "5 h", "7 d opus". */
export function describeWindow(window: string): Text {
  return fromEnglish(window.replace(/^(\d+)([hdm])(?=$| )/, "$1 $2"));
}

/** `now`: wall clock, ms. */
export function makeQuotaRows({ intervalMs, reading }: Source, now: number): QuotaRow[] {
  const { at, balance, error, samples, source } = reading;
  const state = stateOf(reading, now, intervalMs);
  const row = { ...UNKNOWN_ROW, source, state, read_at_ms: balance === null ? null : at };
  if (balance === null || balance.meters.length === 0) return [{ ...row, ...errorFields(error) }];
  return balance.meters.map((meter, index): QuotaRow => {
    const { left, limit, name, resetsAt, unit, used } = meter;
    const isOver = resetsAt !== null && resetsAt <= now;
    const end = isOver || state === "stale" ? null : forecastEnd(meter, samples[name] ?? [], now);
    return {
      ...row,
      state: state === "stale" ? state : assessMeter(meter, balance, now).state,
      window: name,
      left: isOver ? null : left,
      used: isOver ? null : used,
      limit,
      unit,
      resets_at_ms: isOver ? null : resetsAt,
      runs_out_at_ms: end === null ? null : Math.round(end.from),
      runs_out_by_ms: end === null ? null : Math.round(end.to),
      ...errorFields(index === 0 ? error : null),
    };
  });
}

function errorFields(error: Text | string | null): Pick<QuotaRow, "error" | "error_text"> {
  if (error === null) return { error };
  return { error: inEnglish(error), ...(isText(error) ? { error_text: error } : {}) };
}

/** What is shown where no source says anything. */
export const UNKNOWN_ROW: QuotaRow = {
  source: "",
  window: null,
  state: "unknown",
  left: null,
  used: null,
  limit: null,
  unit: null,
  resets_at_ms: null,
  read_at_ms: null,
  runs_out_at_ms: null,
  runs_out_by_ms: null,
  error: null,
};
