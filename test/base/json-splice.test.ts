import { expect, test } from "bun:test";
import fc from "fast-check";
import { type JsonPath, removePaths, splice, valueAt } from "../../src/base/json-splice.ts";

const remove = (json: string, ...paths: JsonPath[]): string =>
  Buffer.from(removePaths(Buffer.from(json), paths)).toString("utf8");

const CASES: readonly [string, string, JsonPath[], string][] = [
  ["the first member", '{"a":1,"b":2}', [["a"]], '{"b":2}'],
  ["the last member", '{"a":1, "b":2}', [["b"]], '{"a":1}'],
  ["a member between", '{"a":1,"b":2,"c":3}', [["b"]], '{"a":1,"c":3}'],
  ["all members", '{ "a":1,"b":2 }', [["a"], ["b"]], "{  }"],
  ["the first two of three", "[1, 2, 3]", [[0], [1]], "[3]"],
  ["the last two of three", "[1, 2, 3]", [[1], [2]], "[1]"],
  ["both ends", "[1,2,3]", [[0], [2]], "[2]"],
  ["of two members of one name both", '{"a":1,"b":2,"a":3}', [["a"]], '{"b":2}'],
  ["a name with an escape in it", String.raw`{"\u0061":1,"b":-0}`, [["a"]], '{"b":-0}'],
  ["what is in another that goes too", '{"a":{"b":[1]},"c":1e9999}', [["a", "b", 0], ["a"]], '{"c":1e9999}'],
  ["a path to nothing", '{"a":[1]}', [["a", 1], ["b"], ["a", "x"], []], '{"a":[1]}'],
  [
    "numbers beside it",
    '{"a":1234567890123456789,"b":-0.0,"c":1}',
    [["c"]],
    '{"a":1234567890123456789,"b":-0.0}',
  ],
  ["strings full of marks", String.raw`["a,]}\"",{"x":"\\"},3]`, [[1]], String.raw`["a,]}\"",3]`],
  ["a byte order mark", '\ufeff {"a":1,"b":2}', [["a"]], '\ufeff {"b":2}'],
  ["a document that ends too early", '{"a":[1,{"b":"x', [["a", 7], ["b"]], '{"a":[1,{"b":"x'],
  ["a document that is none", "{a:1,,}", [["a"], [""]], "{a:1,,}"],
];

for (const [title, json, paths, expected] of CASES) {
  test(`cutting out of JSON: ${title}`, () => expect(remove(json, ...paths)).toBe(expected));
}

const SPACE = fc.constantFrom("", " ", "\n\t", "\r\n  ");
const NUMBER = fc.constantFrom("1234567890123456789", "-0", "1e9999", "1.50E+2", "0.10", "12");
const STRING = fc.constantFrom('"a"', '"a\\"]}"', String.raw`"\u00e9\/"`, '"\\\\"', '"é,{["', '""');

/** JSON text as no writer of JSON would write it. */
const { value: JSON_TEXT } = fc.letrec<{ value: string; leaf: string; list: string; record: string }>(
  (tie) => ({
    value: fc.oneof({ maxDepth: 4, depthSize: "small" }, tie("leaf"), tie("list"), tie("record")),
    leaf: fc.oneof(NUMBER, STRING, fc.constantFrom("true", "null")),
    list: fc
      .tuple(SPACE, fc.array(tie("value"), { maxLength: 5 }), SPACE)
      .map(([before, items, after]) => `[${before}${items.join(`${after},${before}`)}${after}]`),
    record: fc
      .tuple(
        SPACE,
        fc.uniqueArray(fc.tuple(STRING, tie("value")), { maxLength: 5, selector: ([name]) => name }),
        SPACE,
      )
      .map(
        ([before, members, after]) =>
          `{${before}${members.map(([name, item]) => `${name}${after}:${before}${item}`).join(`${after},${before}`)}${after}}`,
      ),
  }),
);

/** All paths of a value, but for its own. */
function pathsOf(value: unknown, path: JsonPath = []): JsonPath[] {
  if (typeof value !== "object" || value === null) return [];
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return keys.flatMap((key) => {
    const below = [...path, key];
    return [below, ...pathsOf((value as Record<string | number, unknown>)[key], below)];
  });
}

/** The same done to the parsed value. */
function without(value: unknown, paths: readonly JsonPath[]): unknown {
  if (typeof value !== "object" || value === null) return value;
  const isGone = (key: string | number) => paths.some((path) => path.length === 1 && path[0] === key);
  const below = (key: string | number) =>
    paths.filter((path) => path[0] === key).map((path) => path.slice(1));
  if (Array.isArray(value))
    return value.flatMap((item: unknown, index) => (isGone(index) ? [] : [without(item, below(index))]));
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (isGone(key) ? [] : [[key, without(item, below(key))]])),
  );
}

test("what a parser finds after a cut is what it found before without those paths", () => {
  fc.assert(
    fc.property(JSON_TEXT, fc.infiniteStream(fc.boolean()), (json, coins) => {
      const value: unknown = JSON.parse(json);
      const paths = pathsOf(value).filter(() => coins.next().value);
      expect(JSON.parse(remove(json, ...paths))).toEqual(without(value, paths));
    }),
    { numRuns: 500 },
  );
});

test("every value that stays is written as before, character for character", () => {
  fc.assert(
    fc.property(
      fc.array(JSON_TEXT, { minLength: 1, maxLength: 8 }),
      fc.infiniteStream(fc.boolean()),
      (items, coins) => {
        const stays = items.map(() => coins.next().value ?? false);
        const paths = stays.flatMap((stay, index) => (stay ? [] : [[index]]));
        const kept = items.filter((_item, index) => stays[index]);
        expect(remove(`[${items.join(",")}]`, ...paths)).toBe(`[${kept.join(",")}]`);
      },
    ),
    { numRuns: 500 },
  );
});

test("each path leads to the text of the value that a parser finds there", () => {
  fc.assert(
    fc.property(JSON_TEXT, (json) => {
      const bytes = Buffer.from(json);
      for (const path of pathsOf(JSON.parse(json))) {
        const range = valueAt(bytes, path);
        const text = bytes.toString("utf8", range?.start, range?.end);
        let expected: unknown = JSON.parse(json);
        for (const key of path) expected = (expected as Record<string | number, unknown>)[key];
        expect(JSON.parse(text)).toEqual(expected);
      }
    }),
  );
});

test("nothing that is sent makes it throw or run past the end", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        JSON_TEXT.map((json) => json.slice(0, -1)),
      ),
      fc.nat(4),
      (text, index) => {
        expect(Buffer.from(remove(text, ["a"], [index], ["a", index])).length).toBeLessThanOrEqual(
          Buffer.byteLength(text),
        );
      },
    ),
    { numRuns: 500 },
  );
});

test("an edit within another is part of it, and one at the very beginning is made", () => {
  const bytes = Buffer.from("abcdef");
  const edits = [
    { start: 2, end: 3, text: "x" },
    { start: 1, end: 4, text: "-" },
    { start: 0, end: 0, text: "<" },
  ];
  expect(splice(bytes, edits).toString()).toBe("<a-ef");
});
