/* oxlint-disable no-control-regex -- control characters are what these tests look for */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { alignRows } from "../../src/cli/layout.ts";
import { makeHarmless, makeJson, paintText } from "../../src/cli/output.ts";

test("columns are aligned by what a terminal shows, not by characters", () => {
  const rows = [
    ["NAME", "WHAT"],
    ["主力中转", "first"],
    ["e\u0301te\u0301", "accents"],
    [paintText(true, "red", "red"), "painted"],
  ];
  expect(alignRows(rows, undefined).map((line) => Bun.stripANSI(line))).toEqual([
    "NAME      WHAT",
    "主力中转  first",
    "e\u0301te\u0301       accents",
    "red       painted",
  ]);
});

test("no line is wider than the terminal, and a cut one says so", () => {
  const cell = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 30 }),
    fc.constantFrom("日本語テキスト", "中文", "é", ""),
  );
  const rows = fc.array(fc.array(cell, { minLength: 1, maxLength: 4 }), { maxLength: 5 });
  fc.assert(
    fc.property(rows, fc.integer({ min: 10, max: 60 }), (table, width) => {
      const whole = alignRows(table, undefined);
      for (const [index, line] of alignRows(table, width).entries()) {
        expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width);
        if (line !== whole[index]) expect(line).toEndWith("…");
      }
    }),
    { examples: [[[["        𝅘𝅥𝅮", "日本語テキスト"]], 11]] },
  );
});

test("a cut inside a coloured text does not leave the colour on", () => {
  expect(alignRows([[paintText(true, "red", "x".repeat(20))]], 5)).toEqual(["\u001b[31mxxxx\u001b[39m…"]);
});

test("nothing that steers a terminal gets through, but our own colours where they are wanted", () => {
  const hostile = "a\u001b]0;title\u0007b\u001b[2Jc\u202ed\u0085e\u001b[5mf\rg\tand\nh";
  expect(makeHarmless(hostile, false)).toBe("abcdef\ng\tand\nh");
  expect(makeHarmless(paintText(true, "green", hostile), true)).toBe("\u001b[32mabcdef\ng\tand\nh\u001b[39m");
  expect(makeHarmless(paintText(true, "green", "x"), false)).toBe("x");
});

test("any text is harmless afterwards", () => {
  const piece = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("\u001b", "\u001b[", "\u001b[3", "1m", "\u009b31m"),
  );
  fc.assert(
    fc.property(fc.array(piece), fc.boolean(), (pieces, hasColours) => {
      const text = makeHarmless(pieces.join(""), hasColours);
      const rest = hasColours ? text.replace(/\u001b\[(?:3[1236]|39|1|2|22)m/g, "") : text;
      expect(rest).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    }),
  );
});

test("JSON steers no terminal, and holds what it was made of", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
      const text = makeJson(value);
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
      expect(JSON.stringify(JSON.parse(text))).toBe(JSON.stringify(value));
    }),
  );
});
