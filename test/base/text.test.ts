import { describe, expect, test } from "bun:test";
import { UserError } from "../../src/base/errors.ts";
import { inEnglish, joinTexts, renderText, t } from "../../src/base/text.ts";

const SHOUT = (english: string): string =>
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
