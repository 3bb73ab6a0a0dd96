import { inEnglish } from "../../src/base/text.ts";
import { expect, test } from "bun:test";
import { showMoment, showSpan } from "../../src/base/time-words.ts";

const S = 1_000;
const MIN = 60 * S;
const H = 60 * MIN;

test.each([
  [0, "1 s"],
  [12 * S, "12 s"],
  [99 * S, "99 s"],
  [100 * S, "2 min"],
  [59 * MIN, "59 min"],
  [2 * H, "2 h"],
  [2 * H + 10 * MIN, "2 h 10 min"],
  [24 * H, "1 d"],
  [51 * H, "2 d 3 h"],
])("%d ms are %s", (ms, words) => {
  expect(inEnglish(showSpan(ms))).toBe(words);
});

test("a moment is a time of day, with the date where it is another day's", () => {
  const now = new Date(2026, 0, 2, 12, 0).getTime();
  expect(showMoment(new Date(2026, 0, 2, 9, 5).getTime(), now)).toBe("09:05");
  expect(inEnglish(showMoment(new Date(2026, 0, 3, 9, 5).getTime(), now))).toBe("Jan 3 09:05");
});
