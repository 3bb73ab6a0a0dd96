// Looks at parsed JSON of unknown shape without believing anything about it.
// Pure.

export type JsonRecord = Record<string, unknown>;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object that a text holds; null for anything else. */
export function parseRecord(text: string): JsonRecord | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

/** The value if it is a string, else what stands in for it. */
export function stringOr<T>(value: unknown, other: T): string | T {
  return typeof value === "string" ? value : other;
}
