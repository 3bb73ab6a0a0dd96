// The classifier's table: every signal of a failed attempt and what it means. The first row that matches counts.
// Plain data with predicates, so that the documentation is made from the same rows.
// Pure.
import type { Rule } from "./rule.ts";
import { ACCOUNT_RULES, CREDENTIAL_RULES } from "./rules-account.ts";
import { LEFTOVER_RULES, REQUEST_RULES } from "./rules-request.ts";
import { ANSWER_RULES, CONNECTION_RULES, LAST_RULES, PAGE_RULES } from "./rules-weather.ts";

/** Never falls through: the last rows of statuses, contents and cuts have no further condition. */
export const RULES: readonly Rule[] = [
  ...CONNECTION_RULES,
  ...REQUEST_RULES,
  ...ACCOUNT_RULES,
  ...PAGE_RULES,
  ...CREDENTIAL_RULES,
  ...ANSWER_RULES,
  ...LEFTOVER_RULES,
  ...LAST_RULES,
];
