// Requests without content of a conversation: they may go wherever every wall allows, and most can be answered without that.
// Pure.
import { type JsonRecord, parseRecord } from "../../base/json-value.ts";
import type { PlacedRequest } from "../../proxy/deps.ts";

const READS = new Set(["GET", "HEAD", "OPTIONS", "DELETE"]);
const CONTENT = ["messages", "input", "system", "instructions", "tools"];

/** It has no content of a conversation. */
export function isNeutral({ body, endpoint, method }: PlacedRequest): boolean {
  if (body.length === 0) return true;
  if (READS.has(method) || endpoint.usage !== null || !isCount(endpoint.id)) return false;
  return isNothing(parseRecord(Buffer.from(body).toString("utf8")));
}

function isCount(id: string): boolean {
  return id === "count-tokens" || id === "input-tokens";
}

function isNothing(json: JsonRecord | null): boolean {
  const isEmpty = (value: unknown): boolean =>
    value == null || value === "" || (Array.isArray(value) && value.length === 0);
  return json !== null && CONTENT.every((name) => isEmpty(json[name]));
}

/** What a client can go on with; null for what only an upstream can say. */
export function answerHere({ endpoint, path }: PlacedRequest): object | null {
  if (isCount(endpoint.id)) return { object: "response.input_tokens", input_tokens: 0 };
  // Codex reads `models`, all others `data`.
  return endpoint.id === "models" && /\/models\/?$/.test(path)
    ? { object: "list", data: [], models: [] }
    : null;
}
