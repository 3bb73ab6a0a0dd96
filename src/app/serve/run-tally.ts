// What one run of the program came to: turns, how many of them a failover saved, their cost, and what failed.
// Pure.
import type { LogRecord } from "../../log/record.ts";
import { hasFailed, hasFailedOver, isGeneration, lacksUsage, outcomeOf } from "../../usage/outcome.ts";
import type { Cost } from "../../usage/prices.ts";

/** Field names as in the end of `--log json`. */
export interface RunFacts {
  /** Requests for output that an upstream answered. */
  readonly turns: number;
  /** Of these, answered well by another upstream than the first that was asked. */
  readonly saved_by_failover: number;
  /** Requests for output that none answered. */
  readonly failed_requests: number;
  /** Null where nothing has a price. */
  readonly cost_usd: number | null;
  /** Something of it has no price, or did not say what it used. */
  readonly is_cost_partial: boolean;
}

export function createRunTally() {
  const sums = { turns: 0, saved: 0, failed: 0, usd: 0, priced: 0, unpriced: 0 };
  return {
    add(record: LogRecord, cost: Cost | null): void {
      if (record.refusals !== undefined || !isGeneration(record)) return;
      const isFailed = hasFailed(record) && outcomeOf(record) !== "cut";
      // A title is nobody's turn; what it costs counts.
      if (isFailed) sums.failed += 1;
      else if (record.agent !== "auxiliary") sums.turns += 1;
      if (outcomeOf(record) === "ok" && hasFailedOver(record)) sums.saved += 1;
      for (const one of cost === null ? [] : [cost, ...(cost.attempts ?? [])]) {
        if (one.kind === "priced") {
          sums.priced += 1;
          sums.usd += one.usd;
        }
        if (one.kind === "unpriced") sums.unpriced += 1;
      }
      if (lacksUsage(record) || record.usage?.partial === true) sums.unpriced += 1;
    },
    finish: (): RunFacts => ({
      turns: sums.turns,
      saved_by_failover: sums.saved,
      failed_requests: sums.failed,
      cost_usd: sums.priced === 0 ? null : Number(sums.usd.toFixed(9)),
      is_cost_partial: sums.unpriced > 0,
    }),
  };
}
