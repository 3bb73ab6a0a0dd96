import { expect, test } from "bun:test";
import { createProgress } from "../../src/cli/progress.ts";

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
