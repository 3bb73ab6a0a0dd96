// Session ids. Only what has the shape of a UUID is one: everything else is text from a file and no command may hold it.
// Pure.

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const MILLISECOND_DIGITS = 12;

/** In lower case; null for anything else. */
export function readUuid(value: unknown): string | null {
  return typeof value === "string" && UUID.test(value) ? value.toLowerCase() : null;
}

/** When a UUID of version 7 was made, ms since 1970 (RFC 9562 5.7); null for the other versions. */
export function uuidTime(id: string): number | null {
  if (id[14] !== "7") return null;
  return Number.parseInt(id.replaceAll("-", "").slice(0, MILLISECOND_DIGITS), 16);
}
