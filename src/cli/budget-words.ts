// How full a budget is, until when and what then, in words and bars for a person.
import type { Lift } from "../app/quota/budget-notes.ts";
import type { BudgetFacts } from "../app/quota/budgets.ts";
import { type Text, showMoment, showSpan, t as text } from "../base/text.ts";
import { type Budget, type BudgetUnit, PER_WORDS } from "../config/budgets.ts";
import { formatTokens, formatUsd } from "./figures.ts";
import { t, tell } from "./language.ts";

export const UNIT_WORDS: Readonly<Record<BudgetUnit, Text>> = {
  usd: text`dollars`,
  tokens: text`tokens`,
  requests: text`answers`,
};
const THEN: Readonly<Record<Budget["onSpent"], Text>> = {
  next: text`next upstream`,
  stop: text`stop`,
  warn: text`only told`,
};

export function showAmount(amount: number, unit: string | null): string {
  if (unit === "usd") return formatUsd(amount);
  return unit === "tokens" ? t`${formatTokens(amount)} tokens` : t`${Math.round(amount)} answers`;
}

const BAR_CELLS = 10;

/** What is spent, in ten cells: neither empty nor full until it is. */
export function makeBudgetBar({ budget, count, isSpent, limit }: BudgetFacts): string {
  const share = Math.min(1, count.used / (Number.isFinite(limit) ? limit : budget.limit));
  const cells = isSpent ? BAR_CELLS : Math.min(BAR_CELLS - 1, Math.ceil(share * BAR_CELLS));
  return "█".repeat(cells) + "░".repeat(BAR_CELLS - cells);
}

export function colourOf({ count, isSpent, limit }: BudgetFacts): "green" | "red" | "yellow" {
  return isSpent ? "red" : count.used >= 0.8 * limit ? "yellow" : "green";
}

/** "$4.62 of $5.00". */
export function describeSpent({ budget, count, limit }: BudgetFacts): string {
  const whole = Number.isFinite(limit) ? limit : budget.limit;
  const { unit } = budget;
  if (unit === "usd") {
    const more = count.unpriced + count.uncertain > 0 ? "+" : "";
    return t`${formatUsd(count.used)}${more} of ${formatUsd(whole)}`;
  }
  const show = unit === "tokens" ? formatTokens : String;
  return t`${show(count.used)} of ${show(whole)} ${tell(UNIT_WORDS[unit])}`;
}

export function describeWindow({ budget, count, isSpent }: BudgetFacts, now: number): string {
  const window = tell(PER_WORDS[budget.per]);
  if (budget.per === "5h" && !isSpent) return window;
  return t`${window}, until ${tell(showMoment(count.opensAt, now))}`;
}

export function describeEnd({ budget }: BudgetFacts, lifts: readonly Lift[], now: number): string {
  const until = Math.max(0, ...lifts.filter(({ amount }) => amount === null).map((lift) => lift.until_ms));
  if (until > now) return t`lifted for another ${tell(showSpan(until - now))}`;
  return tell(THEN[budget.onSpent]);
}

export function describeNotes(facts: readonly BudgetFacts[]): string[] {
  const most = (key: "estimated" | "uncertain" | "unpriced"): number =>
    Math.max(0, ...facts.map(({ count }) => count[key]));
  const [estimated, uncertain, unpriced] = [most("estimated"), most("uncertain"), most("unpriced")];
  return [
    ...(unpriced === 0 ? [] : [t`requests without a price, not counted: ${unpriced}`]),
    ...(uncertain === 0 ? [] : [t`requests of unknown usage, not counted: ${uncertain}`]),
    ...(estimated === 0 ? [] : [t`answers of unknown usage, counted by an estimate: ${estimated}`]),
  ];
}
