// Takes members and elements out of a JSON document, or puts other values in their place, by cutting its bytes: whatever is not
// named stays as it was written, white space, escapes and numbers included. Parsing and writing anew would change
// 1234567890123456789, -0 and 1e9999. Never throws: what is no JSON where it is looked at is left as it is.
// Pure.
import { closingQuote, type ValueRange } from "./json-members.ts";
import { parseJson } from "./json-value.ts";

/** A member of an object or an element of an array. */
export interface JsonEntry {
  /** The member's name, or the element's index. */
  readonly key: string | number;
  /** Where it begins: at the member's name. It ends where its value does. */
  readonly start: number;
  readonly value: ValueRange;
}

/** What stands in a range is to be replaced. */
export interface JsonEdit extends ValueRange {
  readonly text: string;
}

/** Names and indices from the document's own value down. */
export type JsonPath = readonly (string | number)[];

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

export function bytesOf(body: Uint8Array): Buffer {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}

/** The document's own value. */
export function rootOf(bytes: Buffer): ValueRange {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const start = skipSpace(bytes, hasMark ? 3 : 0);
  return { start, end: endOfValue(bytes, start) };
}

/** The entries of the object or array in that range; none for any other value. */
export function entriesOf(bytes: Buffer, { end, start }: ValueRange): readonly JsonEntry[] {
  const isObject = bytes[start] === OPEN_BRACE;
  if (!isObject && bytes[start] !== OPEN_BRACKET) return [];
  const entries: JsonEntry[] = [];
  for (let at = skipSpace(bytes, start + 1); at < end - 1;) {
    const from = at;
    let key: string | number = entries.length;
    if (isObject) {
      if (bytes[at] !== QUOTE) break;
      const close = closingQuote(bytes, at);
      key = stringIn(bytes, { start: at, end: close + 1 });
      at = skipSpace(bytes, close + 1);
      if (bytes[at] !== COLON) break;
      at = skipSpace(bytes, at + 1);
    }
    const value = { start: at, end: endOfValue(bytes, at) };
    if (value.end === value.start || value.end > end) break;
    entries.push({ key, start: from, value });
    at = skipSpace(bytes, value.end);
    if (bytes[at] !== COMMA) break;
    at = skipSpace(bytes, at + 1);
  }
  return entries;
}

/** The members of an object by name: of several of one name the last, which is the one that parsers go by. */
export function membersOf(bytes: Buffer, object: ValueRange): ReadonlyMap<string | number, JsonEntry> {
  const entries = bytes[object.start] === OPEN_BRACE ? entriesOf(bytes, object) : [];
  return new Map(entries.map((entry) => [entry.key, entry]));
}

/** The elements of an array; none for any other value. */
export function elementsOf(bytes: Buffer, entry: JsonEntry | undefined): readonly JsonEntry[] {
  return entry !== undefined && bytes[entry.value.start] === OPEN_BRACKET
    ? entriesOf(bytes, entry.value)
    : [];
}

/** The string in that range; empty where there is none. */
export function stringIn(bytes: Buffer, { end, start }: ValueRange): string {
  if (bytes[start] !== QUOTE || bytes[end - 1] !== QUOTE) return "";
  const inside = bytes.subarray(start + 1, end - 1);
  if (!inside.includes(BACKSLASH)) return inside.toString("utf8");
  const value = parseJson(bytes.toString("utf8", start, end));
  return typeof value === "string" ? value : "";
}

/** The string that is an entry's value; empty where there is none. */
export function stringAt(bytes: Buffer, entry: JsonEntry | undefined): string {
  return entry === undefined ? "" : stringIn(bytes, entry.value);
}

/** Where the value at that path is; null where there is none. */
export function valueAt(bytes: Buffer, path: JsonPath): ValueRange | null {
  let range = rootOf(bytes);
  for (const key of path) {
    const found = entriesOf(bytes, range).findLast((entry) => entry.key === key);
    if (found === undefined) return null;
    range = found.value;
  }
  return range;
}

/** Cuts some of the entries of one object or array out, each with one comma beside it. */
export function cut(
  entries: readonly JsonEntry[],
  isCut: (entry: JsonEntry) => boolean,
): readonly JsonEdit[] {
  const edits: JsonEdit[] = [];
  let keptEnd: number | null = null;
  for (const [place, entry] of entries.entries()) {
    if (!isCut(entry)) {
      keptEnd = entry.value.end;
      continue;
    }
    const next = entries[place + 1];
    const before = entries[place - 1];
    // Behind one that stays, its comma goes; before the first that stays, the comma that follows.
    if (keptEnd !== null && before !== undefined)
      edits.push({ start: before.value.end, end: entry.value.end, text: "" });
    else edits.push({ start: entry.start, end: next?.start ?? entry.value.end, text: "" });
  }
  return edits;
}

/** The document without what is at those paths; the same bytes where there is nothing at any of them. */
export function removePaths(body: Uint8Array, paths: readonly JsonPath[]): Uint8Array {
  const bytes = bytesOf(body);
  const parents = new Map<string, JsonPath[]>();
  for (const path of paths) {
    if (path.length === 0) continue;
    const name = JSON.stringify(path.slice(0, -1));
    parents.set(name, [...(parents.get(name) ?? []), path]);
  }
  const edits = [...parents.values()].flatMap((siblings) => {
    const [first = []] = siblings;
    const parent = valueAt(bytes, first.slice(0, -1));
    if (parent === null) return [];
    const names = new Set(siblings.map((path) => path.at(-1)));
    return cut(entriesOf(bytes, parent), ({ key }) => names.has(key));
  });
  return edits.length === 0 ? body : splice(bytes, edits);
}

/** The bytes with the edits made. One that lies within another is part of it. */
export function splice(bytes: Buffer, edits: readonly JsonEdit[]): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (const { end, start, text } of edits.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    if (end <= from && from > 0) continue;
    parts.push(bytes.subarray(from, start), Buffer.from(text));
    from = end;
  }
  parts.push(bytes.subarray(from));
  return Buffer.concat(parts);
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at += 1;
  return at;
}

/** The offset behind the value that begins at `start`; `start` where none does. */
function endOfValue(bytes: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = closingQuote(bytes, at);
      if (depth === 0) return Math.min(at + 1, bytes.length);
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (byte === COMMA || byte === COLON || skipSpace(bytes, at) > at)) return at;
  }
  return bytes.length;
}
