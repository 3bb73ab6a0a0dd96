// Ready answers for the scripted upstream: what good upstreams say, and how relays really fail.
import { type Answer, FIN, type Step } from "./fake-upstream.ts";

export interface ReplyParts {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object becomes JSON, with its Content-Type. */
  readonly body?: string | Uint8Array | object;
}

/** A whole response with a Content-Length. */
export function reply({ status = 200, headers = {}, body = "" }: ReplyParts = {}): Answer {
  const isJson = typeof body === "object" && !(body instanceof Uint8Array);
  const bytes = isJson ? Buffer.from(JSON.stringify(body)) : Buffer.from(body as string | Uint8Array);
  const fields = { ...(isJson ? { "content-type": "application/json" } : {}), ...headers };
  return [
    Buffer.concat([Buffer.from(head(status, { "content-length": `${bytes.length}`, ...fields })), bytes]),
  ];
}

/** Status line and headers, with the empty line. */
export function head(status: number, headers: Readonly<Record<string, string>> = {}): string {
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${REASONS[status] ?? "Status"}\r\n${fields.join("")}\r\n`;
}

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  429: "Too Many Requests",
  500: "Internal Server Error",
};

/** One chunk of a chunked body. */
export function chunk(bytes: string | Uint8Array): Uint8Array {
  const data = Buffer.from(bytes as string);
  return Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from("\r\n")]);
}

export const LAST_CHUNK = "0\r\n\r\n";
export const EVENT_STREAM = { "content-type": "text/event-stream", "transfer-encoding": "chunked" };

export interface StreamOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** What comes after the events. Default: the last chunk, so that the stream ends as it should. */
  readonly ending?: readonly Step[];
}

/** A chunked event stream: one chunk an event. */
export function stream(events: readonly string[], options: StreamOptions = {}): Answer {
  return [
    head(200, { ...EVENT_STREAM, ...options.headers }),
    ...events.map(chunk),
    ...(options.ending ?? [LAST_CHUNK]),
  ];
}

/** One server-sent event. */
export function sse(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

const typed = (data: { type: string } & Record<string, unknown>): string => sse(data.type, data);

export interface TurnParts {
  readonly text?: string;
  /** Number of text deltas; 2,000 make a long answer. Default 1. */
  readonly deltas?: number;
  /** A command that the client shall run instead of text. */
  readonly shellCommand?: readonly string[];
}

/** The text and, repeated, what its deltas are made of. */
function deltasOf({ text = "hi", deltas = 1 }: TurnParts): string[] {
  return Array.from({ length: deltas }, (_, place) => (place === 0 ? text : ` ${place}`));
}

/** Tokens that every scripted answer says it used. */
export const USED = { input: 120, cached: 100, output: 30, reasoning: 10 } as const;

const RESPONSES_USAGE = {
  input_tokens: USED.input,
  input_tokens_details: { cached_tokens: USED.cached },
  output_tokens: USED.output,
  output_tokens_details: { reasoning_tokens: USED.reasoning },
  total_tokens: USED.input + USED.output,
};

/** Responses API: prologue, then what `responsesOutput` gives. */
export function responsesEvents(turn: TurnParts = {}): string[] {
  return [...responsesPrologue(), ...responsesOutput(turn)];
}

/** What comes before any output and says nothing yet. */
export function responsesPrologue(): string[] {
  const response = { id: "resp_1", object: "response", status: "in_progress", output: [] };
  return [
    typed({ type: "response.created", sequence_number: 0, response }),
    typed({ type: "response.in_progress", sequence_number: 1, response }),
  ];
}

function responsesOutput(turn: TurnParts): string[] {
  const parts = deltasOf(turn);
  const message = {
    type: "message",
    id: "msg_1",
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text: parts.join(""), annotations: [] }],
  };
  const call = {
    type: "function_call",
    id: "fc_1",
    call_id: "call_1",
    name: "exec_command",
    arguments: JSON.stringify({ cmd: (turn.shellCommand ?? []).join(" ") }),
    status: "completed",
  };
  const item = turn.shellCommand === undefined ? message : call;
  const begun = {
    ...item,
    status: "in_progress",
    ...(item === message ? { content: [] } : { arguments: "" }),
  };
  const deltas =
    item === message
      ? parts.map((delta) =>
          typed({
            type: "response.output_text.delta",
            item_id: "msg_1",
            output_index: 0,
            content_index: 0,
            delta,
          }),
        )
      : [
          typed({
            type: "response.function_call_arguments.delta",
            item_id: "fc_1",
            output_index: 0,
            delta: call.arguments,
          }),
        ];
  return [
    typed({ type: "response.output_item.added", output_index: 0, item: begun }),
    ...deltas,
    typed({ type: "response.output_item.done", output_index: 0, item }),
    typed({
      type: "response.completed",
      response: {
        id: "resp_1",
        object: "response",
        status: "completed",
        output: [item],
        usage: RESPONSES_USAGE,
      },
    }),
  ];
}

/** Messages API: prologue, text, end. */
export function messagesEvents(turn: TurnParts = {}): string[] {
  return [
    ...messagesPrologue(),
    typed({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
    ...deltasOf(turn).map((text) =>
      typed({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }),
    ),
    typed({ type: "content_block_stop", index: 0 }),
    typed({
      type: "message_delta",
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { output_tokens: USED.output },
    }),
    typed({ type: "message_stop" }),
  ];
}

export function messagesPrologue(): string[] {
  const message = {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-opus-5-5",
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: {
      input_tokens: USED.input - USED.cached,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: USED.cached,
      output_tokens: 1,
    },
  };
  return [typed({ type: "message_start", message }), typed({ type: "ping" })];
}

/** Chat Completions: chunks, usage, [DONE]. */
export function chatEvents(turn: TurnParts = {}): string[] {
  const piece = (delta: object, finish: string | null): object => ({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1,
    model: "gpt-5",
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const usage = {
    prompt_tokens: USED.input,
    completion_tokens: USED.output,
    total_tokens: USED.input + USED.output,
    prompt_tokens_details: { cached_tokens: USED.cached },
    completion_tokens_details: { reasoning_tokens: USED.reasoning },
  };
  const data = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
  return [
    data(piece({ role: "assistant", content: "" }, null)),
    ...deltasOf(turn).map((content) => data(piece({ content }, null))),
    data(piece({}, "stop")),
    data({ ...piece({}, null), choices: [], usage }),
    "data: [DONE]\n\n",
  ];
}

/** What a turn of each API looks like when all is well. */
export const GOOD = {
  responses: (turn?: TurnParts): Answer => stream(responsesEvents(turn)),
  messages: (turn?: TurnParts): Answer => stream(messagesEvents(turn)),
  chat: (turn?: TurnParts): Answer => stream(chatEvents(turn)),
} as const;

/** A page where an answer is due. */
export const HTML_PAGE =
  "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>";

const openAiError = (type: string, code: string | null, message: string): object => ({
  error: { message, type, param: null, code },
});
const anthropicError = (type: string, message: string): object => ({
  type: "error",
  error: { type, message },
  request_id: "req_1",
});

/** Errors as each kind of relay and vendor words them. */
export const RELAY_ERRORS = {
  "openai rate limit": {
    status: 429,
    body: openAiError("requests", "rate_limit_exceeded", "Rate limit reached. Please try again in 20s."),
  },
  "openai insufficient quota": {
    status: 429,
    body: openAiError("insufficient_quota", "insufficient_quota", "You exceeded your current quota."),
  },
  "openai overloaded": {
    status: 503,
    body: openAiError("service_unavailable_error", "server_is_overloaded", "Selected model is at capacity."),
  },
  "codex usage limit": {
    status: 429,
    body: {
      error: { type: "usage_limit_reached", message: "limit", plan_type: "plus", resets_in_seconds: 3600 },
    },
  },
  "new-api user quota": {
    status: 403,
    body: openAiError("new_api_error", "insufficient_user_quota", "用户额度不足, 剩余额度: ＄0.000000"),
  },
  "new-api pre-consume": {
    status: 403,
    body: openAiError("new_api_error", "pre_consume_token_quota_failed", "预扣费额度失败"),
  },
  "one-api no channel": {
    status: 503,
    body: openAiError("one_api_error", null, "当前分组 default 下对于模型 gpt-5 无可用渠道"),
  },
  "sub2api hidden 401": {
    status: 502,
    body: openAiError("upstream_error", null, "Upstream authentication failed, please contact administrator"),
  },
  "sub2api key exhausted": {
    status: 429,
    body: { code: "API_KEY_QUOTA_EXHAUSTED", message: "API key quota exhausted" },
  },
  "sub2api concurrency": {
    status: 429,
    body: anthropicError("rate_limit_error", "Concurrency limit exceeded for account, please retry later"),
  },
  "claude-relay rate limit": {
    status: 429,
    body: { error: "Rate limit exceeded", message: "API Key 请求次数超限", currentRequests: 61, limit: 60 },
  },
  "openrouter no credit": {
    status: 402,
    body: { error: { code: 402, message: "Insufficient credits. Add more credits.", metadata: {} } },
  },
  "openrouter provider down": {
    status: 502,
    body: { error: { code: 502, message: "Provider returned error", metadata: { provider_name: "x" } } },
  },
  "anthropic overloaded": { status: 529, body: anthropicError("overloaded_error", "Overloaded") },
  "anthropic rate limit": {
    status: 429,
    headers: { "retry-after": "30" },
    body: anthropicError("rate_limit_error", "This request would exceed your account's rate limit."),
  },
  "anthropic billing": {
    status: 402,
    body: anthropicError("billing_error", "Your credit balance is too low to access the Anthropic API."),
  },
  "invalid key": {
    status: 401,
    body: openAiError("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
  },
  "cloudflare challenge": { status: 403, headers: { "content-type": "text/html" }, body: HTML_PAGE },
  "cloudflare 522": { status: 522, headers: { "content-type": "text/html" }, body: HTML_PAGE },
  "bare 500": { status: 500, body: "" },
  "bare 504": { status: 504, body: "upstream request timeout" },
} as const satisfies Record<string, ReplyParts>;

/** A 200 that is none, for an API that streams events. */
export const FALSE_SUCCESS = {
  "an HTML page": (): Answer => reply({ headers: { "content-type": "text/html" }, body: HTML_PAGE }),
  "an empty body": (): Answer => reply({ headers: { "content-type": "text/event-stream" } }),
  "a JSON error": (): Answer => reply({ body: openAiError("server_error", null, "upstream failed") }),
  "an early end": (): Answer => stream(responsesPrologue()),
  "an empty stream": (): Answer => stream([]),
} as const;

/** `response.failed`, as the Responses API says it inside a stream. */
export function responsesFailed(code: string, message = "failed"): string {
  return typed({
    type: "response.failed",
    response: { id: "resp_1", status: "failed", error: { code, message } },
  });
}

/** The Messages API's error event. */
export function messagesError(type = "overloaded_error", message = "Overloaded"): string {
  return sse("error", anthropicError(type, message));
}

/** A body that only the end of the connection delimits. */
export function untilClose(body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return [head(200, headers), body, FIN];
}

/** Events of Messages in which the model calls a tool. */
export function toolUse(name: string, input: object): string[] {
  const block = { type: "tool_use", id: "toolu_1", name, input: {} };
  return [
    ...messagesPrologue(),
    sse("content_block_start", { type: "content_block_start", index: 0, content_block: block }),
    sse("content_block_delta", {
      type: "content_block_delta",
      index: 0,
      delta: { type: "input_json_delta", partial_json: JSON.stringify(input) },
    }),
    sse("content_block_stop", { type: "content_block_stop", index: 0 }),
    sse("message_delta", {
      type: "message_delta",
      delta: { stop_reason: "tool_use" },
      usage: { output_tokens: 5 },
    }),
    sse("message_stop", { type: "message_stop" }),
  ];
}
