// Which requests of the log a command means: since when, until when, of which service. Goes over them with a bar.
import { t, tellEither } from "../../language.ts";
import { type StoredEntry, readLogBackward, scanLog } from "../../../log/reader.ts";
import type { Service } from "../../../base/service.ts";
import type { LogRecord } from "../../../log/record.ts";
import { SERVICE_ARGS, type Typed, readService, usageError } from "../../args.ts";
import { readTime } from "../../time-words.ts";
import type { Cli } from "../../cli.ts";
import { createProgress } from "../../bars.ts";

export const RANGE_ARGS = {
  since: {
    type: "string",
    valueHint: "TIME",
    description: "7d, today, last-week, 2026-01, 2026-01-31T14:30",
  },
  until: {
    type: "string",
    valueHint: "TIME",
    description: "same format as --since; a day, week or month is included",
  },
  ...SERVICE_ARGS,
} as const;

export type Range = ReturnType<typeof makeRange>;

/** `now` is the wall clock, `since` and `until` are times, all in ms since 1970. Throws UserError for what is no time or no range. */
export function readRange(
  args: Typed<typeof RANGE_ARGS> & { readonly session?: string | undefined },
  now: number,
): Range {
  const since = args.since === undefined ? null : readTime({ flag: "--since", value: args.since, now });
  const until = args.until === undefined ? null : readTime({ flag: "--until", value: args.until, now });
  if (since !== null && until !== null && since >= until)
    throw usageError(t`--until ${args.until ?? ""} is not after --since ${args.since ?? ""}`);
  return makeRange({ since, until, service: readService(args), session: args.session });
}

interface Limits {
  readonly since: number | null;
  readonly until: number | null;
  readonly service: Service | undefined;
  /** How the id of the session begins. */
  readonly session?: string | undefined;
}

export function makeRange({ service, session, since, until }: Limits) {
  return {
    since,
    until,
    service,
    includes({ service: served, session_id: id, timestamp_ms: time }: LogRecord): boolean {
      if (since !== null && time < since) return false;
      if (until !== null && time >= until) return false;
      if (session !== undefined && id?.startsWith(session) !== true) return false;
      return service === undefined || served === service;
    },
  };
}

/** The last entries that are wanted, oldest first. */
export async function readLast(
  { paths }: Cli,
  { limit, since }: { readonly limit: number; readonly since?: number | null },
  isWanted: (entry: StoredEntry) => boolean,
): Promise<StoredEntry[]> {
  const entries: StoredEntry[] = [];
  if (limit === 0) return entries;
  for await (const batch of readLogBackward(paths.requestsLog, { since: since ?? undefined })) {
    for (const entry of batch) {
      if (isWanted(entry)) entries.push(entry);
      if (entries.length === limit) return entries.reverse();
    }
  }
  return entries.reverse();
}

/** All requests in the range, oldest first; gives the number of lines that cannot be read. */
export async function scanRange(
  cli: Cli,
  range: Range,
  onRecord: (record: LogRecord) => void,
): Promise<number> {
  const progress = createProgress(cli.out, t`reading the log`, cli.now);
  let bad = 0;
  try {
    await scanLog(cli.paths.requestsLog, {
      since: range.since ?? undefined,
      onRecord: (record) => void (range.includes(record) && onRecord(record)),
      onBadLine: () => void (bad += 1),
      onProgress: progress.tell,
    });
  } finally {
    progress.end();
  }
  return bad;
}

/** Costs are those of the list: a running proxy still has the prices of a file that is gone. */
export async function warnOfRemovedPrices({ out, paths }: Cli): Promise<void> {
  const { findRemovedPrices } = await import("../../../app/prices.ts");
  const problem = await findRemovedPrices(paths);
  if (problem !== null) out.warn(tellEither(problem.message_text, problem.message));
}

export function warnOfBadLines({ out }: Cli, bad: number): void {
  if (bad === 1) out.warn(t`1 line of the log cannot be read and was skipped`);
  if (bad > 1) out.warn(t`${bad} lines of the log cannot be read and were skipped`);
}
