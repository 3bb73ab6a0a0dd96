// Changes strings of a JSON text in place: finds those that may match, decodes them, and says which to replace.
// Which strings are never changed is decided in zones.ts.
// Pure.
import { visitStrings } from "./json-strings.ts";
import type { Zone } from "./zones.ts";

export interface JsonText {
  /** The text, or its bytes as Latin-1: JSON's own characters are all ASCII. */
  readonly text: string;
  /** The text of a token from its opening quote on. */
  readonly slice: (start: number, end: number) => string;
  /** Whether a token may match a rule at all. Asked with growing offsets. */
  readonly mayMatch: (start: number, end: number) => boolean;
}

/** A string token to replace. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly value: string;
}

export interface StringHandler {
  /** The new value, or the same. */
  readonly change: (value: string) => string;
  /** Told of a string that must stay. */
  readonly keep: (value: string) => void;
}

/** The edits of all strings in order, or null when the text is not JSON. `zone`: where the outermost value lies. */
export function editStrings(json: JsonText, zone: Zone, handler: StringHandler): Edit[] | null {
  const found: Token[] = [];
  const toolNames: Token[] = [];
  const isJson = visitStrings(json.text, zone, (start, end, place) => {
    if (place === "tool-name") toolNames.push({ start, end, place });
    if (json.mayMatch(start, end)) found.push({ start, end, place });
  });
  if (!isJson) return null;
  try {
    const values = found.map(({ start, end }) => decodeString(json.slice(start, end)));
    const isToolName = makeToolNameTest(json, toolNames);
    return collectEdits(found, values, { handler, isToolName });
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

interface Token {
  readonly start: number;
  readonly end: number;
  readonly place: Zone | "key";
}

interface Decision {
  readonly handler: StringHandler;
  readonly isToolName: (value: string) => boolean;
}

function collectEdits(tokens: readonly Token[], values: readonly string[], decision: Decision): Edit[] {
  const edits: Edit[] = [];
  tokens.forEach(({ start, end, place }, index) => {
    const before = values[index] ?? "";
    if (isKept(place, before, decision.isToolName)) return decision.handler.keep(before);
    const value = decision.handler.change(before);
    if (value !== before) edits.push({ start, end, value });
  });
  return edits;
}

function isKept(place: Zone | "key", value: string, isToolName: Decision["isToolName"]): boolean {
  if (place === "tool-reference") return isToolName(value);
  return place === "key" || place === "opaque" || place === "tool-name";
}

/** The names are decoded when first asked for: most requests never do. */
function makeToolNameTest(json: JsonText, tokens: readonly Token[]): (value: string) => boolean {
  let names: Set<string> | undefined;
  return (value) => {
    names ??= new Set(tokens.map(({ start, end }) => decodeString(json.slice(start, end))));
    return names.has(value);
  };
}

/** Throws SyntaxError for a bad escape or a raw control character. */
function decodeString(token: string): string {
  const value: unknown = JSON.parse(token);
  return String(value);
}
