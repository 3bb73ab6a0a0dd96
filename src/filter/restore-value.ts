// Puts values back in parsed JSON of an answer: in all its strings but those that an upstream signed or encrypted, and takes
// back only as it made them. Where an event holds the next piece of a text is said here too, for all three APIs.
// Pure.
import { isRecord, type JsonRecord, parseExact, parseJson } from "../base/json-value.ts";
import type { Book } from "./placeholders.ts";
import { restoreText } from "./restore-text.ts";

export interface Hits {
  readonly onRestored: (() => void) | null;
  readonly onSealed: (() => void) | null;
}

/** Members that are never changed, with all that is in them. */
const SEALED = new Set([
  "encrypted_content",
  "encrypted_index",
  "signature",
  "thought_signature",
  "thoughtSignature",
  "reasoning_details",
]);

export interface Fragment {
  /** The item that it belongs to, and which text of it. */
  readonly group: string;
  readonly channel: string;
  readonly path: readonly (string | number)[];
  readonly text: string;
  /** Of a Messages block that the model thinks in. */
  readonly isThought: boolean;
}

/** The value with its placeholders restored; the same object without any. `skips`: strings that are pieces of longer texts. */
export function restoreValue(
  book: Book,
  value: unknown,
  hits: Hits,
  skips: readonly Fragment[] = [],
): unknown {
  const isSkipped = (path: readonly (string | number)[]): boolean =>
    skips.some((one) => one.path.length === path.length && one.path.every((key, at) => key === path[at]));
  const visit = (at: unknown, path: readonly (string | number)[], isSealed: boolean): unknown => {
    if (typeof at === "string") {
      if (skips.length > 0 && isSkipped(path)) return at;
      if (!isSealed) return restoreText(book, at, hits.onRestored);
      if (hits.onSealed !== null) for (const _mention of book.find(at)) hits.onSealed();
      return at;
    }
    if (Array.isArray(at)) {
      const list: readonly unknown[] = at;
      const next = list.map((one, index) => visit(one, [...path, index], isSealed));
      return next.every((one, index) => one === list[index]) ? at : next;
    }
    if (!isRecord(at)) return at;
    const entries = Object.entries(at).map(
      ([key, one]) =>
        [
          isSealed ? key : restoreText(book, key, hits.onRestored),
          visit(one, [...path, key], isSealed || isSealedIn(at, key)),
        ] as const,
    );
    const isSame = Object.entries(at).every(
      ([key, one], index) => entries[index]?.[0] === key && entries[index][1] === one,
    );
    return isSame ? at : Object.fromEntries(entries);
  };
  return visit(value, [], false);
}

function isSealedIn(owner: JsonRecord, key: string): boolean {
  if (SEALED.has(key)) return true;
  if (key === "data") return owner["type"] === "redacted_thinking";
  return key === "thinking" && owner["type"] === "thinking" && isText(owner["signature"]);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** A document, or one a line; any other text as it is. The same string without a placeholder. */
export function restoreDocument(book: Book, text: string, hits: Hits): string {
  const value = parseJson(text);
  if (value !== undefined) {
    if (restoreValue(book, value, hits) === value) return text;
    return JSON.stringify(restoreValue(book, parseExact(text), { onRestored: null, onSealed: null }));
  }
  const mark = text.startsWith("\uFEFF") ? "\uFEFF" : "";
  if (mark !== "") return mark + restoreDocument(book, text.slice(1), hits);
  if (!/^[ \t]*[[{].*\n[ \t]*[[{]/.test(text)) return restoreText(book, text, hits.onRestored);
  return text
    .split("\n")
    .map((line) => restoreDocument(book, line, hits))
    .join("\n");
}

/** The pieces of longer texts that an event brings. */
export function findFragments(event: JsonRecord): readonly Fragment[] {
  const { choices, delta, index, type } = event;
  if (Array.isArray(choices)) return choices.flatMap((choice, at) => fragmentsOfChoice(choice, at));
  if (typeof type !== "string") return [];
  // https://platform.openai.com/docs/api-reference/responses-streaming
  if (typeof delta === "string" && type.endsWith(".delta")) {
    const { content_index: content, item_id: item, output_index: output, summary_index: summary } = event;
    const group = groupOf(output);
    const channel = `${group}|${String(item)} ${String(content)} ${String(summary)} ${type}`;
    return [{ group, channel, path: ["delta"], text: delta, isThought: false }];
  }
  // https://docs.anthropic.com/en/docs/build-with-claude/streaming
  if (type !== "content_block_delta" || !isRecord(delta)) return [];
  return ["text", "thinking", "partial_json", "content"].flatMap((name) => {
    const text = delta[name];
    if (typeof text !== "string") return [];
    const group = groupOf(index);
    return [
      { group, channel: `${group}|${name}`, path: ["delta", name], text, isThought: name === "thinking" },
    ];
  });
}

export const groupOf = (index: unknown): string => (typeof index === "number" ? String(index) : "");

/** What is said of a piece and is none: the rest of a chunk's strings grow with each chunk. */
const NAMES = new Set(["role", "id", "type", "name", "object", "call_id", "format", "mime_type"]);

function fragmentsOfChoice(choice: unknown, at: number): Fragment[] {
  if (!isRecord(choice)) return [];
  const group = groupOf(choice["index"] ?? at);
  const found: Fragment[] = [];
  const visit = (value: unknown, path: readonly (string | number)[], channel: string): void => {
    if (typeof value === "string") found.push({ group, channel, path, text: value, isThought: false });
    else if (Array.isArray(value))
      value.forEach((one: unknown, index) => {
        const place = isRecord(one) && typeof one["index"] === "number" ? one["index"] : index;
        visit(one, [...path, index], `${channel} ${place}`);
      });
    else if (isRecord(value))
      for (const [key, one] of Object.entries(value))
        if (!NAMES.has(key) && !isSealedIn(value, key)) visit(one, [...path, key], `${channel} ${key}`);
  };
  visit(choice["delta"], ["choices", at, "delta"], `${group}|`);
  if (typeof choice["text"] === "string") visit(choice["text"], ["choices", at, "text"], `${group}|text`);
  return found;
}

/** Of which items the event is the end: by their group, "all" of them, or none. */
export function findEnds(event: JsonRecord): readonly string[] | "all" {
  const { choices, index, output_index: output, type } = event;
  if (Array.isArray(choices))
    return choices.flatMap((choice: unknown, at) =>
      isRecord(choice) && isText(choice["finish_reason"]) ? [groupOf(choice["index"] ?? at)] : [],
    );
  if (typeof type !== "string") return isRecord(event["error"]) ? "all" : [];
  if (type.endsWith(".delta")) return [];
  if (type === "content_block_stop") return [groupOf(index)];
  if (/^(?:response\.(?:completed|failed|incomplete)|message_delta|message_stop|error)$/.test(type))
    return "all";
  return type.endsWith(".done") ? [groupOf(output)] : [];
}

/** Of a thinking block that begins: whether it will be signed; null for any other event. */
export function readThoughtStart({ content_block: block, type }: JsonRecord): "signed" | "unknown" | null {
  if (type !== "content_block_start" || !isRecord(block) || block["type"] !== "thinking") return null;
  return "signature" in block ? "signed" : "unknown";
}
