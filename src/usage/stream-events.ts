// What the events and documents of the three APIs say: output that a client would show or act on, an end, an error, or
// nothing yet. Rows are read in order, the first that matches counts; docs/failover.md has the same rows.
// Pure.
import { isRecord, type JsonRecord, parseJson } from "../base/json-value.ts";
import { type SseEvent, createSseSplitter } from "../base/sse.ts";
import {
  countContent,
  hasContent,
  hasError,
  inner,
  isText,
  listOf,
  showsBlock,
  showsChoice,
  showsPiece,
  showsResponse,
} from "./output.ts";
import { readUsage } from "./usage.ts";

/** The three wire formats that we can count: OpenAI Responses, Anthropic Messages, OpenAI Chat Completions. */
export type Api = "responses" | "messages" | "chat";

export type EventKind =
  /** Nothing that a client would show or act on: an echo, an empty opening, a ping, an unknown event. */
  | "held"
  /** From here on the answer is this upstream's. */
  | "output"
  /** An error instead of an answer; the event's data is the upstream's message. */
  | "error"
  /** The model has finished; the stream may go on (usage, the end of the API). */
  | "finish"
  /** The ends of the API. A "failed" one carries its error in the data. */
  | "completed"
  | "failed"
  | "incomplete";

/** One event, with what its kind alone does not say. */
export interface EventReading {
  readonly kind: EventKind;
  /** It holds output itself, whatever its kind. */
  readonly shows: boolean;
  /** Output tokens that it counts; 0 for none. */
  readonly outputTokens: number;
  /** The same for what only says again that somebody is there: pings, echoes, empty chunks. Null for all other events. */
  readonly mark: string | null;
  /** Of a Chat chunk: the choices it is about. */
  readonly choices: readonly { readonly index: unknown; readonly isFinished: boolean }[];
}

interface Event {
  /** `type` of the data; the `event:` line where the data has none. */
  readonly type: string;
  readonly name: string | null;
  /** Parsed when first asked for: echoes are tens of kilobytes. */
  readonly data: () => JsonRecord;
}

export interface EventRow {
  /** For the documentation. */
  readonly seen: string;
  readonly kind: EventKind;
  readonly matches: (event: Event) => boolean;
}

const ECHOES = new Set(["response.created", "response.in_progress", "response.queued", "response.metadata"]);

export const EVENT_ROWS: Readonly<Record<Api, readonly EventRow[]>> = {
  responses: [
    {
      seen: "`error`, or data that has an `error` and no `type`",
      kind: "error",
      matches: ({ type, data }) => type === "error" || (type === "" && hasError(data())),
    },
    { seen: "`response.failed`", kind: "failed", matches: ({ type }) => type === "response.failed" },
    {
      seen: "an event without a `type` in its data, which Codex does not see",
      kind: "held",
      matches: ({ type }) => type === "",
    },
    { seen: "`response.completed`", kind: "completed", matches: ({ type }) => type === "response.completed" },
    {
      seen: "`response.incomplete`",
      kind: "incomplete",
      matches: ({ type }) => type === "response.incomplete",
    },
    {
      seen: "`response.created`, `.in_progress`, `.queued`, `.metadata`: echoes of the request",
      kind: "held",
      matches: ({ type }) => ECHOES.has(type),
    },
    {
      seen: "any other `response.*` with content: text, reasoning, a refusal or arguments of at least one character; an item that is a tool call, a server tool's, an image or a compaction",
      kind: "output",
      matches: ({ type, data }) => type.startsWith("response.") && showsPiece(data()),
    },
  ],
  messages: [
    {
      seen: "`error`, or data that has an `error` and no `type`",
      kind: "error",
      matches: ({ type, data }) => type === "error" || (type === "" && hasError(data())),
    },
    {
      seen: "an event without its `event:` line, which Claude Code does not see",
      kind: "held",
      matches: ({ name }) => name === null,
    },
    { seen: "`message_stop`", kind: "completed", matches: ({ type }) => type === "message_stop" },
    {
      seen: "`message_delta` with a `stop_reason`",
      kind: "finish",
      matches: ({ type, data }) => type === "message_delta" && isText(inner(data(), "delta")["stop_reason"]),
    },
    {
      seen: "`content_block_start` of a tool call, a server tool's block or an image, or of a block that holds text",
      kind: "output",
      matches: ({ type, data }) => type === "content_block_start" && showsBlock(data()["content_block"]),
    },
    {
      seen: "`content_block_delta` with text, thinking or arguments of at least one character",
      kind: "output",
      matches: ({ type, data }) => type === "content_block_delta" && showsBlock(data()["delta"]),
    },
    {
      seen: "`message_start` with a content that is not empty",
      kind: "output",
      matches: ({ type, data }) =>
        type === "message_start" && listOf(inner(data(), "message")["content"]).some(showsBlock),
    },
  ],
  chat: [
    {
      seen: "an `error`, by name, as a member, or as `finish_reason`",
      kind: "error",
      matches: ({ name, data }) =>
        name === "error" ||
        hasError(data()) ||
        choicesOf(data()).some((choice) => choice["finish_reason"] === "error"),
    },
    { seen: "`[DONE]`", kind: "completed", matches: ({ type }) => type === DONE },
    {
      seen: "a chunk whose `delta` holds text, reasoning, a refusal, a tool call, audio or an image",
      kind: "output",
      matches: ({ data }) => choicesOf(data()).some(showsChoice),
    },
    {
      seen: "a chunk with a `finish_reason`: the end, once every choice that was begun has one",
      kind: "finish",
      matches: ({ data }) => choicesOf(data()).some((choice) => isText(choice["finish_reason"])),
    },
  ],
};

