// The stable contract of requests.jsonl: what a line holds, in which order, and how one is made.
// Fields are only ever added. Nothing here reads or writes a file.
import { z } from "zod";
import { maskText } from "../base/secrets.ts";

const tokens = z.int().nonnegative().optional();
const milliseconds = z.number().nonnegative();

const usage = z
  .object({
    input_tokens: tokens.describe(
      "Codex: everything read. Claude: without what came from or went to the cache",
    ),
    output_tokens: tokens.describe("Everything written, reasoning included"),
    reasoning_tokens: tokens.describe("The part of output_tokens that was reasoning"),
    total_tokens: tokens.describe("Everything read and written, cached or not"),
    cached_input_tokens: tokens.describe(
      "Read from the upstream's cache. Codex: a part of input_tokens. Claude: not",
    ),
    cache_creation_tokens: tokens.describe(
      "Written to the upstream's cache. Codex: a part of input_tokens. Claude: not",
    ),
    cache_creation_1h_tokens: tokens.describe("The part of cache_creation_tokens that is kept for an hour"),
  })
  .describe("Absent when the upstream did not say; a figure it did not give is absent too, never zero");

const attempt = z.object({
  upstream_base_url: z.string(),
  status_code: z.int().min(100).max(599).optional().describe("Absent when no answer came"),
  error: z.string().optional(),
  verdict: z.string().describe("Id of the rule that judged the attempt, or ok"),
  duration_ms: milliseconds,
});

/** One line, its fields in the order in which they are written. */
export const logEntrySchema = z.object({
  timestamp_ms: milliseconds.describe("When the request came in, ms since 1970"),
  service: z.enum(["codex", "claude"]),
  method: z.string(),
  path: z.string().describe("As the client asked for it, without the query"),
  status_code: z
    .int()
    .min(100)
    .max(599)
    .describe("What the client got; 499 when it left before the answer was complete"),
  duration_ms: milliseconds.describe("From the request's arrival to the answer's last byte"),
  config_name: z.string().nullable().describe("The config of the last attempt, null when there was none"),
  upstream_base_url: z
    .string()
    .nullable()
    .describe("The upstream of the last attempt, null when there was none"),
  usage: usage.optional(),
  id: z.string().optional().describe("Sorts by time"),
  model: z.string().optional().describe("As the client asked for it"),
  upstream_model: z.string().optional().describe("As the upstream was asked for it, when that differs"),
  session_id: z.string().optional(),
  cwd: z.string().optional().describe("Absent when unknown"),
  ttfb_ms: milliseconds.optional().describe("Until the answer's first byte went to the client"),
  stream: z.boolean().optional().describe("The client asked for a stream"),
  outcome: z
    .enum(["ok", "client_gone", "cut", "error", "refused"])
    .describe(
      "ok: answered; client_gone: it left; cut: the answer broke off; error: answered with an error; refused: never sent to an upstream",
    ),
  attempts: z.array(attempt).optional().describe("When there was more than one, or the only one failed"),
  redactions: z.int().nonnegative().optional().describe("How often a filter rule matched; absent for none"),
  redactions_exempt: z
    .int()
    .nonnegative()
    .optional()
    .describe("Matches left alone, in keys, encrypted content and tool schemas; absent for none"),
  error: z.string().optional().describe("What went wrong, in words; secrets masked"),
});

export type LogEntry = z.infer<typeof logEntrySchema>;

/** Upstreams answer errors with whole web pages; their beginning says enough. */
const MAX_ERROR_LENGTH = 2000;
const LONGEST_KEY = 500;

/** The line for one request, with its newline. Masks errors and drops what may hold a secret. */
export function makeLogLine(entry: LogEntry): string {
  // Written out, so that the order of keys does not hang on how the caller built its object.
  const line: Record<keyof LogEntry, unknown> = {
    timestamp_ms: entry.timestamp_ms,
    service: entry.service,
    method: entry.method,
    path: withoutQuery(entry.path),
    status_code: entry.status_code,
    duration_ms: entry.duration_ms,
    config_name: entry.config_name,
    upstream_base_url: entry.upstream_base_url,
    usage: entry.usage && makeUsage(entry.usage),
    id: entry.id,
    model: entry.model,
    upstream_model: entry.upstream_model,
    session_id: entry.session_id,
    cwd: entry.cwd,
    ttfb_ms: entry.ttfb_ms,
    stream: entry.stream,
    outcome: entry.outcome,
    attempts: entry.attempts?.map((attempt) => ({
      upstream_base_url: attempt.upstream_base_url,
      status_code: attempt.status_code,
      error: makeError(attempt.error),
      verdict: attempt.verdict,
      duration_ms: attempt.duration_ms,
    })),
    redactions: entry.redactions,
    redactions_exempt: entry.redactions_exempt,
    error: makeError(entry.error),
  };
  return `${JSON.stringify(line).replace(HARMFUL, escapeCharacter)}\n`;
}

/** What JSON allows in a string and a terminal should not get, should someone look at the file with `cat`. */
const HARMFUL = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

type LoggedUsage = NonNullable<LogEntry["usage"]>;

function makeUsage(usage: LoggedUsage): LoggedUsage | undefined {
  const {
    input_tokens,
    output_tokens,
    reasoning_tokens,
    total_tokens,
    cached_input_tokens,
    cache_creation_tokens,
    cache_creation_1h_tokens,
  } = usage;
  const known = {
    input_tokens,
    output_tokens,
    reasoning_tokens,
    total_tokens,
    cached_input_tokens,
    cache_creation_tokens,
    cache_creation_1h_tokens,
  };
  return Object.values(known).some((figure) => figure !== undefined) ? known : undefined;
}

function makeError(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  // Half a key at the end would not be known for one: so much more is masked before the cut.
  return maskText(text.slice(0, MAX_ERROR_LENGTH + LONGEST_KEY)).slice(0, MAX_ERROR_LENGTH);
}

function withoutQuery(path: string): string {
  const end = path.search(/[?#]/);
  return end === -1 ? path : path.slice(0, end);
}
