// What is left of an upstream's own budgets, in the form in which a relay's balance is read, so that one screen shows both.
// Pure.
import type { Budget, BudgetUnit } from "../config/budgets.ts";
import { type Spend, usedIn } from "../usage/spend.ts";
import { makeBalance } from "./balance.ts";
import { covers, spanOf } from "./budget.ts";
import { createLedger } from "./ledger.ts";
import { type Reading, makeReading } from "./reading.ts";

interface Limited {
  readonly budget: Budget;
  /** With what is lifted. */
  readonly limit: number;
}

const UNITS: Readonly<Record<BudgetUnit, string>> = { usd: "USD", tokens: "tokens", requests: "answers" };
const KEY = "budget";

/** All of them of one upstream. `now`: wall clock, ms. `usedByOthers`: what other machines have spent of one. */
export function readBudgets(
  spend: Spend,
  budgets: readonly Limited[],
  now: number,
  usedByOthers: (budget: Budget) => number = () => 0,
): Reading {
  const units = [...new Set(budgets.map(({ budget }) => budget.unit))];
  const readings = units.map((unit) => {
    const own = budgets.filter(({ budget }) => budget.unit === unit);
    const limits = {
      day: null,
      month: null,
      ...Object.fromEntries(own.map(({ budget, limit }) => [budget.per, limit])),
    };
    const others = Object.fromEntries(own.map(({ budget }) => [budget.per, usedByOthers(budget)]));
    const [first] = own;
    const ledger = createLedger();
    if (first !== undefined) fill(ledger, spend, first.budget, now);
    return ledger.read(KEY, limits, now, { unit: unit === "usd" ? undefined : UNITS[unit], others });
  });
  const [only] = readings;
  if (readings.length === 1 && only !== undefined) return only;
  return {
    ...makeReading("budget"),
    balance: makeBalance(readings.flatMap(({ balance }) => balance?.meters ?? [])),
    at: now,
    triedAt: now,
    samples: Object.assign({}, ...readings.map(({ samples }) => samples)),
    error: readings.find(({ error }) => error !== null)?.error ?? null,
  };
}

/** The last hours by their slices, the rest of each day at its beginning. */
function fill(
  ledger: ReturnType<typeof createLedger>,
  spend: Spend,
  { scope, unit }: Budget,
  now: number,
): void {
  const since = Math.min(spanOf("month", now).start, spanOf("week", now).start);
  const rest = new Map<number, number>();
  for (const [day, row] of spend.rowsOf("")) {
    const at = startOf(day);
    if (at < since || at > now || !covers(scope, row)) continue;
    rest.set(at, (rest.get(at) ?? 0) + usedIn(row)[unit]);
    // Which of them were estimated is not kept apart.
    const { estimated_answers: estimated, partial_requests: partial, requests_without_usage: unsaid } = row;
    ledger.addUncounted(KEY, at, {
      unpriced: unit === "usd" ? row.unpriced_requests : 0,
      withoutUsage: unit === "requests" ? 0 : Math.max(0, unsaid - estimated),
      partial: unit === "requests" ? 0 : Math.max(0, partial - Math.max(0, estimated - unsaid)),
      estimated: unit === "requests" ? 0 : estimated,
    });
  }
  for (const [place, slices] of spend.recent()) {
    if (!covers(scope, place)) continue;
    for (const [at, used] of slices) {
      const day = startOfDayAt(at);
      const known = rest.get(day);
      if (known === undefined) continue;
      ledger.add(KEY, at, Math.min(used[unit], known));
      rest.set(day, Math.max(0, known - used[unit]));
    }
  }
  for (const [day, amount] of rest) ledger.add(KEY, day, amount);
}

/** A date with a time, and without a zone, is local. */
function startOf(day: string): number {
  return new Date(`${day}T00:00`).getTime();
}

function startOfDayAt(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}
