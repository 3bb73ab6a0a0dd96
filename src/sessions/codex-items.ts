// The conversation in a Codex rollout. Every version writes a message once as the model gets it and once as an event;
// some write only one of them, so both are read and the second telling is left out.
// Pure.
import { isRecord, type JsonRecord, stringOr } from "../base/json-value.ts";
import { callText, textsOf } from "./item-text.ts";
import { cleanPrompt } from "./prompt-text.ts";
import type { TranscriptItem } from "./session.ts";
import { readTimestamp } from "./timestamp.ts";

type Channel = "item" | "event";
type Said = Pick<TranscriptItem, "kind" | "text" | "tool">;

/** Lines without any of these hold no message. */
const MESSAGE_MARKS = ['"role":"user"', '"role":"assistant"', 'Message"', '_message"'];

export function mayBeCodexMessage(line: Buffer): boolean {
  return MESSAGE_MARKS.some((mark) => line.includes(mark));
}

/** Gives the items of one record after the other. */
export function createCodexReader(): (record: JsonRecord) => TranscriptItem[] {
  /** The texts of each kind that have been told by one channel only. */
  const open = new Map<string, { readonly channel: Channel; readonly text: string }>();
  const isSecondTelling = ({ kind, text }: Said, channel: Channel): boolean => {
    const first = open.get(kind);
    if (first !== undefined && first.channel !== channel && first.text === text) {
      open.delete(kind);
      return true;
    }
    open.set(kind, { channel, text });
    return false;
  };
  return (record) => {
    const payload = isRecord(record["payload"]) ? record["payload"] : record;
    const channel = record["type"] === "event_msg" ? "event" : "item";
    const said = channel === "event" ? readEvent(payload) : readItem(payload);
    if (said === null) return [];
    const isMessage = said.kind === "prompt" || said.kind === "answer";
    if (isMessage && isSecondTelling(said, channel)) return [];
    return [{ ...said, at: readTimestamp(record["timestamp"]) }];
  };
}

function readItem(item: JsonRecord): Said | null {
  switch (item["type"]) {
    case "message":
      if (item["role"] === "assistant") return say("answer", textsOf(item["content"]));
      return item["role"] === "user" ? say("prompt", cleanPrompt(userText(item))) : null;
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
  if (event["type"] === "user_message") return say("prompt", cleanPrompt(stringOr(event["message"], "")));
  if (event["type"] === "agent_message") return say("answer", stringOr(event["message"], ""));
  const item = event["type"] === "item_completed" ? event["item"] : null;
  if (!isRecord(item)) return null;
  if (item["type"] === "UserMessage") return say("prompt", cleanPrompt(textsOf(item["content"])));
  return item["type"] === "AgentMessage" ? say("answer", textsOf(item["content"])) : null;
}

/** Newer versions say of each part whether the user wrote it. */
function userText(item: JsonRecord): string {
  const about = item["internal_chat_message_metadata_passthrough"];
  const kinds = isRecord(about) ? about["content_item_kinds"] : null;
  const content = item["content"];
  if (!Array.isArray(kinds) || !Array.isArray(content)) return textsOf(content);
  return textsOf(content.filter((_, index) => stringOr(kinds[index], "user.").startsWith("user.")));
}

/** A text, a list of parts, or (in 2025) JSON with the text in it. */
function outputText(output: unknown): string {
  return textsOf(isRecord(output) ? (output["content"] ?? output["output"]) : output);
}

function call(name: unknown, input: unknown): Said {
  return { kind: "call", tool: stringOr(name, "tool"), text: callText(input) };
}

function say(kind: Said["kind"], text: string | null): Said | null {
  return text === null || text === "" ? null : { kind, text };
}
