// Says what one event of an answer stream means, for deciding whether an answer has really begun.
// Reads single events only; the observer of whole streams is stream-tap.ts.
// Pure.
import { isRecord, parseJson } from "../base/json-value.ts";
import type { SseEvent } from "../base/sse.ts";

/** The three wire formats that we can count: OpenAI Responses, Anthropic Messages, OpenAI Chat Completions. */
export type Api = "responses" | "messages" | "chat";

export type EventKind =
  /** Harmless beginning: the upstream has accepted the request, no more. */
  | "prologue"
  /** Real output has begun: from here on the answer is this upstream's. */
  | "output"
  /** An error instead of an answer; the event's data is the upstream's message. */
  | "error"
  /** The terminal events. A "failed" one carries its error in the data. */
  | "completed"
  | "failed"
  | "incomplete"
  /** Unknown, unreadable or a keep-alive: neither output nor an error. */
  | "other";

const PROLOGUE = new Set([
  "response.created",
  "response.in_progress",
  "response.queued",
  "response.metadata",
]);
const TERMINAL: Readonly<Record<string, EventKind>> = {
  "response.completed": "completed",
  "response.failed": "failed",
  "response.incomplete": "incomplete",
};
const MESSAGES: Readonly<Record<string, EventKind>> = {
  message_start: "prologue",
  ping: "prologue",
  content_block_start: "output",
  content_block_delta: "output",
  content_block_stop: "output",
  message_delta: "output",
  message_stop: "completed",
};

/** What the event means in a stream of the given format. Never throws; unreadable data is "other". */
export function kindOfEvent(api: Api, event: SseEvent): EventKind {
  if (api === "chat") return kindOfChunk(event);
  const type = typeOf(event);
  if (type === null) return hasError(parseJson(event.data)) ? "error" : "other";
  // Claude Code goes by the `event:` line: what has none (and is no error) does not exist for it.
  if (api === "messages" && event.event === null && type !== "error") return "other";
  return kindOfType(api, type);
}

/** The meaning of a `type`. Chat Completions has none. */
export function kindOfType(api: "responses" | "messages", type: string): EventKind {
  if (type === "error") return "error";
  if (api === "messages") return own(MESSAGES, type) ?? "other";
  if (PROLOGUE.has(type)) return "prologue";
  return own(TERMINAL, type) ?? (type.startsWith("response.") ? "output" : "other");
}

/** The type is the first member of nearly every event: the opening ones are tens of kilobytes and need no parsing then. */
const LEADING_TYPE = /^\s*\{\s*"type"\s*:\s*"([^"\\]*)"/;

/** `type` of the data; the `event:` line only where the data has none (Codex reads the data alone). */
function typeOf(event: SseEvent): string | null {
  const leading = LEADING_TYPE.exec(event.data)?.[1];
  if (leading !== undefined) return leading;
  const data = parseJson(event.data);
  return isRecord(data) && typeof data["type"] === "string" ? data["type"] : event.event;
}

/** https://platform.openai.com/docs/api-reference/chat-streaming; errors as relays send them inside a 200. */
function kindOfChunk(event: SseEvent): EventKind {
  if (event.data.trim() === "[DONE]") return "completed";
  const chunk = parseJson(event.data);
  if (event.event === "error" || hasError(chunk)) return "error";
  if (!isRecord(chunk) || !Array.isArray(chunk["choices"])) return "other";
  const choices: unknown[] = chunk["choices"];
  return choices.some((choice) => isRecord(choice) && hasOutput(choice)) ? "output" : "prologue";
}

function hasOutput(choice: Record<string, unknown>): boolean {
  if (typeof choice["finish_reason"] === "string") return true;
  const delta = choice["delta"];
  if (!isRecord(delta)) return false;
  return Object.entries(delta).some(([key, value]) => key !== "role" && !isEmpty(value));
}

function isEmpty(value: unknown): boolean {
  return value == null || value === "" || (Array.isArray(value) && value.length === 0);
}

function hasError(data: unknown): boolean {
  return isRecord(data) && data["error"] != null;
}

function own(table: Readonly<Record<string, EventKind>>, key: string): EventKind | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
