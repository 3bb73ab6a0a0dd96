// The user's own budgets: what was spent at each upstream this month by the ledger of spend, kept up to date while requests
// end, in this process and in others. Does nothing where no upstream has a budget.
import { errorText } from "../../base/errors.ts";
import { type Text, localDay, t } from "../../base/text.ts";
import type { Upstream } from "../../base/upstream.ts";
import { type BudgetLimits, createLedger } from "../../quota/ledger.ts";
import type { Reading } from "../../quota/reading.ts";
import type { LiveConfig } from "../live-config.ts";
import type { Spend } from "../../usage/spend.ts";
import type { SpendBook } from "../spend/spend-book.ts";

interface BudgetsOptions {
  readonly live: LiveConfig;
  readonly book: SpendBook;
  /** Wall clock, ms. */
  readonly now: () => number;
  readonly onTrouble: (words: Text | string) => void;
  readonly onChange: () => void;
}

const CACHED_MS = 5_000;

export function createBudgets({ book, live, now, onChange, onTrouble }: BudgetsOptions) {
  /** So that a month is not summed again for each answer. */
  const readings = new Map<string, Reading>();

  const limitsOf = ({ configName, position, service }: Upstream): BudgetLimits | null => {
    const named = live.current().config.services[service].configs.get(configName);
    const budget = named?.entry.upstreams[position - 1]?.budget_usd;
    const limits = { day: budget?.day ?? null, month: budget?.month ?? null };
    return limits.day === null && limits.month === null ? null : limits;
  };

  return {
    has: (upstream: Upstream) => limitsOf(upstream) !== null,
    /** Null where the upstream has no budget, or what was spent is not known yet. */
    readingOf(upstream: Upstream): Reading | null {
      const limits = limitsOf(upstream);
      const spend = book.spend();
      if (limits === null || spend === null) return null;
      const known = readings.get(upstream.key);
      if (known !== undefined && Math.abs(now() - known.at) < CACHED_MS) return known;
      const reading = fillLedger(spend, upstream, now()).read(upstream.key, limits, now());
      readings.set(upstream.key, reading);
      return reading;
    },
    async load(): Promise<void> {
      try {
        await book.load();
      } catch (error) {
        onTrouble(t`budgets cannot be counted: ${errorText(error)}`);
      }
      readings.clear();
    },
    /** Counts every request that ends from now on; loads first. */
    follow(): void {
      book.follow(() => {
        readings.clear();
        onChange();
      });
    },
  };
}

/** This month at the address: the last hours by their slices, the rest of each day at its beginning. */
function fillLedger(spend: Spend, { baseUrl, key, service }: Upstream, now: number) {
  const ledger = createLedger();
  const rest = new Map<string, number>();
  for (const [day, row] of spend.rowsOf(localDay(now).slice(0, MONTH_LENGTH))) {
    if (row.service !== service || row.upstream !== baseUrl) continue;
    rest.set(day, (rest.get(day) ?? 0) + row.usd);
    const {
      partial_requests: partial,
      requests_without_usage: withoutUsage,
      unpriced_requests: unpriced,
    } = row;
    ledger.addUncounted(key, startOf(day), { unpriced, withoutUsage, partial });
  }
  for (const [at, usd] of spend.recentAt(service, baseUrl)) {
    const known = rest.get(localDay(at));
    if (known === undefined) continue;
    ledger.add(key, at, Math.min(usd, known));
    rest.set(localDay(at), Math.max(0, known - usd));
  }
  for (const [day, usd] of rest) ledger.add(key, startOf(day), usd);
  return ledger;
}

/** "2026-11" */
const MONTH_LENGTH = 7;

/** A date with a time, and without a zone, is local. */
function startOf(day: string): number {
  return new Date(`${day}T00:00`).getTime();
}