/** What is left. */
export const HELD_ROW: EventRow = {
  seen: "anything else: empty openings and deltas, pings, comments, rate limits, signatures, encrypted reasoning, unknown events",
  kind: "held",
  matches: () => true,
};

const DONE = "[DONE]";

/** What the event means in a stream of the given format. Never throws; unreadable data is held. */
export function readEvent(api: Api, event: SseEvent): EventReading {
  let parsed: JsonRecord | undefined;
  const data = (): JsonRecord => {
    const value = parsed === undefined ? parseJson(event.data) : parsed;
    return (parsed ??= isRecord(value) ? value : {});
  };
  const type = typeOf(api, event, data);
  const seen = { type, name: event.event, data };
  const row = EVENT_ROWS[api].find(({ matches }) => matches(seen)) ?? HELD_ROW;
  const { kind } = row;
  if (kind === "error" || kind === "failed") return { ...NOTHING, kind };
  if (ECHOES.has(type)) return { ...NOTHING, mark: type };
  return READ[api](kind, type, data);
}

/** What a client would show of a piece of an answer, in bytes; 0 for all other events, and for those that say it all again. */
function countWritten(api: Api, { data }: SseEvent): number {
  const value = parseJson(data);
  if (!isRecord(value)) return 0;
  if (api === "chat") return choicesOf(value).reduce((sum, { delta }) => sum + countContent(delta), 0);
  return String(value["type"]).endsWith("delta") ? countContent(value["delta"]) : 0;
}

/** The mean of that of a chunk. */
export function meanWritten(api: Api, chunks: readonly Uint8Array[]): number {
  const splitter = createSseSplitter({ maxEventBytes: Number.POSITIVE_INFINITY });
  const events = splitter.push(Buffer.concat(chunks));
  return events.reduce((sum, event) => sum + countWritten(api, event), 0) / Math.max(1, chunks.length);
}

/**
 * What a client would show of a whole stream, in bytes, without reasoning. Null where the output tokens count what is not in it:
 * thinking of which a summary is shown, or none.
 */
export function countShown(api: Api, bytes: Uint8Array): number | null {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (api !== "responses" && THOUGHTS.some((word) => text.includes(word))) return null;
  const splitter = createSseSplitter({ maxEventBytes: Number.POSITIVE_INFINITY });
  let shown = 0;
  for (const event of splitter.push(text)) if (!REASONING.test(event.data)) shown += countWritten(api, event);
  return shown;
}

