// What a body begins with, which tells a JSON document from a page and from a stream of events.
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
