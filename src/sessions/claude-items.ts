// The conversation in a transcript of Claude Code.
// Pure.
import { isRecord, type JsonRecord, stringOr } from "../base/json-value.ts";
import { callText, textsOf } from "./item-text.ts";
import { cleanPrompt } from "./prompt-text.ts";
import type { TranscriptItem } from "./session.ts";
import { readTimestamp } from "./timestamp.ts";

/** Lines without any of these hold no message. */
const MESSAGE_MARKS = ['"type":"user"', '"type":"assistant"'];

export function mayBeClaudeMessage(line: Buffer): boolean {
  return MESSAGE_MARKS.some((mark) => line.includes(mark));
}

/** The items of a record. A sub-agent's, which older versions wrote among them, belong only to a sub-agent's file. */
export function readClaudeItems(record: JsonRecord, isSubagent: boolean): TranscriptItem[] {
  const message = record["message"];
  if (!isRecord(message) || record["isMeta"] === true || record["isCompactSummary"] === true) return [];
  if ((record["isSidechain"] === true) !== isSubagent) return [];
  const at = readTimestamp(record["timestamp"]);
  const content = message["content"];
  const parts: readonly unknown[] =
    typeof content === "string" ? [{ type: "text", text: content }] : Array.isArray(content) ? content : [];
  const isUser = record["type"] === "user";
  if (!isUser && record["type"] !== "assistant") return [];
  return parts.flatMap((part) => {
    const item = isRecord(part) ? readPart(part, isUser) : null;
    return item === null || item.text === "" ? [] : [{ ...item, at }];
  });
}

function readPart(part: JsonRecord, isUser: boolean): Omit<TranscriptItem, "at"> | null {
  switch (part["type"]) {
    case "text": {
      const text = stringOr(part["text"], "");
      if (!isUser) return { kind: "answer", text };
      const typed = cleanPrompt(text);
      return typed === null ? null : { kind: "prompt", text: typed };
    }
    case "tool_use":
      return { kind: "call", tool: stringOr(part["name"], "tool"), text: callText(part["input"]) };
    case "tool_result":
      return { kind: "output", text: textsOf(part["content"]) };
    default:
      return null;
  }
}
