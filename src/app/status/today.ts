// Reads what happened since midnight from the end of requests.jsonl. Reads no more of the log than today's part, and never
// the whole of a huge one.
import { UserError } from "../../base/errors.ts";
import { readLogBackward } from "../../log/reader.ts";
import { type TodayFacts, createDayTally } from "../../usage/today.ts";

const MOST_BATCHES = 32;

/**
 * By service; null where the log cannot be read. A service without requests today is not in it.
 * `now`: wall clock, ms.
 */
export async function readToday({ now, path }: { readonly now: number; readonly path: string }) {
  const since_ms = midnightOf(now);
  const tally = createDayTally();
  let batches = 0;
  let is_complete = true;
  try {
    for await (const entries of readLogBackward(path)) {
      const today = entries.filter(({ record }) => record.timestamp_ms >= since_ms);
      for (const { record } of today) tally.add(record);
      // Lines are in the order in which requests ended: one that began before midnight may follow one that began after it.
      if (today.length === 0) break;
      batches += 1;
      is_complete = batches < MOST_BATCHES;
      if (!is_complete) break;
    }
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
  return tally.finish({ since_ms, is_complete });
}

/** A day without a request so far. */
export function makeQuietDay(now: number): TodayFacts {
  const counts = { requests: 0, failures: 0, upstreams: [], last_errors: [] };
  return { since_ms: midnightOf(now), is_complete: true, ...counts };
}

function midnightOf(now: number): number {
  const midnight = new Date(now);
  midnight.setHours(0, 0, 0, 0);
  return midnight.getTime();
}
