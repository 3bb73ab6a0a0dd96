// What config.json says of the owner's budgets: an amount of one kind in a window of time, one or several.
// Pure.
import * as z from "zod/mini";
import { described, maybe, whole } from "./schema-words.ts";

export const BUDGET_WINDOWS = ["5h", "day", "week", "month"] as const;
export const ON_SPENT = ["next", "stop", "warn"] as const;

/** An amount of one kind in a window of time. */
const makeBudget = () =>
  z
    .strictObject({
      usd: maybe(z.number().check(z.positive()), "US dollars, by `prices.json` and the list of prices."),
      tokens: maybe(whole(1, 1e15), "Tokens, read and written, cached ones too."),
      requests: maybe(whole(1, 1e9), "Answers."),
      per: described(
        z.enum(BUDGET_WINDOWS),
        "A day, week (from Monday) or month of the local calendar, or any five hours in a row.",
      ),
      on_spent: maybe(
        z.enum(ON_SPENT),
        "next: what it is for is not asked, others are. stop: the request ends there, and nothing behind it is asked. warn: it is only told. Default next.",
      ),
      unpriced: maybe(
        z.enum(["refuse", "allow"]),
        "What becomes of a model without a price: refuse, or allow, which counts nothing for it. Default allow.",
      ),
    })
    .check(z.refine(({ requests, tokens, usd }) => [requests, tokens, usd].filter(isSet).length === 1));
const isSet = (value: unknown): boolean => value != null;
export const manyBudgets = () => {
  const budget = makeBudget();
  return z.union([budget, z.array(budget).check(z.minLength(1), z.maxLength(16))]);
};

const makeShortBudget = () => {
  const dollars = z.number().check(z.positive());
  return z.looseObject({
    day: maybe(dollars, "US dollars per calendar day."),
    week: maybe(dollars, "US dollars per calendar week."),
    month: maybe(dollars, "US dollars per calendar month."),
    "5h": maybe(dollars, "US dollars in any five hours."),
    on_spent: maybe(z.enum(ON_SPENT), "As in `budget`."),
    unpriced: maybe(z.enum(["refuse", "allow"]), "As in `budget`."),
  });
};

/** What an owner may spend there. */
export const makeBudgetKeys = (what: string) => ({
  budget_usd: () => maybe(makeShortBudget(), `Your own budgets for ${what}, in short.`),
  budget: () =>
    maybe(
      manyBudgets(),
      `Your own budgets for ${what}, one or several: \`{ "usd": 5, "per": "day", "on_spent": "stop" }\`.`,
    ),
});

export type BudgetEntry = z.infer<ReturnType<typeof makeBudget>>;
