import { expect, test } from "bun:test";
import fc from "fast-check";
import { makeBar, makeSparkline } from "../../src/cli/bars.ts";

test("a bar is as long as its share, in eighths of a column", () => {
  expect([0, 0.001, 0.5, 0.55, 1, 7].map((share) => makeBar(share, 10))).toEqual([
    "",
    "▏",
    "█████",
    "█████▌",
    "██████████",
    "██████████",
  ]);
});

test("a bar fits its columns, grows with its share, and is seen where there is anything", () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(share, share, fc.integer({ min: 1, max: 60 }), (one, two, columns) => {
      const [less, more] = [Math.min(one, two), Math.max(one, two)].map((each) => makeBar(each, columns));
      expect(Bun.stringWidth(more ?? "")).toBeLessThanOrEqual(columns);
      expect(Bun.stringWidth(less ?? "")).toBeLessThanOrEqual(Bun.stringWidth(more ?? ""));
      expect(more === "").toBe(Math.max(one, two) === 0);
    }),
  );
});

test("a sparkline has a column for each figure, blank where there is nothing", () => {
  expect(makeSparkline([0, 1, 50, 100, Number.NaN])).toBe(" ▁▄█ ");
  expect(makeSparkline([])).toBe("");
  expect(makeSparkline([0, 0])).toBe("  ");
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e15, noNaN: true })), (figures) => {
      expect(Bun.stringWidth(makeSparkline(figures))).toBe(figures.length);
    }),
  );
});
