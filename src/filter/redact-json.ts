// Changes strings of a JSON text in place: finds those that may match, decodes them, and says which to replace.
// Which strings are never changed is decided in zones.ts.
// Pure.
import { type Owner, visitStrings } from "./json-strings.ts";
import { SEALED_IN, type Zone } from "./zones.ts";

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
  readonly before: string;
  readonly value: string;
}

export interface StringHandler {
  /** The new value, or the same. */
  readonly change: (value: string) => string;
  /** Told of a string that must stay. */
  readonly keep: (value: string) => void;
  /** Keys of a tool call's input are text: they come back with what restored arguments hold. Default: they stay. */
  readonly changesInputKeys?: boolean;
}

/** The edits of all strings in order, or null when the text is not JSON. `zone`: where the outermost value lies. */
export function editStrings(json: JsonText, zone: Zone, handler: StringHandler): Edit[] | null {
  const found: Token[] = [];
  const toolNames: Token[] = [];
  const isJson = visitStrings(json.text, zone, (start, end, place, owner) => {
    if (place === "tool-name") toolNames.push({ start, end, place, owner });
    if (json.mayMatch(start, end)) found.push({ start, end, place, owner });
  });
  if (!isJson) return null;
  const decode = ({ start, end }: Token): string => decodeString(json.slice(start, end));
  // Decoded when first asked for: most requests never do.
  let names: Set<string> | undefined;
  const isToolName = (value: string): boolean => (names ??= new Set(toolNames.map(decode))).has(value);
  try {
    const values = found.map(decode);
    return found.flatMap(({ start, end, place, owner }, index) => {
      const before = values[index] ?? "";
      const isText = place === "key" && handler.changesInputKeys === true && owner.zone === "json";
      if ((isFixed(place, owner) && !isText) || (place === "tool-reference" && isToolName(before))) {
        handler.keep(before);
        return [];
      }
      const value = handler.change(before);
      return value === before ? [] : [{ start, end, before, value }];
    });
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

interface Token {
  readonly start: number;
  readonly end: number;
  readonly place: Zone | "key";
  readonly owner: Owner;
}

function isFixed(place: Zone | "key", { type }: Owner): boolean {
  const sealedIn = SEALED_IN[place];
  if (sealedIn !== undefined) return type === sealedIn;
  return place === "key" || place === "opaque" || place === "tool-name";
}

/** Throws SyntaxError for a bad escape or a raw control character. */
function decodeString(token: string): string {
  const value: unknown = JSON.parse(token);
  return String(value);
}
