// Finds its way in JSON that is not parsed: members of an object in its bytes from the front, in its text from the end.
// A quote inside a JSON string is always escaped, so `"name"` is a key or a whole string and never a part of one.
// Pure.
import { parseJson } from "./json-value.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Nobody writes more between a key and its value. */
const MOST_SPACE = 30;

/** Bytes `start` up to `end` (exclusive) of a member's value. */
export interface ValueRange {
  readonly start: number;
  readonly end: number;
}

/** Where the string value of a top-level member is, quotes included; null when there is none. */
export function findTopLevelString(bytes: Buffer, name: string): ValueRange | null {
  const key = `"${name}"`;
  let depth = 0;
  let from = 0;
  for (let at = bytes.indexOf(key); at >= 0; at = bytes.indexOf(key, at + 1)) {
    for (; from < at; from += 1) {
      const byte = bytes[from];
      if (byte === QUOTE) from = closingQuote(bytes, from);
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
      else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
    }
    if (from !== at || depth !== 1) continue;
    const start = valueAfter(bytes, at + key.length);
    if (bytes[start] !== QUOTE) continue;
    const end = closingQuote(bytes, start) + 1;
    return end <= bytes.length ? { start, end } : null;
  }
  return null;
}

/** Where the value behind a key begins; -1 where no colon follows the key. */
export function valueAfter(bytes: Uint8Array, keyEnd: number): number {
  const colon = skipBytes(bytes, keyEnd);
  return bytes[colon] === COLON ? skipBytes(bytes, colon + 1) : -1;
}

/** The offset of the first byte from there on that is no white space, as regular expressions see it. */
function skipBytes(bytes: Uint8Array, from: number): number {
  const last = Math.min(bytes.length, from + MOST_SPACE);
  for (let at = from; at < last; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte !== 0x20 && (byte < 0x09 || byte > 0x0d) && byte !== 0xa0) return at;
  }
  return last;
}

/**
 * Whether the value that ends before `at` belongs to the document's own object: what follows closes that object and
 * nothing else. Costs as much as the rest of the document is long; a key near the end costs next to nothing.
 */
export function endsAtTopLevel(bytes: Buffer, at: number): boolean {
  let depth = 1;
  for (let from = at; from < bytes.length; from += 1) {
    const byte = bytes[from];
    if (byte === QUOTE) from = closingQuote(bytes, from);
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
  }
  return depth === 0;
}

/**
 * The value of the last `"key":` that is `depth` objects deep (1: a member of the outermost one), parsed; undefined when
 * there is none, or none that parses. The beginning of the text may be missing, and nothing before the member is read.
 */
export function readTailMember(json: string, key: string, depth: number): unknown {
  const quoted = `"${key}"`;
  let closes = 0;
  let end = json.length;
  for (let at = json.lastIndexOf(quoted); at >= 0; at = at === 0 ? -1 : json.lastIndexOf(quoted, at - 1)) {
    const colon = skipSpace(json, at + quoted.length);
    if (json[colon] !== ":" || json[at - 1] === "\\") continue;
    closes += countCloses(json, at, end);
    end = at;
    if (closes !== depth) continue;
    const start = skipSpace(json, colon + 1);
    return parseJson(json.slice(start, endOfValue(json, start)));
  }
  return undefined;
}

/**
 * The value of the first `"key":` that is at most so many objects deep (1: a member of the outermost one), parsed; undefined
 * when there is none, or none that parses. The end of the text may be missing, and nothing behind the member is read.
 */
export function readHeadMember(json: string, key: string, most: number): unknown {
  const quoted = `"${key}"`;
  let depth = 0;
  let from = 0;
  for (let at = json.indexOf(quoted); at >= 0; at = json.indexOf(quoted, at + quoted.length)) {
    if (json[at - 1] === "\\") continue;
    depth -= countCloses(json, from, at);
    from = at;
    const colon = skipSpace(json, at + quoted.length);
    if (json[colon] !== ":" || depth > most) continue;
    const start = skipSpace(json, colon + 1);
    const value = parseJson(json.slice(start, endOfValue(json, start)));
    if (value !== undefined) return value;
  }
  return undefined;
}

/** The offset of the first character from there on that is no white space of JSON; the text's length at its end. */
export function skipSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at;
    at += 1;
  }
}

/**
 * The offset after the closing quote of the string opened at `start`, or -1. A native search from quote to quote is
 * twice as fast as a loop over the characters; a quote after an odd number of backslashes is inside the string.
 */
export function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let first = quote;
    while (text.charCodeAt(first - 1) === BACKSLASH) first -= 1;
    if ((quote - first) % 2 === 0) return quote + 1;
  }
  return -1;
}

/** The same for bytes, but for the offset of the quote itself; the length when the string is never closed. */
export function closingQuote(bytes: Buffer, start: number): number {
  for (let quote = bytes.indexOf(QUOTE, start + 1); quote >= 0; quote = bytes.indexOf(QUOTE, quote + 1)) {
    let first = quote;
    while (bytes[first - 1] === BACKSLASH) first -= 1;
    if ((quote - first) % 2 === 0) return quote;
  }
  return bytes.length;
}

/** How many more objects and arrays are closed than opened in a stretch that begins outside of a string. */
function countCloses(json: string, start: number, end: number): number {
  let closes = 0;
  for (let at = start; at < end; at += 1) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = lastOfString(json, at);
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) closes += 1;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) closes -= 1;
  }
  return closes;
}

/** The index behind the value that begins at `start`. */
function endOfValue(json: string, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = lastOfString(json, at);
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth += 1;
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth -= 1;
    else if (code !== COMMA || depth > 0) continue;
    if (depth < 0 || code === COMMA) return at;
    if (depth === 0) return at + 1;
  }
  return json.length;
}

/** The offset of the quote that closes the string opened at `start`; the length when it is never closed. */
function lastOfString(json: string, start: number): number {
  const end = endOfString(json, start);
  return end < 0 ? json.length : end - 1;
}
