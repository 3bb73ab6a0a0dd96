// Times as the clients write them.
// Pure.

/** ms since 1970 of an ISO time; null for anything else. */
export function readTimestamp(value: unknown): number | null {
  if (typeof value !== "string") return null;
  const time = Date.parse(value);
  return Number.isNaN(time) ? null : time;
}
