// What an attempt of the log says of its upstream, by the rule that judged it then.
// Pure.
import { RULES } from "./classify-rules.ts";
import { isOfQuota } from "./fixes.ts";

const RULE_OF = new Map(RULES.map((rule) => [rule.id, rule]));
/** The user's own rules that do not blame the upstream. */
const BLAMELESS: ReadonlySet<string> = new Set(["on-status-terminal", "on-status-model"]);

/**
 * `spent`: a quota, a balance or a budget. `fine`: it answered, and the request itself was refused, or only its model is not
 * offered. Null: it was not asked. Rules of other versions are failures.
 */
export function stateOfRule(id: string): "failing" | "fine" | "spent" | null {
  if (isOfQuota(id)) return "spent";
  if (BLAMELESS.has(id) || id === "model-unknown") return "fine";
  const rule = RULE_OF.get(id);
  if (rule?.blame !== "none") return "failing";
  return rule.retryClass === "A" ? null : "fine";
}
