// A line of requests.jsonl as it is read: each field typed, whatever version wrote the line.
// A field that is missing or has another type than entry-schema.ts says is absent. Names as in the log.
// Pure.
import { type JsonRecord, isRecord } from "../base/json-value.ts";
import type { LogEntry } from "./entry.ts";

/** Of the fields of a line, those that it has. */
type Read<T> = { readonly [Field in keyof T]?: T[Field] | undefined };

export type RecordedUsage = Read<NonNullable<LogEntry["usage"]>>;
export type RecordedAttempt = Read<NonNullable<LogEntry["attempts"]>[number]>;
type Pass = NonNullable<RecordedUsage["iterations"]>[number];
/** The tokens of an answer, or of one pass of the model within it. */
export type Figures = Read<Omit<Pass, "model">>;

type Unread = "dropped" | "held_back" | "stream";
type ReadAsText = "agent" | "outcome" | "service" | "usage_unknown";
export interface LogRecord extends Read<Omit<LogEntry, Unread | ReadAsText | "attempts">> {
  /** ms since 1970; always a time that a Date can hold. */
  readonly timestamp_ms: number;
  /** Text, because a newer version may know more of them than this one. */
  readonly service?: string | undefined;
  readonly outcome?: string | undefined;
  readonly agent?: string | undefined;
  readonly usage_unknown?: string | undefined;
  readonly attempts?: readonly RecordedAttempt[] | undefined;
}

/** https://tc39.es/ecma262/#sec-time-values-and-time-range */
const MAX_TIME_MS = 8.64e15;

/** Null for what is no entry of the log: only its time is required. */
export function readRecord(line: unknown): LogRecord | null {
  if (!isRecord(line)) return null;
  const { timestamp_ms } = line;
  if (typeof timestamp_ms !== "number" || Math.abs(timestamp_ms) > MAX_TIME_MS) return null;
  return {
    timestamp_ms,
    service: text(line["service"]),
    method: text(line["method"]),
    path: text(line["path"]),
    status_code: figure(line["status_code"]),
    duration_ms: figure(line["duration_ms"]),
    config_name: text(line["config_name"]),
    upstream_base_url: text(line["upstream_base_url"]),
    upstream_label: text(line["upstream_label"]),
    usage: readUsage(line["usage"]),
    usage_unknown: text(line["usage_unknown"]),
    estimate: readEstimate(line["estimate"]),
    id: text(line["id"]),
    model: text(line["model"]),
    upstream_model: text(line["upstream_model"]),
    chain_model: text(line["chain_model"]),
    served_model: text(line["served_model"]),
    request_bytes: figure(line["request_bytes"]),
    output_bytes: figure(line["output_bytes"]),
    session_id: text(line["session_id"]),
    client: text(line["client"]),
    agent: text(line["agent"]),
    project: text(line["project"]),
    cwd: text(line["cwd"]),
    ttfb_ms: figure(line["ttfb_ms"]),
    queued_ms: figure(line["queued_ms"]),
    waited_ms: figure(line["waited_ms"]),
    outcome: text(line["outcome"]),
    attempts: Array.isArray(line["attempts"])
      ? line["attempts"].filter(isRecord).map(readAttempt)
      : undefined,
    redactions: figure(line["redactions"]),
    redactions_by_rule: counts(line["redactions_by_rule"]),
    redactions_exempt: figure(line["redactions_exempt"]),
    restored: figure(line["restored"]),
    restored_exempt: figure(line["restored_exempt"]),
    refusals: figure(line["refusals"]),
    error: text(line["error"]),
    reason: data(line["reason"]),
    run: text(line["run"]),
    seq: figure(line["seq"]),
  };
}

function readEstimate(estimate: unknown): LogRecord["estimate"] {
  const tokens = isRecord(estimate) ? figure(estimate["tokens"]) : undefined;
  return !isRecord(estimate) || tokens === undefined ? undefined : { tokens, usd: figure(estimate["usd"]) };
}

function readUsage(usage: unknown): RecordedUsage | undefined {
  if (!isRecord(usage)) return undefined;
  const { batch, inference_geo, iterations, partial, server_tool_use: tools, service_tier, speed } = usage;
  const figures = readFigures(usage);
  // Most lines: a copy would take as long as all of its fields.
  if ((batch ?? inference_geo ?? iterations ?? partial ?? tools ?? service_tier ?? speed) === undefined)
    return figures;
  return {
    ...figures,
    server_tool_use: isRecord(tools) ? readTools(tools) : undefined,
    service_tier: text(service_tier),
    speed: text(speed),
    inference_geo: text(inference_geo),
    batch: flag(batch),
    iterations: Array.isArray(iterations)
      ? iterations.filter(isRecord).map((pass) => ({ model: text(pass["model"]), ...readFigures(pass) }))
      : undefined,
    partial: flag(partial),
  };
}

function readFigures(figures: JsonRecord): Figures {
  return {
    input_tokens: figure(figures["input_tokens"]),
    output_tokens: figure(figures["output_tokens"]),
    reasoning_tokens: figure(figures["reasoning_tokens"]),
    total_tokens: figure(figures["total_tokens"]),
    cached_input_tokens: figure(figures["cached_input_tokens"]),
    cache_creation_tokens: figure(figures["cache_creation_tokens"]),
    cache_creation_1h_tokens: figure(figures["cache_creation_1h_tokens"]),
    input_audio_tokens: figure(figures["input_audio_tokens"]),
    output_audio_tokens: figure(figures["output_audio_tokens"]),
    input_image_tokens: figure(figures["input_image_tokens"]),
    output_image_tokens: figure(figures["output_image_tokens"]),
  };
}

function readTools(tools: JsonRecord): RecordedUsage["server_tool_use"] {
  return {
    web_search_requests: figure(tools["web_search_requests"]),
    web_fetch_requests: figure(tools["web_fetch_requests"]),
    code_execution_requests: figure(tools["code_execution_requests"]),
    file_search_requests: figure(tools["file_search_requests"]),
    x_search_requests: figure(tools["x_search_requests"]),
  };
}

function readAttempt(attempt: JsonRecord): RecordedAttempt {
  return {
    upstream_base_url: text(attempt["upstream_base_url"]),
    upstream_label: text(attempt["upstream_label"]),
    upstream_model: text(attempt["upstream_model"]),
    chain_model: text(attempt["chain_model"]),
    served_model: text(attempt["served_model"]),
    status_code: figure(attempt["status_code"]),
    error: text(attempt["error"]),
    reason: data(attempt["reason"]),
    verdict: text(attempt["verdict"]),
    duration_ms: figure(attempt["duration_ms"]),
    held_events: figure(attempt["held_events"]),
    held_bytes: figure(attempt["held_bytes"]),
    shown: flag(attempt["shown"]),
    usage: readUsage(attempt["usage"]),
    estimate: readEstimate(attempt["estimate"]),
  };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function flag(value: unknown): boolean | undefined {
  return typeof value === "boolean" ? value : undefined;
}

function data(reason: unknown): LogEntry["reason"] {
  return isRecord(reason) && typeof reason["rule"] === "string"
    ? { ...reason, rule: reason["rule"] }
    : undefined;
}

/** Every figure of the log counts something: none is below zero. */
function figure(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY ? value : undefined;
}

/** By name, without what is no figure. */
function counts(value: unknown): Readonly<Record<string, number>> | undefined {
  if (!isRecord(value)) return undefined;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, count]) => {
      const known = figure(count);
      return known === undefined ? [] : [[name, known]];
    }),
  );
}
