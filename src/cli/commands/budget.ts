// `ch budget`: how full each budget of the owner's is and until when; lifts one for a while, sets and removes them.
import { createLiveConfig } from "../../app/live-config.ts";
import type { Lift } from "../../app/quota/budget-notes.ts";
import type { BudgetFacts } from "../../app/quota/budgets.ts";
import { createQuota } from "../../app/quota/quota.ts";
import { createPoolDoor } from "../../app/share/door.ts";
import { UserError } from "../../base/errors.ts";
import { quoteWord } from "../../base/shell.ts";
import { similarNames } from "../../base/similar-names.ts";
import { type Text, showMoment } from "../../base/text.ts";
import {
  type BudgetPlace,
  findBudgetPlaces,
  planClearBudget,
  planSetBudget,
} from "../../config/budget-edit.ts";
import { type Budget, type BudgetUnit, PER_WORDS, listBudgets } from "../../config/budgets.ts";
import { loadConfig, updateConfig } from "../../config/file.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import { BUDGET_WINDOWS, type BudgetEntry, ON_SPENT } from "../../config/budget-schema.ts";
import { spanOf } from "../../quota/budget.ts";
import { parseDurationMs } from "../../routing/durations.ts";
import { JSON_ARG, SERVICE_ARGS, type ServiceFlags, readService, usageError } from "../args.ts";
import {
  UNIT_WORDS,
  colourOf,
  describeEnd,
  describeNotes,
  describeSpent,
  describeWindow,
  makeBudgetBar,
  showAmount,
} from "../budget-words.ts";
import { type Cli, defineCommand } from "../cli.ts";
import { t, tell } from "../language.ts";
import { notePrices } from "../price-words.ts";

const NAME_ARG = {
  name: {
    type: "positional",
    required: true,
    description: "an upstream (main#1), a config, a project, model:PATTERN, or all",
  },
} as const;

const UNIT_ARGS = {
  usd: { type: "string", valueHint: "N", description: "US dollars" },
  tokens: { type: "string", valueHint: "N", description: "tokens, cached ones too" },
  requests: { type: "string", valueHint: "N", description: "a number of answers" },
} as const;
type UnitArgs = { readonly [U in BudgetUnit]?: string | undefined };

const PER_ARG = { type: "enum" as const, options: [...BUDGET_WINDOWS], valueHint: "WINDOW" };

const listCommand = defineCommand({
  description: "list your budgets: how full, until when, and what then",
  examples: [
    ["ch budget", "all of them"],
    ["ch budget list --json", "for a script"],
  ],
  args: JSON_ARG,
  async run(args, cli) {
    const { out } = cli;
    await loadConfig(cli.paths.config);
    const { facts, lifts } = await survey(cli);
    if (args.json === true)
      return out.json({ budgets: facts.map((one) => makeJson(one, lifts(one.budget))) });
    if (facts.length === 0) {
      out.note(t`there are no budgets`);
      out.note(`  ch budget set NAME --usd 5 --per day`);
      return;
    }
    const now = cli.now();
    out.table(
      [t`BUDGET`, t`SPENT`, "", t`WINDOW`, t`WHEN SPENT`],
      facts.map((one) => [
        tell(one.budget.title),
        out.paint(colourOf(one), makeBudgetBar(one)),
        describeSpent(one),
        describeWindow(one, now),
        describeEnd(one, lifts(one.budget), now),
      ]),
    );
    for (const note of describeNotes(facts)) out.note(note);
    if (facts.some(({ budget }) => budget.unit === "usd")) {
      const { readListDate } = await import("../../app/prices.ts");
      notePrices(cli, { asOf: await readListDate(cli.paths), problem: null }, true);
    }
    const spent = facts.find(({ budget, isSpent }) => isSpent && budget.onSpent !== "warn");
    if (spent === undefined) return;
    const next = `ch budget lift ${asWord(spent.budget.called)} --for 1h`;
    out.note(`\n${t`Next: ${next}`}`);
  },
});

const liftCommand = defineCommand({
  description: "let a budget pass for a while, or by an amount",
  examples: [
    ["ch budget lift main#1 --for 1h", "it keeps nothing back for an hour"],
    ["ch budget lift main#1 --usd 2", "two dollars more, until its window ends"],
    ["ch budget lift main#1 --off", "take the lifts back"],
  ],
  args: {
    ...NAME_ARG,
    for: { type: "string", valueHint: "TIME", description: "how long: 30m, 1h, 2h30m, 1d" },
    ...UNIT_ARGS,
    off: { type: "boolean", description: "take its lifts back" },
    ...SERVICE_ARGS,
  },
  async run(args, cli) {
    const { out } = cli;
    const budgets = findBudgets(await loadConfig(cli.paths.config), args.name, args);
    const [first] = budgets;
    if (first === undefined) return;
    const { quota } = open(cli);
    const { notes } = quota.budgets;
    try {
      if (args.off === true) {
        await notes.unlift(first.id);
        return out.note(t`the budget for ${tell(first.title)} is in force again`);
      }
      const lifts = makeLifts(args, budgets, cli.now());
      await notes.lift(lifts);
      for (const { amount, until_ms: until, unit } of lifts) {
        const end = tell(showMoment(until, cli.now()));
        if (amount === null) out.note(t`the budget for ${tell(first.title)} keeps nothing back until ${end}`);
        else
          out.note(t`the budget for ${tell(first.title)} has ${showAmount(amount, unit)} more until ${end}`);
      }
    } finally {
      await quota.stop();
    }
    out.note(t`Next: ch budget`);
  },
});

