// Token counts of one answer, in the names of requests.jsonl, made from what the three APIs call them.
// docs/usage.md explains every rule.
// Pure.
import type { RecordedUsage } from "../log/record.ts";

/** What is not known is absent, never zero. What each figure includes: log/entry-schema.ts. */
export type Usage = RecordedUsage;

/** Names from the outside in. */
type Path = readonly string[];
type Field =
  | "input_tokens"
  | "output_tokens"
  | "reasoning_tokens"
  | "cached_input_tokens"
  | "cache_creation_tokens"
  | "cache_creation_1h_tokens";

/** Where a figure may be found, best first. Relays mix the spellings of the two OpenAI APIs. */
const OPENAI: Readonly<Record<Field, readonly Path[]>> = {
  input_tokens: [["input_tokens"], ["prompt_tokens"]],
  output_tokens: [["output_tokens"], ["completion_tokens"]],
  reasoning_tokens: [
    ["output_tokens_details", "reasoning_tokens"],
    ["completion_tokens_details", "reasoning_tokens"],
  ],
  cached_input_tokens: [
    ["input_tokens_details", "cached_tokens"],
    ["prompt_tokens_details", "cached_tokens"],
    ["prompt_cache_hit_tokens"],
    ["cached_tokens"],
  ],
  cache_creation_tokens: [
    ["input_tokens_details", "cache_write_tokens"],
    ["prompt_tokens_details", "cache_write_tokens"],
  ],
  cache_creation_1h_tokens: [],
};
/** https://docs.anthropic.com/en/api/messages: the three input figures exclude one another. */
const ANTHROPIC: Readonly<Record<Field, readonly Path[]>> = {
  input_tokens: [["input_tokens"]],
  output_tokens: [["output_tokens"]],
  reasoning_tokens: [["output_tokens_details", "thinking_tokens"]],
  cached_input_tokens: [["cache_read_input_tokens"]],
  cache_creation_tokens: [["cache_creation_input_tokens"]],
  cache_creation_1h_tokens: [["cache_creation", "ephemeral_1h_input_tokens"]],
};
const TOTAL: readonly Path[] = [["total_tokens"]];

/**
 * Usage out of the API's own `usage` objects, oldest first. Each is a snapshot of the whole, not an increment: the
 * later one wins field by field, except that a zero does not wipe out a figure (relays fill unknown fields with zeros).
 * Undefined when no figure above zero is known.
 */
export function readUsage(
  api: "responses" | "messages" | "chat",
  snapshots: readonly unknown[],
): Usage | undefined {
  const fields = api === "messages" ? ANTHROPIC : OPENAI;
  const read = (field: Field): number | undefined => firstKnown(snapshots, fields[field]);

  const input = read("input_tokens");
  const output = read("output_tokens");
  const cached = read("cached_input_tokens");
  const created = read("cache_creation_tokens");
  const counted = (input ?? 0) + (output ?? 0) + (api === "messages" ? (cached ?? 0) + (created ?? 0) : 0);
  const given = firstKnown(snapshots, TOTAL);
  const total = api !== "messages" && given !== undefined && given > 0 ? given : counted;
  if (total === 0) return undefined;
  return {
    input_tokens: input,
    output_tokens: output,
    reasoning_tokens: read("reasoning_tokens"),
    total_tokens: input === undefined && output === undefined && given === undefined ? undefined : total,
    cached_input_tokens: cached,
    cache_creation_tokens: created,
    cache_creation_1h_tokens: read("cache_creation_1h_tokens"),
  };
}

/** The newest figure above zero, else a zero if there is one. */
function firstKnown(snapshots: readonly unknown[], paths: readonly Path[]): number | undefined {
  let zero: number | undefined;
  for (let index = snapshots.length - 1; index >= 0; index -= 1) {
    for (const path of paths) {
      const figure = tokensAt(snapshots[index], path);
      if (figure === 0) zero = 0;
      else if (figure !== undefined) return figure;
    }
  }
  return zero;
}

/** The count at a path: a number or a numeric string; what is negative, huge or no number is unknown. */
function tokensAt(value: unknown, path: Path): number | undefined {
  let at = value;
  for (const key of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = Object.getOwnPropertyDescriptor(at, key)?.value;
  }
  const number = typeof at === "string" && /^\s*\d+(\.\d+)?\s*$/.test(at) ? Number(at) : at;
  return typeof number === "number" && number >= 0 && number <= Number.MAX_SAFE_INTEGER
    ? Math.trunc(number)
    : undefined;
}
