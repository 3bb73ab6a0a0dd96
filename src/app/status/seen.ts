// What the proxies met in the last hour, from their log: it is there when none runs, too.
import { lookAt } from "../../base/files.ts";
import { onUserError } from "../../base/errors.ts";
import type { Paths } from "../../base/paths.ts";
import { readLogBackward } from "../../log/reader.ts";
import { type SeenFault, createSeenTally } from "../../usage/seen.ts";

export const SEEN_MS = 3_600_000;
/** About a mebibyte each. */
const MOST_BATCHES = 16;

export interface Seen {
  readonly faults: readonly SeenFault[];
  /** When config.json was last changed: what was seen before it may be mended. Wall clock, ms. */
  readonly configuredAt: number;
}

/** `now`: wall clock, ms. Nothing where the log cannot be read. */
export async function readSeen({ config, requestsLog }: Paths, now: number): Promise<Seen> {
  const tally = createSeenTally();
  const read = async (): Promise<void> => {
    let batches = 0;
    for await (const entries of readLogBackward(requestsLog, { since: now - SEEN_MS })) {
      for (const { record } of entries)
        if (record.timestamp_ms > now - SEEN_MS && record.timestamp_ms <= now) tally.add(record);
      if (++batches === MOST_BATCHES) break;
    }
  };
  await read().catch(onUserError(() => undefined));
  return { faults: tally.finish(), configuredAt: lookAt(config)?.mtimeMs ?? 0 };
}
