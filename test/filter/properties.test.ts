import { expect, test } from "bun:test";
import fc from "fast-check";
import { JSON_TYPE, expectOk, makeFilter } from "./filtered.ts";
import { parseRules } from "../../src/filter/rules.ts";

const RUNS = { numRuns: 400 };
const UNIT = fc.constantFrom(
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
type TestRule = { source: string; ignore_case: boolean };

const RULES = fc.array(RULE, { minLength: 1, maxLength: 4 }).filter((rules) => {
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

type Node = { text: string } | { list: Node[] } | { entries: Node[] } | { nested: Node };

const NODE = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.record({ text: fc.string({ unit: UNIT, maxLength: 12 }) }),
    fc.record({ list: fc.array(tie("node"), { maxLength: 3 }) }),
    fc.record({ entries: fc.array(tie("node"), { maxLength: 3 }) }),
    fc.record({ nested: tie("node") }),
  ),
})).node;

function write(node: Node, ways: Iterator<number>): string {
  if ("text" in node) return spell(node.text, ways);
  if ("nested" in node) return spell(write(node.nested, ways), ways);
  if ("list" in node) return `[${node.list.map((item) => write(item, ways)).join(", ")}]`;
  return `{${node.entries.map((item, index) => `"key ${index}": ${write(item, ways)}`).join(",")}}`;
}

function* cycle(ways: readonly number[]): Generator<number> {
  for (;;) yield* ways.length === 0 ? [0] : ways;
}

/** Every string value, and every string value of the JSON that one holds. */
function* stringValues(value: unknown): Generator<string> {
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

function holds(text: string, { source, ignore_case: ignoreCase }: TestRule): boolean {
  if (!ignoreCase) return text.includes(source);
  // No letter used here has a case that changes its length.
  return text.toLowerCase().includes(source.toLowerCase());
}

const WAYS = fc.array(fc.nat({ max: 3 }), { maxLength: 40 });

test("no literal source is left in any string, however it was spelled and nested, and JSON stays JSON", () => {
  let redacted = 0;
  fc.assert(
    fc.property(RULES, NODE, WAYS, (rules, node, ways) => {
      const body = write(node, cycle(ways));
      JSON.parse(body);
      const result = makeFilter(rules).filterBody(Buffer.from(body), JSON_TYPE);
      // Rules can undo each other without end; that is refused, which leaks nothing.
      if (result.kind === "refused") return;
      const text = Buffer.from(result.value).toString();
      if (text !== body) redacted += 1;
      for (const value of stringValues(JSON.parse(text))) {
        for (const rule of rules) expect(holds(value, rule)).toBe(false);
      }
    }),
    RUNS,
  );
  expect(redacted).toBeGreaterThan(RUNS.numRuns / 10);
});

test("in what is not JSON no source is left either", () => {
  fc.assert(
    fc.property(RULES, fc.string({ unit: UNIT, maxLength: 40 }), (rules, text) => {
      const result = makeFilter(rules).filterBody(Buffer.from(`text: ${text}`), "text/plain");
      if (result.kind === "refused") return;
      for (const rule of rules) expect(holds(Buffer.from(result.value).toString(), rule)).toBe(false);
    }),
    RUNS,
  );
});

test("without a match the very same bytes come back", () => {
  fc.assert(
    fc.property(fc.json(), fc.boolean(), (json, ignoreCase) => {
      const body = Buffer.from(json);
      const rule = { op: "remove", source: "no such source", ignore_case: ignoreCase };
      expect(expectOk(makeFilter([rule]).filterBody(body, JSON_TYPE)).value).toBe(body);
    }),
    RUNS,
  );
});

test("only the strings that matched are written anew: the bytes around them stay", () => {
  const scalars = ["1.0", "-0", "1e400", "12345678901234567890123", "1E-7", "true", "null", '"\\u00e9\\/"'];
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...scalars, '"HIT"'), { maxLength: 20 }),
      fc.string(),
      (items, space) => {
        const gap = space.replace(/[^ \n\t]/g, " ");
        const make = (hit: string): string =>
          `{ "HIT" :${gap}[ ${items.map((item) => (item === '"HIT"' ? hit : item)).join(`,${gap}`)}]}${gap}`;
        const filter = makeFilter([{ op: "replace", source: "HIT", target: "hit" }]);
        const result = expectOk(filter.filterBody(Buffer.from(make('"HIT"')), JSON_TYPE));
        expect(Buffer.from(result.value).toString()).toBe(make('"hit"'));
      },
    ),
    RUNS,
  );
});

test("redacting twice changes nothing more", () => {
  fc.assert(
    fc.property(RULES, NODE, WAYS, (rules, node, ways) => {
      const filter = makeFilter(rules);
      const once = filter.filterBody(Buffer.from(write(node, cycle(ways))), JSON_TYPE);
      if (once.kind === "refused") return;
      expect(expectOk(filter.filterBody(once.value, JSON_TYPE)).value).toBe(once.value);
    }),
    RUNS,
  );
});

test("any bytes end in a body or a refusal, and a body with rules is UTF-8", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const result = makeFilter([{ op: "remove", source: "a" }]).filterBody(bytes, null);
      if (result.kind === "ok") expect(Buffer.from(result.value).toString().includes("\uFFFD")).toBe(false);
    }),
    RUNS,
  );
});