const setCommand = defineCommand({
  description: "set a budget",
  examples: [
    ["ch budget set main#1 --usd 5 --per day", "of an upstream; once it is spent, the next one is asked"],
    ["ch budget set all --usd 100 --per month --on-spent stop", "of everything"],
    ["ch budget set 'model:gpt-6*' --requests 50 --per 5h", "of the models that a pattern fits"],
  ],
  args: {
    ...NAME_ARG,
    ...UNIT_ARGS,
    per: { ...PER_ARG, default: "day" as const, description: "its window" },
    "on-spent": {
      type: "enum",
      options: [...ON_SPENT],
      valueHint: "WHAT",
      description: "what then: the next upstream, the end, or a word",
    },
    unpriced: {
      type: "enum",
      options: ["refuse", "allow"],
      valueHint: "WHAT",
      description: "what becomes of models without a price",
    },
    ...SERVICE_ARGS,
  },
  async run(args, cli) {
    const [amount, ...others] = readAmounts(args);
    if (amount === undefined || others.length > 0) {
      const example = `ch budget set ${asWord(args.name)} --usd 5 --per day`;
      throw usageError(t`one of --usd, --tokens and --requests is needed`, example);
    }
    const { "on-spent": onSpent, per, unpriced } = args;
    const entry: BudgetEntry = {
      [amount.unit]: amount.amount,
      per,
      ...(onSpent === undefined ? {} : { on_spent: onSpent }),
      ...(unpriced === undefined ? {} : { unpriced }),
    };
    await updateConfig(
      cli.paths,
      (config) => planSetBudget(findPlace(config, args.name, args), entry),
      cli.now,
    );
    const words = t`${showAmount(amount.amount, amount.unit)} ${tell(PER_WORDS[entry.per])}`;
    cli.out.note(t`set the budget for ${args.name}: ${words}`);
    cli.out.note(t`Next: ch budget`);
  },
});

const clearCommand = defineCommand({
  description: "remove budgets",
  examples: [
    ["ch budget clear main#1", "all of that upstream"],
    ["ch budget clear all --per month", "that of the month alone"],
  ],
  args: {
    ...NAME_ARG,
    per: { ...PER_ARG, description: "of that window alone" },
    ...SERVICE_ARGS,
  },
  async run(args, cli) {
    const { per = null } = args;
    let cleared: string | null = null;
    await updateConfig(
      cli.paths,
      (config) => {
        const place = findPlace(config, args.name, args);
        const changes = planClearBudget(place, per);
        cleared = changes.length > 0 ? place.id : null;
        return changes;
      },
      cli.now,
    );
    if (cleared === null) throw new UserError(t`${args.name} has no such budget`, { hint: "ch budget" });
    await dropLifts(cli, cleared, per);
    cli.out.note(t`removed the budget for ${args.name}`);
    cli.out.note(t`Next: ch budget`);
  },
});

export const command = defineCommand({
  description: "your own limits: how full, lift, set and remove them",
  examples: [
    ["ch budget", "how full each is, and until when"],
    ["ch budget lift main#1 --for 1h", "go on for an hour, whatever is spent"],
  ],
  default: "list",
  subCommands: { list: listCommand, lift: liftCommand, set: setCommand, clear: clearCommand },
});

const MEETING_MS = 2_000;

/** The budgets as they are, without a proxy's help. */
function open(cli: Cli) {
  const live = createLiveConfig(cli);
  const onTrouble = (words: Text | string): void => cli.out.warn(tell(words));
  const pool = createPoolDoor({ ...cli, live, onTrouble, onNotice: () => {} });
  return { quota: createQuota({ ...cli, live, pool, onTrouble }), pool };
}

/** A budget that is set anew later is in force from its beginning. */
async function dropLifts(cli: Cli, id: string, per: string | null): Promise<void> {
  const isLeft = listBudgets(await loadConfig(cli.paths.config)).some((budget) => budget.id === id);
  const { quota } = open(cli);
  try {
    await quota.budgets.notes.unlift(id, isLeft ? per : null);
  } finally {
    await quota.stop();
  }
}

async function survey(cli: Cli) {
  const { pool, quota } = open(cli);
  try {
    // What other machines have spent is in it, too.
    pool.look();
    await Promise.all([quota.load(), pool.met(MEETING_MS)]);
    const facts = quota.budgets.facts();
    if (facts === null) throw new UserError(t`your budgets cannot be counted now`, { hint: "ch doctor" });
    return { facts, lifts: quota.budgets.notes.liftsOf };
  } finally {
    await Promise.all([quota.stop(), pool.stop()]);
  }
}

