import fc from "fast-check";
import { afterEach, describe, expect, test } from "bun:test";
import {
  kept,
  languageOf,
  retell,
  servePrograms,
  t,
  toPerson,
  translate,
  useDictionary,
} from "../../src/base/language.ts";

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
    useDictionary({ other: "别的" });
    expect(t`no config named ${"main"}`).toBe("no config named main");
    expect(translate("other")).toBe("别的");
  });

  test("a translation orders the values as its language does, and may leave one out", () => {
    useDictionary({ "{0} of {1} upstream{2}": "{1} 个上游中的 {0} 个" });
    expect(t`${1} of ${3} upstream${"s"}`).toBe("3 个上游中的 1 个");
  });

  test("a value that looks like a place is not filled in again", () => {
    expect(t`a ${"{1}"} b ${"x"}`).toBe("a {1} b x");
  });

  test("is English in a process that answers programs, but for what is said to the person", () => {
    useDictionary({ "{0} upstreams": "{0} 个上游" });
    servePrograms();
    expect(t`${2} upstreams`).toBe("2 upstreams");
    expect(toPerson(() => t`${2} upstreams`)).toBe("2 个上游");
    expect(t`${2} upstreams`).toBe("2 upstreams");
  });

  test("a text is told again within a status, a label and a code", () => {
    useDictionary({ "quota gone": "配额用尽", "not asked, {0}": "未请求，{0}", "{0} min": "{0} 分钟" });
    const story = "main#1: 429 quota gone (spent). main#2: not asked, 402 quota gone.";
    expect(retell(story)).toBe("main#1: 429 配额用尽 (spent). main#2: 未请求，402 配额用尽.");
    expect(retell("not asked, 15 min")).toBe("未请求，15 分钟");
    expect(retell("not asked, some min")).toBe("未请求，some min");
    expect(retell("429 quota gone (insufficient_quota)")).toBe("429 配额用尽 (insufficient_quota)");
    expect(retell("main#2: 402 quota gone")).toBe("main#2: 402 配额用尽");
    expect(retell("not asked, 402 quota gone")).toBe("未请求，402 配额用尽");
    expect(retell("/a/filter.json:3:7: quota gone")).toBe("/a/filter.json:3:7: 配额用尽");
  });

  test("a text that is kept is English, and is told again where it is shown", () => {
    useDictionary({
      "no config named {0}": "没有名为 {0} 的配置",
      "no {0}": "没有{0}",
      "gave up after {0} tries: {1}": "尝试 {0} 次后放弃：{1}",
      ok: "正常",
    });
    const text = kept`no config named ${"ok"}`;
    expect(text).toBe("no config named ok");
    expect(retell(text)).toBe("没有名为 ok 的配置");
    expect(retell(`gave up after 3 tries: ${text}`)).toBe("尝试 3 次后放弃：没有名为 ok 的配置");
    expect(retell("something else")).toBe("something else");
    expect(retell("ok")).toBe("正常");
    useDictionary(null);
    expect(retell(text)).toBe(text);
  });

  test("any text can be told again, and one that nothing is known of stays as it is", () => {
    useDictionary({ "no config named {0}": "没有名为 {0} 的配置", "{0}, {1}": "{0}，{1}" });
    fc.assert(fc.property(fc.string(), (text) => expect(retell(text)).toBe(text)));
    const value = fc.string({ minLength: 1 }).filter((text) => !/[ .:()]/.test(text));
    fc.assert(
      fc.property(value, (name) => {
        expect(retell(kept`no config named ${name}`)).toBe(`没有名为 ${name} 的配置`);
      }),
    );
  });
});
