// Looks at parsed JSON of unknown shape without believing anything about it, and says what is wrong with a text that is none.
// Pure.
import type { ParseError } from "jsonc-parser";
import { findForeignSign } from "./foreign-signs.ts";
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

/**
 * The same, but a number that would be written otherwise than it was (1234567890123456789, -0, 1e9999, 1.0) is held as a
 * JSON.rawJSON, which JSON.stringify writes as it was. Ten times slower.
 */
export function parseExact(text: string): unknown {
  try {
    return EXACT.parse(text, (_key, value, { source }) =>
      typeof value === "number" && source !== undefined && String(value) !== source
        ? EXACT.rawJSON(source)
        : value,
    );
  } catch {
    return undefined;
  }
}

/** https://tc39.es/proposal-json-parse-with-source, which the compiler's library does not know yet. */
const EXACT = JSON as unknown as {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
};

/** The object that a text holds; null for anything else. */
export function parseRecord(text: string): JsonRecord | null {
  const value = parseJson(text);
  return isRecord(value) ? value : null;
}

/** The values of an object that are strings, with their names. */
export function stringEntries(value: unknown): [string, string][] {
  const entries = isRecord(value) ? Object.entries(value) : [];
  return entries.filter((entry): entry is [string, string] => typeof entry[1] === "string");
}

/** The value if it is a string, else the substitute. */
export function stringOr<T>(value: unknown, other: T): string | T {
  return typeof value === "string" ? value : other;
}

/** What is wrong with a text, and where: by the parser's error, or by the sign that it could not read. */
export function describeJsonError(
  text: string,
  { error, length, offset }: ParseError,
): { readonly offset: number; readonly words: Text } {
  const words = WORDS[error] ?? t`this is not JSON`;
  return findForeignSign(text, { offset, length, quote: '"' }) ?? { offset, words };
}

/** By ParseErrorCode of jsonc-parser, whose enum exists for the type checker only. */
const WORDS: Readonly<Record<number, Text>> = {
  1: t`this is not JSON`,
  2: t`this is not a number`,
  3: t`expected a key in double quotes`,
  4: t`expected a value`,
  5: t`expected ":"`,
  6: t`expected ","`,
  7: t`missing "}"`,
  8: t`missing "]"`,
  9: t`unexpected text after the value`,
  10: t`comments are not allowed`,
  11: t`unterminated comment`,
  12: t`unterminated string`,
  14: t`invalid \\u escape`,
  15: t`invalid escape in a string`,
  16: t`control character in a string`,
};
