// What an audit knows of one answer of one upstream: figures out of a line of the log, or of one of its attempts.
// Pure.
import type { LogRecord } from "../../log/record.ts";
import { askedModel, matchModel } from "../model-match.ts";
import { billedAttempts, hasFailed, isGeneration } from "../outcome.ts";
import { listSpellings } from "../price-names.ts";
import type { Pricer } from "../prices.ts";
import { isCacheApart, readBilledTokens } from "../price-rates.ts";

export interface Observation {
  readonly id: string;
  /** Wall clock, ms: when it was asked for, and when it was over. */
  readonly at: number;
  readonly endedAt: number;
  readonly session: string;
  /** Its model, client and project: only these have the same tokens for the same bytes. */
  readonly family: string;
  readonly isMain: boolean;
  readonly asked: string | undefined;
  readonly served: string | undefined;
  readonly match: "same" | "other" | null;
  readonly requestBytes: number | null;
  /** All that was read, cached or not, and the part of it that was read from the cache. */
  readonly read: number | null;
  readonly cached: number;
  /** Without reasoning. */
  readonly written: number | null;
  readonly output: number | null;
  readonly outputBytes: number | null;
  /** US dollars by the prices in force; null where they are not known. The second one: if nothing came from the cache. */
  readonly usd: number | null;
  readonly freshUsd: number | null;
  readonly outcome: "ok" | "cut" | "failed";
  readonly ttfbMs: number | null;
  readonly durationMs: number | null;
}

export interface Observed {
  readonly label: string | null;
  readonly baseUrl: string;
  readonly observation: Observation;
}

export function createObserver(costOf: Pricer["costOf"]) {
  const families = new Map<string, string>();
  const matches = new Map<string, Observation["match"]>();
  const usdOf = (record: LogRecord): number | null => {
    const cost = costOf({ ...record, attempts: undefined });
    return cost.kind === "priced" ? cost.usd : null;
  };
  const matchOf = (record: LogRecord, asked: string | undefined): Observation["match"] => {
    if (asked === undefined || record.served_model === undefined) return null;
    if (asked === record.served_model) return "same";
    const key = [asked, record.served_model, record.model, record.upstream_base_url].join("\n");
    if (matches.size > MOST_NAMES) matches.clear();
    return matches.getOrInsertComputed(key, () => matchModel(record));
  };
  const familyOf = (model: string, { client = "", project = "" }: LogRecord): string => {
    if (families.size > MOST_NAMES) families.clear();
    return families.getOrInsertComputed(`${model}\n${client}\n${project}`, () => {
      const keys = listSpellings(model).map(({ key }) => key);
      const shortest = keys.reduce(
        (one, other) => (other.length < one.length ? other : one),
        keys[0] ?? model,
      );
      return `${shortest} ${client.replace(/\/.*$/s, "")} ${project}`;
    });
  };
  const observe = (record: LogRecord): Observed[] => {
    const { upstream_base_url: baseUrl, upstream_label: label, usage } = record;
    if (baseUrl == null) return [];
    const asked = askedModel(record);
    const tokens = usage === undefined ? null : readBilledTokens({ usage, path: record.path });
    const { duration_ms: durationMs = null, timestamp_ms: at, ttfb_ms: ttfbMs = null } = record;
    const reasoning = usage?.reasoning_tokens ?? 0;
    const output = usage?.output_tokens ?? null;
    const observation: Observation = {
      id: record.id ?? "",
      at,
      endedAt: at + (durationMs ?? 0),
      session: record.session_id ?? `${Math.floor(at / HOUR_MS)}`,
      family: familyOf(asked ?? "", record),
      isMain: record.agent === undefined || record.agent === "main",
      asked,
      served: record.served_model,
      match: matchOf(record, asked),
      requestBytes: record.request_bytes ?? null,
      read:
        tokens === null || usage?.partial === true
          ? null
          : tokens.fresh + tokens.cached + tokens.created + tokens.created1h,
      cached: usage?.cached_input_tokens ?? 0,
      written: output === null || usage?.partial === true ? null : Math.max(0, output - reasoning),
      output,
      outputBytes: record.output_bytes ?? null,
      usd: usdOf(record),
      freshUsd: usdOf(withoutCache(record)),
      outcome: !hasFailed(record) ? "ok" : record.outcome === "cut" ? "cut" : "failed",
      ttfbMs,
      durationMs,
    };
    return [{ label: label ?? null, baseUrl, observation }];
  };
  return (record: LogRecord): Observed[] =>
    record.refusals !== undefined || !isGeneration(record)
      ? []
      : [record, ...billedAttempts(record)].flatMap(observe);
}

/** As if nothing of its input had come from the cache. */
function withoutCache(record: LogRecord): LogRecord {
  const { path, usage } = record;
  const cached = usage?.cached_input_tokens ?? 0;
  if (usage === undefined || cached === 0) return record;
  const input = (usage.input_tokens ?? 0) + (isCacheApart(path) ? cached : 0);
  return { ...record, usage: { ...usage, input_tokens: input, cached_input_tokens: 0 } };
}

const HOUR_MS = 3_600_000;
const MOST_NAMES = 10_000;
