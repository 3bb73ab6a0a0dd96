import fc from "fast-check";
import { expect, test } from "bun:test";
import { createProgress, makeBar, makeSparkline } from "../../src/cli/bars.ts";

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

function watch() {
  const lines: string[] = [];
  let now = 0;
  const progress = createProgress({ passing: (text) => void lines.push(text) }, "reading", () => now);
  return { lines, progress, at: (ms: number) => (now = ms) };
}

test("short work shows nothing", () => {
  const { lines, progress, at } = watch();
  at(299);
  progress.tell(1, 2);
  progress.end();
  expect(lines).toEqual([]);
});

test("longer work shows a bar ten times a second, and takes it away at the end", () => {
  const { lines, progress, at } = watch();
  for (const [ms, done] of [
    [300, 25],
    [350, 30],
    [400, 50],
    [500, 100],
  ] as const) {
    at(ms);
    progress.tell(done, 100);
  }
  progress.end();
  expect(lines).toEqual([
    "reading  ██████░░░░░░░░░░░░░░░░░░  25 %",
    "reading  ████████████░░░░░░░░░░░░  50 %",
    `reading  ${"█".repeat(24)}  100 %`,
    "",
  ]);
});

test("work of no known size shows nothing", () => {
  const { lines, progress, at } = watch();
  at(1000);
  progress.tell(0, 0);
  expect(lines).toEqual([]);
});
