// The state that redaction is in, in words for every screen, and what to type where requests are refused.
// Pure.
import { UserError } from "../base/errors.ts";
import { type Text, t } from "../base/text.ts";

/** Which state holds. "rules": the file's, or its last valid ones. */
export interface RedactionFacts {
  readonly state: "off" | "none" | "rules" | "broken" | "gone";
  readonly rules: number;
  /** The packs in use; absent for none. */
  readonly packs?: readonly string[];
}

export function describeRedaction({ packs, rules, state }: RedactionFacts): Text {
  switch (state) {
    case "off":
      return t`redaction is off: "filter": false in config.json`;
    case "none":
      return t`there are no redaction rules`;
    case "rules":
      if (packs !== undefined) return t`redaction in use: ${describeRuleCount(rules, packs)}`;
      return rules === 1 ? t`1 redaction rule is in use` : t`${rules} redaction rules are in use`;
    case "broken":
      return t`redaction rules cannot be read: requests are refused`;
    case "gone":
      return t`redaction rules are gone: requests are refused`;
  }
}

/** "2 rules, and the packs emails, secrets"; at least one pack. */
export function describeRuleCount(rules: number, packs: readonly string[]): Text {
  const words = packs.length === 1 ? t`the pack ${packs[0] ?? ""}` : t`the packs ${packs.join(", ")}`;
  if (rules === 0) return words;
  return rules === 1 ? t`1 rule, and ${words}` : t`${rules} rules, and ${words}`;
}

const ACCEPT_REMOVAL = "ch filter check --accept-removal";

export function makeRemoved(path: string): UserError {
  return new UserError(t`${path} was there and is missing: requests are refused`, {
    hint: t`restore it, or type: ${ACCEPT_REMOVAL}`,
  });
}

export function makeDangling(path: string): UserError {
  return new UserError(t`${path} is a link to a file that does not exist: requests are refused`, {
    hint: t`restore that file, or remove the link and type: ${ACCEPT_REMOVAL}`,
  });
}

export function makeUnreachable({ cause, text }: UserError): UserError {
  return new UserError(t`${text}: requests are refused`, {
    hint: t`make the file readable, then type: ch filter check`,
    cause,
  });
}
