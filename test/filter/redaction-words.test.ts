import { expect, test } from "bun:test";
import { inEnglish } from "../../src/base/text.ts";
import { describeRedaction, describeRuleCount } from "../../src/filter/redaction.ts";

test.each([
  [0, ["emails"], "the pack emails"],
  [1, ["emails"], "1 rule, and the pack emails"],
  [2, ["emails"], "2 rules, and the pack emails"],
  [0, ["emails", "secrets"], "the packs emails, secrets"],
  [1, ["emails", "secrets"], "1 rule, and the packs emails, secrets"],
])("%d rules with %j: %s", (rules, packs, words) => {
  expect(inEnglish(describeRuleCount(rules, packs))).toBe(words);
  expect(inEnglish(describeRedaction({ state: "rules", rules, packs }))).toBe(`redaction in use: ${words}`);
});
