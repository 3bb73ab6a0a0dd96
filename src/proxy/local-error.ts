// The answers the proxy gives by itself, in the shape that the asking client reads and shows.
// Pure.
import { type Text, inEnglish } from "../base/text.ts";
import type { Reason } from "../routing/types.ts";
import { type ErrorShape, SERVICE_FACTS, type Service } from "../base/service.ts";

/** What the nginx tradition calls a client that left before the answer was complete. */
export const CLIENT_CLOSED_REQUEST = 499;

export interface LocalError {
  readonly status: number;
  /** One sentence for the user. Must hold no secret. */
  readonly message: Text | string;
  /** What is logged of it. Default: that it was refused, with the message. */
  readonly reason?: Reason;
  /** OpenAI's `error.type` or Anthropic's `error.error.type`; worked out from the status when absent. */
  readonly type?: string | undefined;
  readonly code?: string | undefined;
  readonly retryAfterSecs?: number | undefined;
  /** Epoch seconds, with `usage_limit_reached`: what Codex shows as "try again at". */
  readonly resetsAtSecs?: number | undefined;
}

/** OpenAI's error types by status, and https://platform.claude.com/docs/en/api/errors. */
const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
  529: "overloaded_error",
};

const SHAPES: Readonly<Record<ErrorShape, (error: LocalError) => object>> = {
  openai: ({ code, message, resetsAtSecs, status, type }) => ({
    error: {
      message: inEnglish(message),
      type: type ?? (status < 500 ? "invalid_request_error" : "server_error"),
      param: null,
      code: code ?? null,
      ...(resetsAtSecs === undefined ? {} : { resets_at: resetsAtSecs }),
    },
  }),
  anthropic: ({ message, status, type }) => ({
    type: "error",
    error: { type: type ?? ANTHROPIC_TYPES[status] ?? "api_error", message: inEnglish(message) },
  }),
};

/** The whole answer. HEAD gets no body. */
export function makeErrorResponse(service: Service, error: LocalError, method = "POST"): Response {
  const headers = new Headers({ "content-type": "application/json" });
  if (error.retryAfterSecs !== undefined)
    headers.set("retry-after", String(Math.max(1, Math.ceil(error.retryAfterSecs))));
  const body = SHAPES[SERVICE_FACTS[service].errorShape](error);
  return new Response(method === "HEAD" ? null : JSON.stringify(body), { status: error.status, headers });
}
