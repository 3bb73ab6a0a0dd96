// The conversation in a Codex rollout. Most versions write a message twice, as the model gets it and as an event, some
// only in one of the two ways: both are read, and the second copy is left out.
// Pure.
import { isRecord, type JsonRecord, stringOr } from "../../base/json-value.ts";
import { readTexts, readTimestamp, readTyped, summarizeToolInput } from "../../sessions/record-text.ts";
import type { ItemReader, TranscriptItem } from "../../sessions/session.ts";

type Channel = "item" | "event";
type Said = Omit<TranscriptItem, "at">;

const MESSAGE_MARKS = ['"role":"user"', '"role":"assistant"', 'Message"', '_message"'];

export function createItemReader(): ItemReader {
  /** The messages of each kind that came by one channel only. */
  const open = new Map<string, { readonly channel: Channel; readonly text: string }>();
  const isSecondCopy = ({ kind, text }: Said, channel: Channel): boolean => {
    const first = open.get(kind);
    if (first !== undefined && first.channel !== channel && first.text === text) {
      open.delete(kind);
      return true;
    }
    open.set(kind, { channel, text });
    return false;
  };
  return {
    messageMarks: MESSAGE_MARKS,
    read(record) {
      const payload = isRecord(record["payload"]) ? record["payload"] : record;
      const channel = record["type"] === "event_msg" ? "event" : "item";
      const said = channel === "event" ? readEvent(payload) : readItem(payload);
      if (said === null) return [];
      const isMessage = said.kind === "prompt" || said.kind === "answer";
      if (isMessage && isSecondCopy(said, channel)) return [];
      return [{ ...said, at: readTimestamp(record["timestamp"]) }];
    },
  };
}

function readItem(item: JsonRecord): Said | null {
  switch (item["type"]) {
    case "message":
      if (item["role"] === "assistant") return say("answer", readTexts(item["content"]));
      return item["role"] === "user" ? sayTyped(userText(item)) : null;
    case "function_call":
      return call(item["name"], item["arguments"]);
    case "custom_tool_call":
      return call(item["name"], item["input"]);
    case "local_shell_call":
      return call("shell", item["action"]);
    case "web_search_call":
      return call("web_search", item["action"]);
    case "function_call_output":
    case "custom_tool_call_output":
      return say("output", outputText(item["output"]));
    default:
      return null;
  }
}

function readEvent(event: JsonRecord): Said | null {
  if (event["type"] === "user_message") return sayTyped(stringOr(event["message"], ""));
  if (event["type"] === "agent_message") return say("answer", stringOr(event["message"], ""));
  const item = event["type"] === "item_completed" ? event["item"] : null;
  if (!isRecord(item)) return null;
  if (item["type"] === "UserMessage") return sayTyped(readTexts(item["content"]));
  return item["type"] === "AgentMessage" ? say("answer", readTexts(item["content"])) : null;
}

/** Newer versions say of each part whether the user wrote it. */
function userText(item: JsonRecord): string {
  const about = item["internal_chat_message_metadata_passthrough"];
  const kinds = isRecord(about) ? about["content_item_kinds"] : null;
  const content = item["content"];
  if (!Array.isArray(kinds) || !Array.isArray(content)) return readTexts(content);
  return readTexts(content.filter((_, index) => stringOr(kinds[index], "user.").startsWith("user.")));
}

/** A text, a list of parts, or (in 2025) JSON with the text in it. */
function outputText(output: unknown): string {
  return readTexts(isRecord(output) ? (output["content"] ?? output["output"]) : output);
}

function call(name: unknown, input: unknown): Said {
  return { kind: "call", tool: stringOr(name, "tool"), text: summarizeToolInput(input) };
}

function say(kind: Said["kind"], text: string | null): Said | null {
  return text === null || text === "" ? null : { kind, text };
}

function sayTyped(text: string): Said | null {
  const typed = readTyped(text);
  return typed === null ? null : { kind: "prompt", ...typed };
}
