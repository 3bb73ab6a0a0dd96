// What a piece of an answer of the three APIs holds that a client would show or act on, and whether it is an error.
// Pure.
import { isRecord, type JsonRecord } from "../base/json-value.ts";

export function showsResponse(response: JsonRecord): boolean {
  return (
    isText(response["output_text"]) ||
    listOf(response["output"]).some(showsItem) ||
    // The client shows why.
    inner(response, "incomplete_details")["reason"] === "content_filter"
  );
}

/** Where the events of a Responses stream have their content. Others (`obfuscation`, `logprobs`) show nothing. */
const PIECES = ["delta", "text", "refusal", "arguments", "input", "code", "transcript", "partial_image_b64"];

export function showsPiece(data: JsonRecord): boolean {
  return PIECES.some((name) => hasContent(data[name])) || showsItem(data["item"]) || showsPart(data["part"]);
}

/** https://platform.openai.com/docs/api-reference/responses/object: what an item of `output` may be. */
function showsItem(item: unknown): boolean {
  if (!isRecord(item)) return hasContent(item);
  switch (item["type"]) {
    case "message":
      return isText(item["content"]) || listOf(item["content"]).some(showsPart);
    // Encrypted reasoning is the client's to keep, not to show.
    case "reasoning":
      return listOf(item["summary"]).some(showsPart) || listOf(item["content"]).some(showsPart);
    case "compaction":
      return isText(item["encrypted_content"]);
    case "function_call":
    case "custom_tool_call":
      return isText(item["name"]) || isText(item["arguments"]) || isText(item["input"]);
    default:
      return isText(item["type"]);
  }
}

const TEXT_PARTS = new Set(["output_text", "summary_text", "reasoning_text", "text"]);

function showsPart(part: unknown): boolean {
  if (!isRecord(part)) return hasContent(part);
  if (TEXT_PARTS.has(String(part["type"]))) return isText(part["text"]);
  return hasContent(part);
}

/** A content block of Messages, or a delta of one: what is known to be hidden shows nothing. */
export function showsBlock(block: unknown): boolean {
  if (!isRecord(block)) return hasContent(block);
  switch (block["type"]) {
    case "text":
      return isText(block["text"]);
    case "thinking":
      return isText(block["thinking"]);
    case "redacted_thinking":
    case "signature_delta":
    case "citations_delta":
      return false;
    default:
      return hasContent(block);
  }
}

export function showsChoice(choice: JsonRecord): boolean {
  const message = choice["delta"] ?? choice["message"];
  if (isText(choice["text"])) return true;
  if (!isRecord(message)) return false;
  const { reasoning_details: reasoning, tool_calls: calls, ...rest } = message;
  return (
    hasContent(rest) ||
    listOf(calls).some((call) => isRecord(call) && (isText(call["id"]) || hasContent(call))) ||
    listOf(reasoning).some((part) => isRecord(part) && (isText(part["text"]) || isText(part["summary"])))
  );
}

/** Members that name, count, sign, encrypt or pad, and show nothing. */
const HIDDEN = new Set([
  "type",
  "id",
  "index",
  "role",
  "status",
  "object",
  "signature",
  "encrypted_content",
  "format",
  "provider_specific_fields",
  "annotations",
  "logprobs",
  "extra_content",
  "thought_signature",
  "reasoning_opaque",
  "obfuscation",
  "padding",
]);

const MAX_DEPTH = 16;

/** At least one character somewhere. */
export function hasContent(value: unknown, depth = 0): boolean {
  if (typeof value === "string") return value !== "";
  if (depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) return value.some((member) => hasContent(member, depth + 1));
  return (
    isRecord(value) &&
    Object.entries(value).some(([name, member]) => !HIDDEN.has(name) && hasContent(member, depth + 1))
  );
}

/** Bytes of all that `hasContent` looks for. */
export function countContent(value: unknown, depth = 0): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (depth > MAX_DEPTH || typeof value !== "object" || value === null) return 0;
  let sum = 0;
  for (const [name, member] of Object.entries(value))
    if (!HIDDEN.has(name)) sum += countContent(member, depth + 1);
  return sum;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function inner(value: JsonRecord, name: string): JsonRecord {
  const member = value[name];
  return isRecord(member) ? member : {};
}

export function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** Some relays have an error in every answer: in good ones it says nothing. */
export function hasError(data: JsonRecord): boolean {
  return saysAnything(data["error"]);
}

function saysAnything(value: unknown, depth = 0): boolean {
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return Boolean(value);
  return Object.values(value).some((member) => saysAnything(member, depth + 1));
}
