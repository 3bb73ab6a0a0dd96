import { expect, test } from "bun:test";
import fc from "fast-check";
import { cutPath, formatMs, formatTokens, formatUsd } from "../../src/cli/figures.ts";

test("figures are short, and right to about a hundredth", () => {
  expect([0, 950, 12_345, 999_499, 4_560_000, 7_890_000_000].map(formatTokens)).toEqual([
    "0",
    "950",
    "12.3k",
    "999k",
    "4.56M",
    "7.89G",
  ]);
  expect([0, 85.4, 1234, 75_300].map(formatMs)).toEqual(["0 ms", "85 ms", "1.2 s", "75 s"]);
  expect([0, 0.00001, 0.004_21, 0.01, 1.234, 999.99, 4567.8].map(formatUsd)).toEqual([
    "$0",
    "<$0.0001",
    "$0.0042",
    "$0.01",
    "$1.23",
    "$999.99",
    "$4568",
  ]);
});

test("paths are cut at their beginning", () => {
  expect(cutPath("/home/me/code/app", 9)).toBe("…code/app");
  expect(cutPath("/short", 8)).toBe("/short");
});

test("a path that is cut fits its columns, in any script", () => {
  const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("/代码/中转站/项目", "a中b转c站"));
  fc.assert(
    fc.property(text, fc.integer({ min: 2, max: 20 }), (words, columns) => {
      expect(Bun.stringWidth(cutPath(words, columns))).toBeLessThanOrEqual(columns);
    }),
  );
});
