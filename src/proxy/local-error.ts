// The answers the proxy gives by itself, in the shape that the asking client reads and shows: as a response, or as an event of a
// stream that has begun.
// Pure.
import { isRecord, parseRecord, stringOr } from "../base/json-value.ts";
import { type ErrorShape, SERVICE_FACTS, type Service } from "../base/service.ts";
import { makeSseEvent } from "../base/sse.ts";
import { type Text, inEnglish } from "../base/text.ts";
import type { Reason } from "../routing/types.ts";
import type { Api } from "../usage/stream-events.ts";

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
  /** Asking again does not help. */
  readonly isFinal?: boolean | undefined;
}

/**
 * https://platform.claude.com/docs/en/api/errors. Not `overloaded_error` for a 503: Claude Code takes it for a 529, gives up at
 * the third and shows words of its own; at an `api_error` it asks 11 times and shows ours.
 */
const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
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
  // Read by Claude Code and by the official SDKs.
  if (error.isFinal === true) headers.set("x-should-retry", "false");
  // Codex shows its own words for a usage limit, and these beside them.
  if (error.type === USAGE_LIMIT)
    headers.set("x-codex-promo-message", asHeaderValue(inEnglish(error.message)));
  const body = SHAPES[SERVICE_FACTS[service].errorShape](error);
  return new Response(method === "HEAD" ? null : JSON.stringify(body), { status: error.status, headers });
}

const USAGE_LIMIT = "usage_limit_reached";
const MAX_HEADER_CHARS = 1_000;

/** Codex reads visible ASCII alone, and goes on after it with a comma. */
function asHeaderValue(message: string): string {
  const words = message.replace(/[^\x20-\x7e]/g, "?").replace(/\.$/, "");
  return words.length <= MAX_HEADER_CHARS ? words : `${words.slice(0, MAX_HEADER_CHARS)}...`;
}

/** Codes of `response.failed` at which Codex ends the turn, with words of its own that are the right ones. */
export const CODEX_ENDS_AT: ReadonlySet<string> = new Set([
  "context_length_exceeded",
  "usage_not_included",
  "invalid_prompt",
]);

/**
 * An error answer as an event of the stream that it has become part of. It makes the client do what the answer itself would
 * have: wait, ask again, or end the turn with the words. Reads the whole of it.
 */
export async function makeErrorEvent(api: Api, answer: Response): Promise<string> {
  const { status } = answer;
  const { code, message, type } = readError(await answer.text(), status);
  if (api === "messages") {
    const shown = type === "overloaded_error" ? "api_error" : type;
    return makeSseEvent({ type: "error", error: { type: shown, message } });
  }
  if (api === "chat") return `data: ${JSON.stringify({ error: { message, type, code } })}\n\n`;
  const error = codexError({
    status,
    message,
    code: code ?? type,
    retryAfter: answer.headers.get("retry-after"),
  });
  return makeSseEvent({
    type: "response.failed",
    response: { id: "resp_failed", status: "failed", error },
  });
}

interface ErrorInStream {
  readonly status: number;
  readonly message: string;
  readonly code: string;
  /** Seconds; null for none. */
  readonly retryAfter: string | null;
}

/** By what Codex was seen to do with each code: docs/failover.md. Any other code is asked again for, six times in all. */
function codexError({ code, message, retryAfter, status }: ErrorInStream): { code: string; message: string } {
  if (CODEX_ENDS_AT.has(code)) return { code, message };
  const isLimit = (status === 429 || code === "rate_limit_error") && code !== USAGE_LIMIT;
  if (isLimit && retryAfter !== null)
    return { code: "rate_limit_exceeded", message: `${message} Please try again in ${retryAfter}s.` };
  // A 401 is for the client's own login, which it renews at the answer itself.
  const mayPass = status >= 500 || status === 401 || status === 408;
  return { code: mayPass ? "server_error" : "invalid_prompt", message };
}

function readError(body: string, status: number): { message: string; type: string; code: string | null } {
  const error = parseRecord(body)?.["error"];
  if (!isRecord(error))
    return { message: body.slice(0, 500) || `status ${status}`, type: "server_error", code: null };
  return {
    message: stringOr(error["message"], `status ${status}`),
    type: stringOr(error["type"], "server_error"),
    code: stringOr(error["code"], null),
  };
}
