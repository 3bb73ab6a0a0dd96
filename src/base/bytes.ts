// Bytes as text: what a body begins with, which tells JSON from a page and from a stream of events, and whether it is UTF-8.
// Pure.

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** The first byte that is neither white space nor a part of a byte order mark; null for none. */
export function firstByteOf(bytes: Uint8Array): number | null {
  for (const byte of bytes) if (byte > 0x20 && !BYTE_ORDER_MARK.includes(byte)) return byte;
  return null;
}

/** A JSON object or array. */
export function beginsJson(byte: number | null): boolean {
  return byte === 0x7b || byte === 0x5b;
}

/** The text, without a BOM unless it is to stay; null for bytes that are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array, { keepsBom = false } = {}): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: keepsBom }).decode(bytes);
  } catch {
    return null;
  }
}
