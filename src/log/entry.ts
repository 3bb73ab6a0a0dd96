// The stable contract of requests.jsonl: the fields of a line, their order, and how one is made.
// Nothing here reads or writes a file.
import type * as z from "zod/mini";
import { maskText } from "../base/secrets.ts";
import { escapeHarmful, printable } from "../base/terminal-text.ts";
import type { logEntrySchema } from "./entry-schema.ts";

export type LogEntry = z.infer<typeof logEntrySchema>;

/** Upstreams answer errors with whole web pages; their beginning is enough. */
const MAX_ERROR_LENGTH = 2000;
const LONGEST_KEY = 500;
const MOST_NAME = 100;
/** Any web page chooses the path that it asks for. */
const MAX_PATH_BYTES = 2048;

/** The line for one request, with its newline. Masks errors and drops what may hold a secret. */
export function makeLogLine(entry: LogEntry): string {
  // Written out, so that the order of keys does not hang on how the caller built its object.
  const line: Record<keyof LogEntry, unknown> = {
    timestamp_ms: entry.timestamp_ms,
    service: entry.service,
    method: entry.method,
    path: shorten(withoutQuery(entry.path)),
    status_code: entry.status_code,
    duration_ms: entry.duration_ms,
    config_name: entry.config_name,
    upstream_base_url: entry.upstream_base_url,
    usage: entry.usage && makeUsage(entry.usage),
    usage_unknown: entry.usage_unknown,
    estimate: entry.estimate,
    id: entry.id,
    model: makeName(entry.model),
    upstream_model: entry.upstream_model,
    upstream_label: entry.upstream_label,
    chain_model: entry.chain_model,
    served_model: makeName(entry.served_model),
    request_bytes: entry.request_bytes,
    output_bytes: entry.output_bytes,
    session_id: entry.session_id,
    client: entry.client,
    agent: entry.agent,
    project: entry.project,
    cwd: entry.cwd,
    ttfb_ms: entry.ttfb_ms,
    queued_ms: entry.queued_ms,
    waited_ms: entry.waited_ms,
    stream: entry.stream,
    outcome: entry.outcome,
    attempts: entry.attempts?.map((attempt) => ({
      upstream_base_url: attempt.upstream_base_url,
      upstream_model: attempt.upstream_model,
      upstream_label: attempt.upstream_label,
      chain_model: attempt.chain_model,
      served_model: makeName(attempt.served_model),
      status_code: attempt.status_code,
      error: makeError(attempt.error),
      reason: maskValues(attempt.reason),
      verdict: attempt.verdict,
      duration_ms: attempt.duration_ms,
      held_events: attempt.held_events,
      held_bytes: attempt.held_bytes,
      shown: attempt.shown,
      usage: attempt.usage && makeUsage(attempt.usage),
      estimate: attempt.estimate,
    })),
    redactions: entry.redactions,
    redactions_by_rule: entry.redactions_by_rule,
    redactions_exempt: entry.redactions_exempt,
    restored: entry.restored,
    restored_exempt: entry.restored_exempt,
    held_back: entry.held_back?.map((name) => mask(name.slice(0, MOST_NAME))),
    dropped: entry.dropped?.map((name) => mask(name.slice(0, MOST_NAME))),
    refusals: entry.refusals,
    error: makeError(entry.error),
    reason: maskValues(entry.reason),
    run: entry.run,
    seq: entry.seq,
  };
  // Someone may look at the file with `cat`.
  return `${escapeHarmful(JSON.stringify(line))}\n`;
}

type LoggedUsage = NonNullable<LogEntry["usage"]>;
type LoggedPass = NonNullable<LoggedUsage["iterations"]>[number];
type Figures = Omit<LoggedPass, "model">;

function makeUsage(usage: LoggedUsage): unknown {
  const { iterations, server_tool_use: tools } = usage;
  const known: Record<keyof LoggedUsage, unknown> = {
    ...makeFigures(usage),
    server_tool_use: tools && {
      web_search_requests: tools.web_search_requests,
      web_fetch_requests: tools.web_fetch_requests,
      code_execution_requests: tools.code_execution_requests,
      file_search_requests: tools.file_search_requests,
      x_search_requests: tools.x_search_requests,
    },
    service_tier: usage.service_tier,
    speed: usage.speed,
    inference_geo: usage.inference_geo,
    batch: usage.batch,
    iterations: iterations?.map((pass) => ({ model: pass.model, ...makeFigures(pass) })),
    partial: usage.partial,
  };
  for (const name in known) if (known[name as keyof LoggedUsage] !== undefined) return known;
  return undefined;
}

function makeFigures(figures: Figures): Record<keyof Figures, number | undefined> {
  return {
    input_tokens: figures.input_tokens,
    output_tokens: figures.output_tokens,
    reasoning_tokens: figures.reasoning_tokens,
    total_tokens: figures.total_tokens,
    cached_input_tokens: figures.cached_input_tokens,
    cache_creation_tokens: figures.cache_creation_tokens,
    cache_creation_1h_tokens: figures.cache_creation_1h_tokens,
    input_audio_tokens: figures.input_audio_tokens,
    output_audio_tokens: figures.output_audio_tokens,
    input_image_tokens: figures.input_image_tokens,
    output_image_tokens: figures.output_image_tokens,
  };
}

/** Characters that nobody sees stay, unless they hide a key from the mask: screens leave them out. */
function mask(text: string): string {
  const shown = printable(text);
  const masked = maskText(shown);
  return masked === shown && shown !== text ? maskText(text) : masked;
}

/** Of what a client or an upstream wrote. */
function makeName(name: string | undefined): string | undefined {
  return name === undefined ? undefined : mask(name);
}

function makeError(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  // Half a key at the end would not be recognised: mask that much more before the cut.
  return mask(text.slice(0, MAX_ERROR_LENGTH + LONGEST_KEY)).slice(0, MAX_ERROR_LENGTH);
}

function maskValues(reason: LogEntry["reason"]): unknown {
  if (reason === undefined) return undefined;
  const maskOne = (_: string, value: unknown): unknown =>
    typeof value === "string" ? makeError(value) : value;
  return JSON.parse(JSON.stringify(reason, maskOne));
}

function withoutQuery(path: string): string {
  const end = path.search(/[?#]/);
  return end === -1 ? path : path.slice(0, end);
}

/** Never in the middle of a character. */
function shorten(path: string): string {
  // No character of a string takes more than three bytes.
  if (path.length * 3 <= MAX_PATH_BYTES) return path;
  const { read } = new TextEncoder().encodeInto(path, new Uint8Array(MAX_PATH_BYTES));
  return path.slice(0, read);
}
