// Removes from a conversation what only the account that wrote it can read: encrypted reasoning, response ids, thinking
// signatures. A compaction item is the conversation itself and always stays.
// Pure.
import { isRecord, type JsonRecord, parseRecord } from "../base/json-value.ts";
import { fingerprint } from "../base/secrets.ts";
import type { Api } from "../usage/stream-events.ts";

/** Bytes that only bound history has. `"name"` cannot be part of a longer JSON string: its quotes would be escaped. */
const MARKS: Readonly<Record<Api, readonly string[]>> = {
  responses: ['"encrypted_content"', '"previous_response_id"'],
  messages: ['"signature"', '"redacted_thinking"'],
  chat: [],
};

/** True when the body may hold something bound to an account. A quick look at bytes. */
export function carriesBoundHistory(api: Api | null, body: Uint8Array): boolean {
  if (api === null) return false;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return MARKS[api].some((mark) => bytes.includes(mark));
}

export interface StrippedHistory {
  readonly body: Uint8Array;
  /** Fingerprints of what was removed, to remove the same from the session's next requests. */
  readonly removed: ReadonlySet<string>;
}

/**
 * The body without bound history; with `only`, without those pieces of it. Null when there is nothing to remove:
 * the request is then sent as it is.
 */
export function stripBoundHistory(
  api: Api | null,
  body: Uint8Array,
  only?: ReadonlySet<string>,
): StrippedHistory | null {
  const value = parseRecord(new TextDecoder().decode(body));
  if (value === null) return null;
  const removed = new Set<string>();
  const drop = (piece: unknown): boolean => {
    const id = fingerprint(typeof piece === "string" ? piece : JSON.stringify(piece));
    if (only !== undefined && !only.has(id)) return false;
    removed.add(id);
    return true;
  };
  if (api === "responses") stripResponses(value, drop);
  if (api === "messages") stripMessages(value, drop);
  return removed.size === 0 ? null : { body: new TextEncoder().encode(JSON.stringify(value)), removed };
}

type Drop = (piece: unknown) => boolean;

/** Reasoning items go whole: without their content they mean nothing and some upstreams refuse them. */
function stripResponses(body: JsonRecord, drop: Drop): void {
  if (Array.isArray(body["input"])) {
    body["input"] = body["input"].filter(
      (item: unknown) =>
        !(
          isRecord(item) &&
          item["type"] === "reasoning" &&
          typeof item["encrypted_content"] === "string" &&
          drop(item["encrypted_content"])
        ),
    );
  }
  const previous = body["previous_response_id"];
  if (typeof previous === "string" && drop(previous)) delete body["previous_response_id"];
}

/** Thinking blocks are optional in past assistant turns; a turn with nothing else gets a placeholder text. */
function stripMessages(body: JsonRecord, drop: Drop): void {
  if (!Array.isArray(body["messages"])) return;
  let endsInToolUse = false;
  for (const message of body["messages"]) {
    if (!isRecord(message) || !Array.isArray(message["content"])) continue;
    const blocks: unknown[] = message["content"];
    const rest = blocks.filter(
      (block) => !(isRecord(block) && isThinking(block) && drop(block["signature"] ?? block["data"])),
    );
    message["content"] = rest.length > 0 ? rest : [{ type: "text", text: "(no visible text)" }];
    if (message["role"] !== "assistant") continue;
    endsInToolUse =
      rest.length < blocks.length && rest.some((block) => isRecord(block) && block["type"] === "tool_use");
  }
  // With thinking on, a tool call without the thought before it is refused: the rest of this turn goes without.
  if (endsInToolUse) {
    delete body["thinking"];
    delete body["context_management"];
  }
}

function isThinking(block: JsonRecord): boolean {
  return (
    (block["type"] === "thinking" && typeof block["signature"] === "string") ||
    (block["type"] === "redacted_thinking" && typeof block["data"] === "string")
  );
}
