import { expect, test } from "bun:test";
import fc from "fast-check";
import { readTailMember } from "../../src/base/json-members.ts";

test("a member is found at its depth, with the same value that a parser finds", () => {
  const key = fc.constantFrom("usage", "type", "a", 'x"usage', "usage\\");
  const space = fc.constantFrom<(number | string)[]>(0, 1, "\t");
  fc.assert(
    fc.property(
      fc.dictionary(key, fc.jsonValue()),
      fc.jsonValue(),
      space,
      fc.nat(),
      (rest, drawn, indent, place) => {
        // As a parser finds it: JSON knows no -0.
        const value: unknown = JSON.parse(JSON.stringify(drawn));
        const inner = { ...rest, usage: value, after: rest };
        const deep = JSON.stringify({ before: [rest], inner, list: [rest] }, null, indent);
        expect(readTailMember(deep, "usage", 2)).toEqual(value);
        const flat = JSON.stringify({ before: deep, usage: value, after: deep }, null, indent);
        expect(readTailMember(flat, "usage", 1)).toEqual(value);
        const start = flat.lastIndexOf('"usage"', flat.lastIndexOf('"after"'));
        expect(readTailMember(flat.slice(place % (start + 1)), "usage", 1)).toEqual(value);
      },
    ),
  );
});

const CASES: readonly [string, string, string, number, unknown][] = [
  ["no such member", '{"a":1}', "usage", 1, undefined],
  ["a member at another depth only", '{"a":{"usage":1}}', "usage", 1, undefined],
  ["a string that says the same", String.raw`{"a":"\"usage\":1}"}`, "usage", 1, undefined],
  ["a value of that name", '{"a":"usage","b":1}', "usage", 1, undefined],
  ["the end is missing", '{"usage":{"a":1', "usage", 1, undefined],
  ["null", '{"usage" : null }', "usage", 1, null],
  ["a string with braces", '{"usage":"}{\\\\","b":"\\"}"}', "usage", 1, "}{\\"],
  ["the last of two", '{"usage":1,"usage":2}', "usage", 1, 2],
  ["inside of an array", '{"choices":[{"finish_reason":"stop"}]}', "finish_reason", 3, "stop"],
];

for (const [title, json, key, depth, expected] of CASES) {
  test(`looking for a member: ${title}`, () => {
    expect(readTailMember(json, key, depth)).toEqual(expected);
  });
}

test("a long text full of the key takes no longer than its length asks for", () => {
  const json = `{${'"usage":{"a":[1]},'.repeat(20_000)}"b":1}`;
  const start = performance.now();
  expect(readTailMember(json, "usage", 2)).toBe(undefined);
  expect(performance.now() - start).toBeLessThan(1000);
});
