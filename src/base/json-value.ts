// Looks at parsed JSON of unknown shape without believing anything about it, and says what is wrong with a text that is none.
// Pure.
import type { ParseErrorCode } from "jsonc-parser";
import { type Text, t } from "./text.ts";

export type JsonRecord = Record<string, unknown>;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value that a text holds; undefined for a text that is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The object that a text holds; null for anything else. */
export function parseRecord(text: string): JsonRecord | null {
  const value = parseJson(text);
  return isRecord(value) ? value : null;
}

/** The value if it is a string, else the substitute. */
export function stringOr<T>(value: unknown, other: T): string | T {
  return typeof value === "string" ? value : other;
}

export function describeJsonError(code: ParseErrorCode): Text {
  return WORDS[code] ?? t`this is not JSON`;
}

/** By ParseErrorCode of jsonc-parser, whose enum exists for the type checker only. */
const WORDS: Readonly<Record<number, Text>> = {
  1: t`this is not JSON`,
  2: t`this is not a number`,
  3: t`a key in double quotes is expected`,
  4: t`a value is expected`,
  5: t`a ":" is expected`,
  6: t`a "," is expected`,
  7: t`a "}" is missing`,
  8: t`a "]" is missing`,
  9: t`something follows after the end of the value`,
  11: t`a comment is not closed`,
  12: t`a string is not closed`,
  14: t`a \\u escape is wrong`,
  15: t`an escape in a string is wrong`,
  16: t`a control character stands in a string`,
};
