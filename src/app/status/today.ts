// What happened since midnight: counted by the ledger of spend and what the log has beyond it; where there is no ledger, by
// today's lines of the log, wherever they are in it. Says so where these are too many to be read.
import { UserError, onUserError } from "../../base/errors.ts";
import { sizeOf } from "../../base/files.ts";
import { localDay } from "../../base/text.ts";
import { readLogBackward } from "../../log/reader.ts";
import { createSpend } from "../../usage/spend.ts";
import type { Pricer } from "../../usage/prices.ts";
import { type DayCounts, type TodayFacts, countDay, createLastErrors, makeDay } from "../../usage/today.ts";
import { readNews } from "../spend/spend-book.ts";
import { readSpendFile } from "../spend/spend-file.ts";

/** About a mebibyte each: with lines of today, and of any day. */
const MOST_BATCHES = { today: 32, all: 1024 };
const MOST_BYTES = 32 * 2 ** 20;

interface TodayOptions {
  /** Wall clock, ms. */
  readonly now: number;
  /** Of the log. */
  readonly path: string;
  /** Path of the ledger of spend. */
  readonly ledger?: string;
  /** Prices; asked for where there is something to price. Null where they cannot be read. */
  readonly loadPrices?: () => Promise<Pricer["costOf"] | null>;
}

interface Counted {
  readonly counts: DayCounts;
  readonly isSure: boolean;
}

/** By service; null where the log cannot be read. A service without requests today is not in it. */
export async function readToday({ ledger, loadPrices, now, path }: TodayOptions) {
  const [since_ms, until_ms] = [midnightOf(now), midnightOf(now, 1)];
  const costOf = sizeOf(path) > 0 ? ((await loadPrices?.()) ?? null) : null;
  const counted = ledger === undefined ? null : await countToday({ ledger, now, path, costOf });
  const errors = createLastErrors();
  const spend = createSpend();
  const batches = { today: 0, all: 0 };
  let is_complete = true;
  try {
    for await (const entries of readLogBackward(path, { since: since_ms })) {
      const today = entries.filter(({ record: { timestamp_ms: at } }) => at >= since_ms && at < until_ms);
      for (const { record } of today) {
        errors.add(record);
        if (counted === null) spend.add(record, costOf?.(record) ?? null, now);
      }
      if (counted !== null && errors.isFull(counted.counts)) break;
      batches.all += 1;
      if (today.length > 0) batches.today += 1;
      is_complete = batches.today < MOST_BATCHES.today && batches.all < MOST_BATCHES.all;
      if (!is_complete) break;
    }
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
  const span = { since_ms, is_complete: counted?.isSure ?? is_complete, isPriced: costOf !== null };
  return makeDay(span, counted?.counts ?? countDay(spend.rowsOf(localDay(now))), errors.all);
}

/** Null where there is no ledger, or much that it does not have yet. */
async function countToday({
  costOf,
  ledger,
  now,
  path,
}: Required<Omit<TodayOptions, "loadPrices">> & {
  readonly costOf: Pricer["costOf"] | null;
}): Promise<Counted | null> {
  const { saved } = await readSpendFile(ledger);
  if (saved === null) return null;
  const spend = createSpend(saved);
  const counted = { spend, marks: saved.log, readAt: saved.read_at };
  const options = { costOf, mostBytes: MOST_BYTES, now: () => now };
  const read = await readNews(path, counted, options).catch(onUserError(() => null));
  const today = localDay(now);
  return read === null ? null : { counts: countDay(spend.rowsOf(today)), isSure: spend.isSure(today) };
}

/** A day without a request so far. */
export function makeQuietDay(now: number): TodayFacts {
  const counts = {
    requests: 0,
    failures: 0,
    redactions: 0,
    cost_usd: 0,
    is_cost_complete: true,
    upstreams: [],
    last_errors: [],
  };
  return { since_ms: midnightOf(now), is_complete: true, ...counts };
}

/** When the day began, or the one so many days later. */
function midnightOf(now: number, later = 0): number {
  const midnight = new Date(now);
  midnight.setDate(midnight.getDate() + later);
  return midnight.setHours(0, 0, 0, 0);
}
