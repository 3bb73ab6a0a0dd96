// Finds top-level members of a JSON object in its bytes without parsing the rest.
// Pure.

/** Bytes `start` up to `end` (exclusive) of a member's value. */
export interface ValueRange {
  readonly start: number;
  readonly end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Where the string value of a top-level member stands, quotes included; null when there is none.
 * A quote inside a JSON string is always escaped, so `"name"` in the bytes is a key or a whole string, never a part of
 * one; the level is then counted from the start. `withinBytes` bounds how far in the key may stand.
 */
export function findTopLevelString(
  bytes: Buffer,
  name: string,
  withinBytes = bytes.length,
): ValueRange | null {
  let depth = 0;
  let from = 0;
  for (
    let at = bytes.indexOf(`"${name}"`);
    at >= 0 && at < withinBytes;
    at = bytes.indexOf(`"${name}"`, at + 1)
  ) {
    for (; from < at; from += 1) {
      const byte = bytes[from];
      if (byte === QUOTE) from = endOfString(bytes, from);
      else if (byte === 0x7b || byte === 0x5b) depth += 1;
      else if (byte === 0x7d || byte === 0x5d) depth -= 1;
    }
    if (from !== at || depth !== 1) continue;
    const colon = /^\s*:\s*(?=")/.exec(bytes.toString("latin1", at + name.length + 2, at + name.length + 64));
    if (colon === null) continue;
    const start = at + name.length + 2 + colon[0].length;
    const end = endOfString(bytes, start) + 1;
    return end <= bytes.length ? { start, end } : null;
  }
  return null;
}

/**
 * Whether the value that ends before `at` belongs to the document's own object: what follows closes that object and
 * nothing else. Costs as much as the rest of the document is long; a key near the end costs next to nothing.
 */
export function endsAtTopLevel(bytes: Buffer, at: number): boolean {
  let depth = 1;
  for (let from = at; from < bytes.length; from += 1) {
    const byte = bytes[from];
    if (byte === QUOTE) from = endOfString(bytes, from);
    else if (byte === 0x7b || byte === 0x5b) depth += 1;
    else if (byte === 0x7d || byte === 0x5d) depth -= 1;
  }
  return depth === 0;
}

/** The offset of the quote that closes the string opened at `start`; the length or more when it is never closed. */
function endOfString(bytes: Buffer, start: number): number {
  for (let end = bytes.indexOf(QUOTE, start + 1); end >= 0; end = bytes.indexOf(QUOTE, end + 1)) {
    let escapes = 0;
    while (bytes[end - 1 - escapes] === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return end;
  }
  return bytes.length;
}
