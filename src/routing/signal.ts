// What the classifier's rules look at: one outcome, with its body already read and its status made plain.
// Pure.
import { type ErrorFacts, readErrorFacts } from "./error-facts.ts";
import type { AttemptOutcome, ClassifyContext } from "./types.ts";

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
const NO_FACTS: ErrorFacts = { codes: [], message: "", status: null, json: undefined };

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
  if (facts.status !== null) return facts.status;
  for (const code of facts.codes) {
    if (Object.hasOwn(STATUS_OF_CODE, code)) return STATUS_OF_CODE[code] ?? null;
  }
  return null;
}

export function hasCode(signal: Signal, ...codes: readonly string[]): boolean {
  return signal.facts.codes.some((code) => codes.includes(code));
}

/** True when the upstream's words match; `pattern` sees them in lower case. */
export function says(signal: Signal, pattern: RegExp): boolean {
  return pattern.test(signal.facts.message);
}

export function hasStatus(signal: Signal, ...statuses: readonly number[]): boolean {
  return signal.status !== null && statuses.includes(signal.status);
}