/** Of Responses the tokens of it are told apart. */
const REASONING = /^\s*\{\s*"type"\s*:\s*"response\.reasoning/;
const THOUGHTS = ['"thinking', '"reasoning', '"redacted_thinking'];

/** Only the kind of it. */
export const kindOfEvent = (api: Api, event: SseEvent): EventKind => readEvent(api, event).kind;

const NOTHING: EventReading = { kind: "held", shows: false, outputTokens: 0, mark: null, choices: [] };

const READ: Readonly<Record<Api, (kind: EventKind, type: string, data: () => JsonRecord) => EventReading>> = {
  responses(kind, type, data) {
    const saysNothing = !type.startsWith("response.") || (kind === "held" && type.endsWith(".delta"));
    const mark = saysNothing ? type : null;
    if (kind !== "completed" && kind !== "incomplete")
      return { kind, shows: kind === "output", outputTokens: 0, mark, choices: [] };
    return {
      ...NOTHING,
      kind,
      // Read when asked for: whoever looks for the end alone need not parse an event of so many kilobytes.
      get shows() {
        return showsResponse(inner(data(), "response"));
      },
      get outputTokens() {
        return countOutput("responses", inner(data(), "response")["usage"]);
      },
    };
  },
  messages(kind, type, data) {
    const delta = inner(data(), "delta");
    return {
      ...NOTHING,
      kind,
      shows: kind === "output" || (kind === "finish" && isShownEnd(delta["stop_reason"])),
      // What message_start counts is no output yet: a model counts its first token when it is asked.
      outputTokens: type === "message_start" ? 0 : countOutput("messages", data()["usage"]),
      mark:
        kind === "held" && type === "content_block_delta"
          ? markOf(data()["delta"])
          : type.startsWith("message_") || type.startsWith("content_block_")
            ? null
            : type,
    };
  },
  chat(kind, type, data) {
    const choices = choicesOf(data());
    return {
      kind,
      shows: kind === "output" || choices.some((choice) => choice["finish_reason"] === "content_filter"),
      outputTokens: countOutput("chat", data()["usage"]),
      mark: kind === "held" ? markOf(choices) : null,
      choices: choices.map((choice) => ({
        index: choice["index"],
        isFinished: isText(choice["finish_reason"]),
      })),
    };
  },
};

/** What is longer holds something, such as encrypted reasoning. */
const LONGEST_EMPTY_PIECE = 256;

function markOf(piece: unknown): string | null {
  const text = JSON.stringify(piece ?? null);
  return text.length > LONGEST_EMPTY_PIECE ? null : text;
}

/** The type is the first member of nearly every event: the opening ones are tens of kilobytes and need no parsing then. */
const LEADING_TYPE = /^\s*\{\s*"type"\s*:\s*"([^"\\]*)"/;

function typeOf(api: Api, event: SseEvent, data: () => JsonRecord): string {
  if (api === "chat") return event.data.trim() === DONE ? DONE : "";
  const leading = LEADING_TYPE.exec(event.data)?.[1];
  if (leading !== undefined) return leading;
  const type = data()["type"];
  if (typeof type === "string") return type;
  // Codex reads the data alone, and does not see an event without a type in it; that something has failed counts all the same.
  return api === "messages" || FAILURES.has(event.event ?? "") ? (event.event ?? "") : "";
}

const FAILURES: ReadonlySet<string> = new Set(["error", "response.failed"]);

/** What a whole document is. */
export interface DocumentReading {
  /** Text or the like in it, or output tokens that it counts. */
  readonly hasOutput: boolean;
  /** Text or the like in it, whatever it counts. */
  readonly hasText: boolean;
  /** It says itself that the upstream is still at work (`background`). */
  readonly isPending: boolean;
}

/** What an answer in one JSON document holds; null for what has nothing of an answer, as relays' own errors. */
export function readAnswerDocument(api: Api, value: unknown): DocumentReading | null {
  if (!isRecord(value) || !isAnswer(api, value)) return null;
  const hasText = SHOWS[api](value);
  return {
    hasOutput: hasText || isRefusal(value) || countOutput(api, value["usage"]) > 0,
    hasText,
    isPending: value["status"] === "queued" || value["status"] === "in_progress",
  };
}

function isAnswer(api: Api, value: JsonRecord): boolean {
  switch (api) {
    case "responses":
      return value["object"] === "response" || Array.isArray(value["output"]);
    case "messages":
      return value["type"] === "message" || Array.isArray(value["content"]);
    case "chat":
      return Array.isArray(value["choices"]);
  }
}

const SHOWS: Readonly<Record<Api, (value: JsonRecord) => boolean>> = {
  responses: showsResponse,
  messages: (value) => listOf(value["content"]).some(showsBlock),
  chat: (value) =>
    listOf(value["choices"]).some((choice) => (isRecord(choice) ? showsChoice(choice) : hasContent(choice))),
};

/** The client shows these themselves; https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons */
const SHOWN_ENDS: ReadonlySet<unknown> = new Set(["refusal", "model_context_window_exceeded"]);

function isShownEnd(stopReason: unknown): boolean {
  return SHOWN_ENDS.has(stopReason);
}

/** The end of an answer for a reason that is one: no text needs to come with it. */
function isRefusal(value: JsonRecord): boolean {
  return (
    isShownEnd(value["stop_reason"]) ||
    choicesOf(value).some((choice) => choice["finish_reason"] === "content_filter")
  );
}

function countOutput(api: Api, usage: unknown): number {
  const { output_tokens: output = 0, reasoning_tokens: reasoning = 0 } = readUsage(api, [usage]) ?? {};
  return Math.max(output, reasoning);
}

function choicesOf(data: JsonRecord): readonly JsonRecord[] {
  return listOf(data["choices"]).filter(isRecord);
}
