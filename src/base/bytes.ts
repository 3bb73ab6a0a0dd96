// Bytes as text: what a body begins with, which tells JSON from a page and from a stream of events, and whether it is UTF-8.
// Pure.

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

const BRACE = 0x7b;
const BRACKET = 0x5b;
const LESS_THAN = 0x3c;

/** What a body is. */
export type Shape = "unknown" | "events" | "json" | "page";

/** By its first byte that is neither white space nor a part of a byte order mark: content types lie. */
export function shapeOf(bytes: Uint8Array): Shape {
  for (const byte of bytes) {
    if (byte <= 0x20 || BYTE_ORDER_MARK.includes(byte)) continue;
    if (byte === BRACE || byte === BRACKET) return "json";
    return byte === LESS_THAN ? "page" : "events";
  }
  return "unknown";
}

/** The text, without a BOM unless it is to stay; null for bytes that are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array, { keepsBom = false } = {}): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: keepsBom }).decode(bytes);
  } catch {
    return null;
  }
}
