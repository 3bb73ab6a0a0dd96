import { afterEach, describe, expect, test } from "bun:test";
import { fromEnglish, t as makeText } from "../../src/base/text.ts";
import { languageOf, t, tell, translate, useDictionary } from "../../src/cli/language.ts";

afterEach(() => useDictionary(null));

describe("the language", () => {
  test.each([
    [{}, "en"],
    [{ LANG: "C.UTF-8" }, "en"],
    [{ LANG: "zh_CN.UTF-8" }, "zh"],
    [{ LANG: "zh" }, "zh"],
    [{ LANG: "zh_TW.UTF-8", LC_MESSAGES: "en_US.UTF-8" }, "en"],
    [{ LANG: "en_US.UTF-8", LC_ALL: "zh_CN" }, "zh"],
    [{ LC_ALL: "", LC_MESSAGES: "zh_CN" }, "zh"],
    [{ CODEX_HELPER_LANG: "en", LC_ALL: "zh_CN" }, "en"],
    [{ CODEX_HELPER_LANG: "zh-CN" }, "zh"],
    [{ LANG: "zha_CN" }, "en"],
  ] as const)("of %j is %s", (env, language) => {
    expect(languageOf(env)).toBe(language);
  });

  test("says a text in English where there is no dictionary or no translation", () => {
    expect(t`no config named ${"main"}`).toBe("no config named main");
    useDictionary({ reasons: {}, other: "别的" });
    expect(t`no config named ${"main"}`).toBe("no config named main");
    expect(translate("other")).toBe("别的");
  });

  test("a translation orders the values as its language does, and may leave one out", () => {
    useDictionary({ reasons: {}, "{0} of {1} upstream{2}": "{1} 个上游中的 {0} 个" });
    expect(t`${1} of ${3} upstream${"s"}`).toBe("3 个上游中的 1 个");
  });

  test("a value that looks like a place is not filled in again", () => {
    expect(t`a ${"{1}"} b ${"x"}`).toBe("a {1} b x");
  });

  test("a text that has an id is told by it, its values by their names", () => {
    const text = { text: "{0} of {1} left", values: [1, 2], named: { id: "left", names: ["rest", "whole"] } };
    expect(tell(text)).toBe("1 of 2 left");
    useDictionary({ reasons: { left: "共 {whole}，剩 {rest}" } });
    expect(tell(text)).toBe("共 2，剩 1");
  });

  test("a text within a text is told in the same language, and plain strings stay", () => {
    useDictionary({ reasons: {}, "quota gone": "配额用尽", "not asked, {0}": "未请求，{0}", ok: "正常" });
    expect(t`not asked, ${makeText`quota gone`}`).toBe("未请求，配额用尽");
    expect(tell(makeText`not asked, ${"quota gone"}`)).toBe("未请求，quota gone");
    expect([tell("ok"), tell(makeText`ok`), tell(fromEnglish("ok"))]).toEqual(["ok", "正常", "正常"]);
  });
});