/** Those that NAME means. Throws UserError with near names. */
function findBudgets(config: ParsedConfig, name: string, flags: ServiceFlags): readonly Budget[] {
  const all = listBudgets(config);
  const ids = new Set(findPlaces(config, name, flags).map(({ id }) => id));
  const found = all.filter(({ id }) => ids.has(id));
  const own = new Set(found.map(({ id }) => id));
  if (own.size > 1) throw ambiguous(name, [...own]);
  if (found.length > 0) return found;
  const near = similarNames(name, [...new Set(all.map((budget) => budget.name))]).map((one) => t`"${one}"`);
  const meant = near.join(t` or `);
  throw new UserError(t`there is no budget for "${name}"`, {
    hint: near.length === 0 ? "ch budget" : t`did you mean ${meant}?`,
  });
}

function findPlaces(config: ParsedConfig, name: string, flags: ServiceFlags): readonly BudgetPlace[] {
  return findBudgetPlaces(config, name, readService(flags));
}

/** The one place that NAME means. Throws UserError. */
function findPlace(config: ParsedConfig, name: string, flags: ServiceFlags): BudgetPlace {
  const places = findPlaces(config, name, flags);
  const [place, other] = places;
  if (other !== undefined)
    throw ambiguous(
      name,
      places.map(({ id }) => id),
    );
  if (place !== undefined) return place;
  throw new UserError(t`there is no config, upstream or project "${name}"`, {
    hint: t`for the models that a pattern fits: model:${name}`,
  });
}

function ambiguous(name: string, ids: readonly string[]): UserError {
  return new UserError(t`"${name}" may be several: ${ids.join(", ")}`, { hint: ids[0] ?? "" });
}

/** One word for a shell. */
function asWord(name: string): string {
  return /^\w[\w.:#-]*$/.test(name) ? name : quoteWord(name);
}

function makeLifts(
  args: UnitArgs & { readonly for?: string | undefined },
  budgets: readonly Budget[],
  now: number,
): readonly Lift[] {
  const amounts = readAmounts(args);
  const [{ id, name } = { id: "", name: "" }] = budgets;
  if ((args.for === undefined) === (amounts.length === 0)) {
    throw usageError(t`either --for or an amount is needed`, `ch budget lift ${asWord(name)} --for 1h`);
  }
  if (args.for !== undefined) {
    const ms = parseDurationMs(args.for);
    if (ms === null || !/[smhd]$/.test(args.for) || ms <= 0 || ms > MOST_LIFT_MS)
      throw usageError(t`--for must be a time such as 30m, 1h or 1d, at most 31 days`);
    return [{ budget: id, unit: null, per: null, amount: null, until_ms: now + ms }];
  }
  return amounts.flatMap(({ amount, unit }) => {
    const own = budgets.filter((budget) => budget.unit === unit);
    if (own.length === 0)
      throw new UserError(t`the budget for ${name} is not in ${tell(UNIT_WORDS[unit])}`, {
        hint: "ch budget",
      });
    return own.map(({ per }) => ({
      budget: id,
      unit,
      per,
      amount,
      until_ms: per === "5h" ? now + FIVE_HOURS_MS : spanOf(per, now).end,
    }));
  });
}

const MOST_LIFT_MS = 31 * 86_400_000;
const FIVE_HOURS_MS = 5 * 3_600_000;

function readAmounts(args: UnitArgs): { readonly unit: BudgetUnit; readonly amount: number }[] {
  return (["usd", "tokens", "requests"] as const).flatMap((unit) => {
    const value = args[unit];
    if (value === undefined) return [];
    const amount = /^\d{1,15}(?:\.\d{1,9})?$/.test(value) ? Number(value) : Number.NaN;
    const isGood = amount > 0 && (unit === "usd" || Number.isInteger(amount));
    if (!isGood) throw usageError(t`--${unit} must be a number above 0, not "${value}"`);
    return [{ unit, amount }];
  });
}

function makeJson({ budget, count, held, isSpent, limit }: BudgetFacts, lifts: readonly Lift[]): object {
  const { scope } = budget;
  return {
    id: budget.id,
    name: budget.name,
    kind: scope.kind,
    service: "service" in scope ? scope.service : null,
    unit: budget.unit,
    per: budget.per,
    used: count.used,
    /** What answers in flight are expected to use. */
    held,
    limit: budget.limit,
    limit_now: Number.isFinite(limit) ? limit : null,
    is_spent: isSpent,
    on_spent: budget.onSpent,
    unpriced: budget.unpriced,
    opens_at_ms: count.opensAt,
    lifts: lifts.map(({ amount, until_ms }) => ({ amount, until_ms })),
    unpriced_requests: count.unpriced,
    uncertain_requests: count.uncertain,
    estimated_answers: count.estimated,
  };
}
