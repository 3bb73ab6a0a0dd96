import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { findForeignSign } from "../../src/base/foreign-signs.ts";
import { inEnglish } from "../../src/base/text.ts";
import { parseToml } from "../../src/clients/codex/layers.ts";
import { readToml } from "../../src/clients/codex/toml-document.ts";
import { findSettingsRefusal } from "../../src/clients/claude/refusal.ts";
import { readJsonc } from "../../src/config/jsonc.ts";
import { parseRules } from "../../src/filter/rules.ts";
import { runCli } from "../helpers/cli.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

const messageOf = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    return (error as Error).message;
  }
  return "";
};

describe("JSON", () => {
  test.each([
    ["curly quotes around a key", "{“a”: 1}", "1:2", '“ (U+201C) instead of "'],
    ["around a value", '{"a": “b”}', "1:7", '“ (U+201C) instead of "'],
    ["at the end of a key alone", '{"a”: 1}', "1:4", '” (U+201D) instead of "'],
    ["at the end of a value alone", '{"a": "b”, "c": "d"}', "1:9", '” (U+201D) instead of "'],
    ["at the end of a line", '{\n  "a": "b”\n}', "2:10", '” (U+201D) instead of "'],
    ["at the beginning alone", '{"a": “b", "c": 1}', "1:7", '“ (U+201C) instead of "'],
    ["single ones", "{‘a’: 1}", "1:2", '‘ (U+2018) instead of "'],
    ["straight single ones", "{'a': 1}", "1:2", "' instead of \""],
    ["corner brackets", '{"a": 「b」}', "1:7", '「 (U+300C) instead of "'],
    ["a full-width colon", '{"a"： 1}', "1:5", "： (U+FF1A) instead of :"],
    ["a full-width comma", '{"a": 1， "b": 2}', "1:8", "， (U+FF0C) instead of ,"],
    ["between strings", '{"a": "b"，"c": "d"}', "1:10", "， (U+FF0C) instead of ,"],
    ["an enumeration comma", '["a"、"b"]', "1:5", "、 (U+3001) instead of ,"],
    ["full-width braces", '｛"a": 1｝', "1:1", "｛ (U+FF5B) instead of {"],
    ["lenticular brackets", '{"a": 【1】}', "1:7", "【 (U+3010) instead of ["],
    ["a full-width digit", '{"a": １}', "1:7", "１ (U+FF11) instead of 1"],
    ["a wide space", '{"a": 1,\u3000"b": 2}', "1:9", "a space other than the usual one (U+3000)"],
    ["a no-break space", '{"a":\u00a01}', "1:6", "a space other than the usual one (U+00A0)"],
    ["NUL bytes alone", "\0\0\0\0", "1:1", "a NUL character"],
    ["behind the value", '{"a": 1}\0', "1:9", "a NUL character"],
    ["a conflict", '<<<<<<< HEAD\n{"a": 1}\n=======\n', "1:1", "a conflict of git that is not resolved"],
    ["within", '{\n  "a": 1,\n=======\n  "b": 1\n}', "3:1", "a conflict of git that is not resolved"],
    ["a zero-width space", '{\u200b"a": 1}', "1:2", "an invisible character (U+200B)"],
  ])("%s: in config.json, filter.json and settings.json", (_name, text, place, words) => {
    expect(messageOf(() => readJsonc(text, "f"))).toBe(`f:${place}: ${words}`);
    expect(messageOf(() => parseRules(text, "f"))).toBe(`f:${place}: ${words}`);
    const refusal = findSettingsRefusal(text);
    expect(refusal).toMatchObject({ place: `:${place}` });
    expect(inEnglish(refusal?.words ?? "")).toBe(words);
  });

  test.each([
    ["a missing brace", '{"a": "他说“好”，行", "b": 1', 'missing "}"'],
    ["two values", '{"a": "“x”"} {}', "unexpected text after the value"],
    ["a word", '{"a": “”x"', '“ (U+201C) instead of "'],
    ["a string that is not ended", '{"a": "他说“好”', "unterminated string"],
  ])("is not blamed on signs within strings: %s", (_name, text, words) => {
    expect(messageOf(() => readJsonc(text, "f"))).toEndWith(words);
  });
});

describe("TOML", () => {
  test.each([
    ["curly quotes", "model = “gpt”", 1, 9, '“ (U+201C) instead of "'],
    ["one at the end", 'x = 1\nmodel = "gpt”\n', 2, 13, '” (U+201D) instead of "'],
    ["single ones", "model = ‘gpt’", 1, 9, "‘ (U+2018) instead of '"],
    ["an equals sign", 'model ＝ "gpt"', 1, 7, "＝ (U+FF1D) instead of ="],
    ["a comma", 'x = ["a"，"b"]', 1, 9, "， (U+FF0C) instead of ,"],
    ["brackets", "［a］", 1, 1, "［ (U+FF3B) instead of ["],
    ["a conflict", "a = 1\n<<<<<<< HEAD\nb = 1\n", 2, 1, "a conflict of git that is not resolved"],
    ["a wide space", "a =\u30001", 1, 4, "a space other than the usual one (U+3000)"],
  ])("%s", (_name, text, line, column, words) => {
    expect(messageOf(() => parseToml(text, "f"))).toBe(`f:${line}:${column}: ${words}`);
    expect(messageOf(() => readToml(text))).toBe(`line ${line}, column ${column}: ${words}`);
  });
});

test("any text and place: an answer is a place in that line, and never throws", () => {
  const signs = fc.constantFrom(..."“”‘：，{}\"'a 1\n\\\u3000".split(""), "😀");
  fc.assert(
    fc.property(fc.array(signs, { maxLength: 30 }), fc.nat(30), fc.nat(5), (all, offset, length) => {
      const text = all.join("");
      const found = findForeignSign(text, { offset, length, quote: '"' });
      if (found === null) return;
      expect(found.offset).toBeLessThan(text.length);
      expect(text.slice(Math.min(offset, found.offset), Math.max(offset, found.offset))).not.toContain("\n");
    }),
  );
});

test("a Chinese reader is told in Chinese", async () => {
  using home = makeTempHome({ LANG: "zh_CN.UTF-8" });
  home.write(".codex-helper/config.json", '{"version"： 1}');
  const { stderr } = await runCli(["config", "list"], { home });
  expect(stderr).toContain(":1:11：此处的 ：（U+FF1A）应为半角的 :");
});
