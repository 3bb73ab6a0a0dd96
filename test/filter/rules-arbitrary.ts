// Any rules of redaction, and any JSON in any spelling: strings, and JSON inside of strings.
import fc from "fast-check";
import { parseRules } from "../../src/filter/rules.ts";

export const UNIT = fc.constantFrom(
  "a",
  "b",
  "A",
  "-",
  ".",
  '"',
  "\\",
  "/",
  "n",
  "u",
  "\n",
  "\t",
  "ü",
  "Ü",
  "密",
  "😀",
  " ",
  "{",
  "[",
);
const SOURCE = fc.string({ unit: UNIT, minLength: 1, maxLength: 5 });

const RULE = fc.oneof(
  fc.record({ op: fc.constant("remove"), source: SOURCE, ignore_case: fc.boolean() }),
  fc.record({
    op: fc.constant("replace"),
    source: SOURCE,
    ignore_case: fc.boolean(),
    target: fc.string({
      unit: fc.constantFrom("X", "[", "]", '"', "\\", "$&", "é", "a", "\n"),
      maxLength: 4,
    }),
  }),
);
export type TestRule = { source: string; ignore_case: boolean };

export const RULES = fc.array(RULE, { minLength: 1, maxLength: 4 }).filter((rules) => {
  try {
    parseRules(JSON.stringify(rules), "filter.json");
    return true;
  } catch {
    return false;
  }
});

/** Writes a JSON string with every character spelled in one of the ways JSON allows; `ways` says which. */
function spell(text: string, ways: Iterator<number>): string {
  const short: Record<string, string> = { '"': '\\"', "\\": "\\\\", "/": "\\/", "\n": "\\n", "\t": "\\t" };
  let out = "";
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charAt(index);
    const way = Number(ways.next().value ?? 0) % 4;
    const hex = unit.charCodeAt(0).toString(16).padStart(4, "0");
    const isSurrogate = /[\ud800-\udfff]/.test(unit);
    const mustEscape = unit === '"' || unit === "\\" || unit < " ";
    if (way === 1 || (way === 2 && mustEscape && short[unit] === undefined)) out += `\\u${hex}`;
    else if (way === 2 && isSurrogate) out += `\\u${hex.toUpperCase()}`;
    else if ((way === 2 || mustEscape) && short[unit] !== undefined) out += short[unit];
    else out += isSurrogate && way === 3 ? `\\u${hex}` : unit;
  }
  return `"${out}"`;
}

export type Node = { text: string } | { list: Node[] } | { entries: Node[] } | { nested: Node };

export const NODE = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.record({ text: fc.string({ unit: UNIT, maxLength: 12 }) }),
    fc.record({ list: fc.array(tie("node"), { maxLength: 3 }) }),
    fc.record({ entries: fc.array(tie("node"), { maxLength: 3 }) }),
    fc.record({ nested: tie("node") }),
  ),
})).node;

export function write(node: Node, ways: Iterator<number>): string {
  if ("text" in node) return spell(node.text, ways);
  if ("nested" in node) return spell(write(node.nested, ways), ways);
  if ("list" in node) return `[${node.list.map((item) => write(item, ways)).join(", ")}]`;
  return `{${node.entries.map((item, index) => `"key ${index}": ${write(item, ways)}`).join(",")}}`;
}

export function* cycle(ways: readonly number[]): Generator<number> {
  for (;;) yield* ways.length === 0 ? [0] : ways;
}

/** Every string value, and every string value of the JSON that one holds. */
export function* stringValues(value: unknown): Generator<string> {
  if (typeof value === "string") {
    yield value;
    const inner = tryParse(value);
    if (inner !== undefined) yield* stringValues(inner);
  } else if (typeof value === "object" && value !== null) {
    for (const item of Object.values(value)) yield* stringValues(item);
  }
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function holds(text: string, { source, ignore_case: ignoreCase }: TestRule): boolean {
  if (!ignoreCase) return text.includes(source);
  // No letter used here has a case that changes its length.
  return text.toLowerCase().includes(source.toLowerCase());
}

export const WAYS = fc.array(fc.nat({ max: 3 }), { maxLength: 40 });
