// An audit of relays from one's own traffic: each upstream beside the others, and beside what was asked of it. Evidence first: figures
// with the number of cases behind them, and words only where these are enough.
// Pure.
import {
  type Balances,
  CHECKS,
  type Check,
  type Finding,
  MEASURES,
  checkCache,
  checkCharge,
  checkModel,
  checkRatio,
  countCache,
  largeOnly,
  measure,
  round,
} from "./checks.ts";
import type { Observation, Observed } from "./observe.ts";
import { quantile } from "./stats.ts";

export interface Audited {
  /** "main#2"; null where no line says what it was called. */
  readonly label: string | null;
  readonly baseUrl: string;
  readonly answers: number;
  readonly findings: readonly Finding[];
  readonly figures: Figures;
}

/** Null: nothing tells. */
export interface Figures {
  readonly ttfb_p50_ms: number | null;
  readonly ttfb_p95_ms: number | null;
  readonly output_tokens_per_second: number | null;
  /** 0 to 1. */
  readonly cut_rate: number | null;
  /** Failed attempts by the rule that judged them. */
  readonly refusals: Readonly<Record<string, number>>;
}

/** Newest answers of one upstream that are looked at. */
const MOST_ANSWERS = 50_000;
const MOST_UPSTREAMS = 200;

interface Known {
  readonly label: string | null;
  readonly baseUrl: string;
  readonly observations: Observation[];
  readonly refusals: Map<string, number>;
}

export function createAudit() {
  const known = new Map<string, Known>();
  const find = (label: string | null, baseUrl: string): Known | null => {
    const key = `${label ?? ""}\n${baseUrl}`;
    if (known.size >= MOST_UPSTREAMS && !known.has(key)) return null;
    return known.getOrInsertComputed(key, () => ({ label, baseUrl, observations: [], refusals: new Map() }));
  };
  return {
    add({ baseUrl, label, observation }: Observed): void {
      const observations = find(label, baseUrl)?.observations;
      observations?.push(observation);
      if ((observations?.length ?? 0) >= 2 * MOST_ANSWERS) observations?.splice(0, MOST_ANSWERS);
    },
    /** An attempt that failed. */
    refuse({ baseUrl, label, rule }: Pick<Observed, "baseUrl" | "label"> & { readonly rule: string }): void {
      const refusals = find(label, baseUrl)?.refusals;
      refusals?.set(rule, (refusals.get(rule) ?? 0) + 1);
    },
    /** `balancesOf`: of the account behind an upstream. Upstreams of one account are given together. */
    finish(balancesOf: (label: string | null, baseUrl: string) => Balances | null): Audited[] {
      const all = [...known.values()];
      const isLarge = largeOnly(all.flatMap(({ observations }) => observations));
      const measured = all.map((one) => ({
        one,
        cells: {
          input: measure(one.observations, MEASURES.input),
          large: measure(one.observations, isLarge),
          output: measure(one.observations, MEASURES.output),
        },
        cache: countCache(one.observations),
        balances: balancesOf(one.label, one.baseUrl),
      }));
      return measured.map((own): Audited => {
        const others = measured.filter((other) => other !== own);
        const { observations } = own.one;
        const sharing = measured.filter((other) => own.balances !== null && other.balances === own.balances);
        const checks: Readonly<Record<Check, () => Finding>> = {
          model: () => checkModel(observations),
          input: () =>
            checkRatio(
              "input",
              own.cells.input,
              others.map(({ cells }) => cells.input),
            ),
          large: () =>
            checkRatio(
              "large",
              own.cells.large,
              others.map(({ cells }) => cells.large),
            ),
          output: () =>
            checkRatio(
              "output",
              own.cells.output,
              others.map(({ cells }) => cells.output),
            ),
          cache: () =>
            checkCache(
              own.cache,
              others.map(({ cache }) => cache),
            ),
          charge: () =>
            checkCharge(
              sharing.flatMap(({ one }) => one.observations),
              own.balances ?? [],
            ),
        };
        return {
          label: own.one.label,
          baseUrl: own.one.baseUrl,
          answers: observations.length,
          findings: CHECKS.map((check) => checks[check]()),
          figures: makeFigures(own.one),
        };
      });
    },
  };
}

function makeFigures({ observations, refusals }: Known): Figures {
  const waits = observations.flatMap(({ outcome, ttfbMs }) =>
    outcome === "ok" && ttfbMs !== null ? ttfbMs : [],
  );
  const speeds = observations.flatMap(({ durationMs, outcome, output, ttfbMs }) => {
    const ms = (durationMs ?? 0) - (ttfbMs ?? 0);
    return outcome !== "ok" || output === null || output < LEAST_OUTPUT || ms < LEAST_STREAM_MS
      ? []
      : (output * 1000) / ms;
  });
  const begun = observations.filter(({ outcome }) => outcome !== "failed");
  const at = (values: readonly number[], share: number): number | null =>
    values.length === 0 ? null : Math.round(quantile(values, share) * 10) / 10;
  return {
    ttfb_p50_ms: at(waits, 0.5),
    ttfb_p95_ms: at(waits, 0.95),
    output_tokens_per_second: at(speeds, 0.5),
    cut_rate:
      begun.length === 0
        ? null
        : round(begun.filter(({ outcome }) => outcome === "cut").length / begun.length),
    refusals: Object.fromEntries([...refusals].toSorted(([, a], [, b]) => b - a)),
  };
}

/** Shorter answers are over before a speed shows. */
const LEAST_OUTPUT = 50;
const LEAST_STREAM_MS = 200;
