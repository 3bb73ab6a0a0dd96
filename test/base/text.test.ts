import { describe, expect, test } from "bun:test";
import { UserError } from "../../src/base/errors.ts";
import { type Text, inEnglish, joinTexts, renderText, showMoment, showSpan, t } from "../../src/base/text.ts";

const SHOUT = ({ text: english }: Text): string =>
  ({ "{0} is broken: {1}": "{1} broke {0}", "the disk is full": "DISK FULL" })[english] ?? english;

describe("a text as data", () => {
  test("is its English words with the values in their places", () => {
    expect(inEnglish(t`no config named ${"main"}, ${3} others`)).toBe("no config named main, 3 others");
    expect(inEnglish("as it is")).toBe("as it is");
  });

  test("survives JSON, and is put into another language with the texts in it", () => {
    const text = t`${"a {1} b"} is broken: ${t`the disk is full`}`;
    expect(renderText(JSON.parse(JSON.stringify(text)) as typeof text, SHOUT)).toBe(
      "DISK FULL broke a {1} b",
    );
    expect(renderText(t`unknown to ${1}`, SHOUT)).toBe("unknown to 1");
  });

  test("joins others without words of its own", () => {
    expect(inEnglish(joinTexts([t`one`, "two", t`${3}`], "; "))).toBe("one; two; 3");
    expect(inEnglish(joinTexts([], "; "))).toBe("");
  });

  test("is kept by an error whose message is English", () => {
    const error = new UserError(t`no ${"x"}`, { hint: t`type ${"y"}` });
    expect([error.message, error.hint]).toEqual(["no x", "type y"]);
    expect([error.text, error.hintText]).toEqual([t`no ${"x"}`, t`type ${"y"}`]);
  });
});

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
  // A Friday.
  const now = new Date(2026, 0, 2, 12, 0).getTime();
  const shown = (...at: readonly [number, number, number, number, number]): string =>
    inEnglish(showMoment(new Date(...at).getTime(), now));
  expect(shown(2026, 0, 2, 9, 5)).toBe("09:05");
  expect(shown(2026, 0, 3, 0, 0)).toBe("tomorrow 00:00");
  expect(shown(2026, 0, 4, 9, 5)).toBe("Sun 09:05");
  expect(shown(2026, 0, 8, 23, 59)).toBe("Thu 23:59");
  // That weekday would be today's.
  expect(shown(2026, 0, 9, 0, 0)).toBe("9 Jan");
  expect(shown(2027, 0, 2, 9, 5)).toBe("2027-01-02");
  // Of what was, the time counts.
  expect(shown(2026, 0, 1, 9, 5)).toBe("1 Jan 09:05");
  expect(shown(2025, 11, 31, 9, 5)).toBe("2025-12-31 09:05");
});
