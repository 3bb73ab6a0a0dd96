// What the classifier's rules look at: one outcome, with its body already read and its status made plain.
// Pure.
import { parseJson } from "../base/json-value.ts";
import type { AttemptOutcome, ClassifyContext } from "./types.ts";

/** What an error body says. */
interface ErrorFacts {
  /** `code`, `type` and the like, lower case, as found from the outside in. */
  readonly codes: readonly string[];
  /** All the words, lower case, joined by newlines. */
  readonly message: string;
  /** An HTTP status that the body names as a code: OpenRouter's 429, LiteLLM's "429"; or null. */
  readonly status: number | null;
  /** The parsed body, or undefined. */
  readonly json: unknown;
  /** JSON that stands in words of it: what a relay's own upstream said. */
  readonly inner: readonly unknown[];
}

export interface Signal {
  readonly outcome: AttemptOutcome;
  readonly context: ClassifyContext;
  /** The answer's status; inside a 200, the one that the error there stands for; null when neither is known. */
  readonly status: number | null;
  readonly headers: Headers;
  readonly facts: ErrorFacts;
  readonly isPage: boolean;
}

const NO_HEADERS = new Headers();
const NO_FACTS: ErrorFacts = { codes: [], message: "", status: null, json: undefined, inner: [] };

/** Never throws, whatever the body holds. */
export function makeSignal(outcome: AttemptOutcome, context: ClassifyContext): Signal {
  const hasBody = outcome.kind === "status" || outcome.kind === "bad-content" || outcome.kind === "cut";
  const facts = hasBody && outcome.body !== "" ? readErrorFacts(outcome.body) : NO_FACTS;
  const headers = outcome.kind === "status" || outcome.kind === "bad-content" ? outcome.headers : NO_HEADERS;
  return {
    outcome,
    context,
    status: outcome.kind === "status" ? outcome.status : statusInside(facts),
    headers,
    facts,
    isPage:
      (outcome.kind === "bad-content" && outcome.reason === "html") ||
      (outcome.kind === "status" && /^\s*</.test(outcome.body)),
  };
}

/** The statuses that error types stand for; https://platform.claude.com/docs/en/api/errors and OpenAI's codes. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  authentication_error: 401,
  invalid_api_key: 401,
  invalid_authentication: 401,
  billing_error: 402,
  permission_error: 403,
  permission_denied: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  too_many_requests: 429,
  api_error: 500,
  server_error: 500,
  internal_server_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

function statusInside(facts: ErrorFacts): number | null {
  const code = facts.codes.find((one) => Object.hasOwn(STATUS_OF_CODE, one));
  return facts.status ?? STATUS_OF_CODE[code ?? ""] ?? null;
}

export function hasCode(signal: Signal, ...codes: readonly string[]): boolean {
  return signal.facts.codes.some((code) => codes.includes(code));
}

/** True when the upstream's words match; `pattern` sees them in lower case. */
export function says(signal: Signal, pattern: RegExp): boolean {
  return pattern.test(signal.facts.message);
}

/** An error in a 200 that names no status: its words say what it is. */
export function isUnnamed({ outcome, status }: Signal): boolean {
  return outcome.kind === "bad-content" && status === null;
}

export function hasStatus(signal: Signal, ...statuses: readonly number[]): boolean {
  return signal.status !== null && statuses.includes(signal.status);
}

/** In lower case: some write them with capitals. */
const CODE_FIELDS = [
  "code",
  "type",
  "error_code",
  "error_name",
  "error_type",
  "reason",
  "status",
  "statuscode",
  "status_code",
  "http_status",
  "http_code",
  "httpstatuscode",
  "quotaid",
];
const WORD_FIELDS = [
  "message",
  "msg",
  "detail",
  "error",
  "error_description",
  "error_msg",
  "errormessage",
  "status_msg",
  "status_message",
  "raw",
];
const NESTED_FIELDS = [
  "error",
  "response",
  "detail",
  "details",
  "data",
  "metadata",
  "errors",
  "base_resp",
  "violations",
];
/** Registered with IANA, or widely used. Another number in a body is a code of the vendor's own. */
const STATUS = /^(?:40\d|41[0-8]|42[1-9]|431|451|50[0-8]|51[01]|52\d|530)$/;
const MAX_WORDS = 4_000;
const MAX_DEPTH = 6;
const MAX_OBJECTS = 64;

/**
 * Facts of a body: JSON, the data of an SSE event, or plain text, in any of the shapes that vendors and relays use. Markup has
 * no facts. Tolerant by design: whatever the bytes are, it answers and never throws.
 */
function readErrorFacts(body: string): ErrorFacts {
  const json = parseJson(body.replace(/^\ufeff/, ""));
  const codes: string[] = [];
  const words: string[] = [];
  const inner: unknown[] = [];
  let status: number | null = null;
  let objects = 0;

  const visit = (value: unknown, depth: number): void => {
    if (typeof value !== "object" || value === null || depth > MAX_DEPTH || (objects += 1) > MAX_OBJECTS)
      return;
    if (Array.isArray(value)) return value.slice(0, 8).forEach((item) => visit(item, depth + 1));
    const record = new Map(Object.entries(value).map(([name, inside]) => [name.toLowerCase(), inside]));
    for (const field of CODE_FIELDS) {
      const code = record.get(field);
      if (typeof code === "string" && code.length <= 100) codes.push(code.toLowerCase());
      if (STATUS.test(String(code))) status ??= Number(code);
    }
    for (const field of WORD_FIELDS) {
      const text = record.get(field);
      if (typeof text !== "string") continue;
      words.push(text);
      if (field === "error" && /^[\w.-]{1,100}$/.test(text)) codes.push(text.toLowerCase());
      // Relays put the upstream's own error, as JSON text, into theirs.
      const value = depth > MAX_DEPTH ? undefined : findJson(text);
      if (value === undefined) continue;
      inner.push(value);
      visit(value, depth + 1);
    }
    for (const field of NESTED_FIELDS) visit(record.get(field), depth + 1);
  };
  visit(json, 0);
  if (typeof json === "string") words.push(json);
  if (json === undefined && !body.trimStart().startsWith("<")) words.push(body);
  return { codes, message: words.join("\n").slice(0, MAX_WORDS).toLowerCase(), status, json, inner };
}

/** No error is longer. */
const MAX_INNER = 16_000;

/** The JSON object that stands in a text; what follows it, as a stack of calls, is passed over. */
function findJson(text: string): unknown {
  const from = text.indexOf("{");
  if (from < 0) return undefined;
  const rest = text.slice(from, from + MAX_INNER);
  return parseJson(rest) ?? parseJson(rest.slice(0, endOfObject(rest)));
}

function endOfObject(text: string): number {
  let depth = 0;
  let isString = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === "\\") at += 1;
    else if (char === '"') isString = !isString;
    else if (isString) continue;
    else if (char === "{") depth += 1;
    else if (char === "}" && (depth -= 1) === 0) return at + 1;
  }
  return 0;
}
