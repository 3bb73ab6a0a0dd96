import { describe as group, expect, test } from "bun:test";
import { t } from "../../src/base/text.ts";
import { isReason, reasonFrom, reasonInEnglish } from "../../src/routing/reasons.ts";
import type { Reason } from "../../src/routing/types.ts";

const LIMIT: Reason = { rule: "codex-usage-limit", status: 429, code: "usage_limit_reached" };
const UNSET: Reason = { rule: "not-tried", why: t`the environment variable ${"K"} is not set` };
const FINAL: Reason = {
  rule: "no-answer",
  client: "Codex",
  stories: [
    { rule: "story", label: "main#1", cause: LIMIT },
    { rule: "story", label: "main#2", cause: { rule: "see-doctor", cause: UNSET } },
  ],
};

group("a reason", () => {
  test("is its words with the status before them and the code after them", () => {
    expect(reasonInEnglish(LIMIT)).toBe("429 usage limit reached (usage_limit_reached)");
    expect(reasonInEnglish({ rule: "quota-left", rest: "$1.00", name: "day" })).toBe("$1.00 left (day)");
  });

  test("holds texts, other reasons and lists of them", () => {
    expect(reasonInEnglish(FINAL)).toBe(
      "No upstream could answer Codex. main#1: 429 usage limit reached (usage_limit_reached). main#2: the environment variable K is not set (see `ch doctor`).",
    );
  });

  test("is known again after JSON", () => {
    expect(isReason(JSON.parse(JSON.stringify(FINAL)))).toBe(true);
    expect(reasonFrom(JSON.parse(JSON.stringify(LIMIT)), "")).toEqual(LIMIT);
  });

  test("with an id of another version, or of another shape, is its English", () => {
    for (const data of [
      undefined,
      null,
      "rate-limit",
      { rule: 7 },
      { rule: "of-a-later-version" },
      { rule: "toString" },
      { rule: "rate-limit", cause: { rule: "of-a-later-version" } },
      { rule: "no-answer", stories: [1] },
    ])
      expect(reasonInEnglish(reasonFrom(data, "429 rate limited"))).toBe("429 rate limited");
  });
});
