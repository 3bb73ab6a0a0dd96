// Keeps the ledger of spend, spend.json, by what the log says and what this process adds. Every process counts under one lock
// what is new, whoever wrote it; the file says which lines it has, so that none counts twice and none is lost by a kill.
// Never delays a request; where the file cannot be written, it is kept in memory.
import { join } from "node:path";
import { UserError, errorText, onUserError } from "../../base/errors.ts";
import { PRIVATE_FILE, ensurePrivateDirectory, lookAt, sizeOf, writeFileAtomic } from "../../base/files.ts";
import { withLock } from "../../base/lock.ts";
import type { Paths } from "../../base/paths.ts";
import { type Text, inEnglish, t } from "../../base/text.ts";
import type { LogEntry } from "../../log/entry.ts";
import { type LogMark, readLogSince } from "../../log/marks.ts";
import { parseLine } from "../../log/reader.ts";
import type { LogRecord } from "../../log/record.ts";
import { rotatedPath } from "../../log/rotation.ts";
import type { Cost, Pricer } from "../../usage/prices.ts";
import type { SavedSpend } from "../../usage/saved-spend.ts";
import { type Spend, createSpend, sessionOfProject } from "../../usage/spend.ts";
import type { LivePrices } from "./live-prices.ts";
import {
  type SpendFile,
  canPutAside,
  parseSpendFile,
  putAside,
  readSpendFile,
  readSpendText,
} from "./spend-file.ts";

export type SpendBook = ReturnType<typeof createSpendBook>;

export interface SpendBookOptions {
  readonly paths: Paths;
  readonly prices: LivePrices;
  /** Wall clock, ms. */
  readonly now: () => number;
  readonly onTrouble: (words: Text | string) => void;
}

/** The ledger as it is in memory, and how far the log is in it. */
export interface Counted {
  readonly spend: Spend;
  readonly marks: readonly LogMark[];
  /** Wall clock, ms; null for never. */
  readonly readAt: number | null;
}

const POLL_MS = 200;
const SAVE_AFTER_MS = 10_000;
const RETRY_MS = 2_000;
const LOCK_TIMEOUT_MS = 2_000;
/** Lines of this process that are not saved yet, in case the log loses them. Beyond, they are read there alone. */
const MOST_OWN = 1_000;
/** Without a budget the log may wait so long: the list of prices is large. It keeps eleven files of 50 MiB. */
const UNREAD_BYTES = 48 * 2 ** 20;
const MOST_SESSIONS = 2_000;
const LOOK_EVERY_LINES = 2_000;
const FIRST_LOOK_MS = 60_000;
/** Nobody waits longer for the end of a proxy. */
const MOST_AT_THE_END_BYTES = 64 * 2 ** 20;

export function createSpendBook({ now, onTrouble, paths, prices }: SpendBookOptions) {
  const run = crypto.randomUUID().slice(0, 8);
  const nameProjects = createProjectNames(paths);
  let seq = 0;
  /** Not in the file yet. */
  let own = new Set<LogRecord>();
  /** The number of the last line that ended, of the last that is in the ledger in memory, and of the last that is saved. */
  const last = { noted: 0, added: 0, saved: 0 };
  /** Null until the ledger is needed in this process. */
  let live: (Counted & Priced) | null = null;
  let queue: Promise<unknown> = Promise.resolve();
  let saving: Timer | null = null;
  let watching: Timer | null = null;
  let firstLook: Timer | null = null;
  let onChange: (() => void) | null = null;
  let told: string | null = null;
  let priced: { readonly entry: LogEntry; readonly cost: Cost } | null = null;
  /** What ended while the ledger is made anew. */
  let late: Set<LogRecord> | null = null;
  /** Of the text that this process wrote last: while the file has it, all that it says is in the ledger in memory. */
  let written: ReturnType<typeof Bun.hash> | null = null;

  const tell = (words: Text | string): void => {
    const english = inEnglish(words);
    if (english !== told) onTrouble(words);
    told = english;
  };
  /** One after the other. */
  const enqueue = async <T>(work: () => Promise<T>): Promise<T> => {
    const next = queue.then(work);
    queue = next.catch(() => {});
    return await next;
  };
  const addOwn = (spend: Spend, costOf: Pricer["costOf"], records: Iterable<LogRecord> = own): void => {
    for (const record of records)
      if (spend.has(run, record.seq ?? 0) !== true) spend.add(record, costOf(record), now());
  };

  /** A log that cannot be read keeps nothing else from being counted. */
  const readOn = (counted: Counted, options: NewsOptions): ReturnType<typeof readNews> =>
    readNews(paths.requestsLog, counted, options).catch(
      onUserError(({ text }) => {
        if (watching !== null) tell(text);
        return { marks: counted.marks, readAt: counted.readAt };
      }),
    );

  /** Adds what this process and the log have beyond it. */
  const catchUp = async (
    counted: Counted,
    { costOf, mostBytes }: Priced & { readonly mostBytes?: number | undefined },
  ): Promise<Counted & Priced> => {
    addOwn(counted.spend, costOf);
    const read = await readOn(counted, { costOf, mostBytes, now });
    if (read === null) throw new UserError(t`the log is too large to be counted now`);
    return { spend: counted.spend, ...read, costOf };
  };
  /** Everything that is known by now. A ledger that cannot be read is continued from memory, else from the log. */
  const load = async (
    { saved }: SpendFile,
    { costOf, mostBytes }: Priced & { readonly mostBytes?: number | undefined },
  ): Promise<Counted & Priced> => {
    const base = saved ?? (live === null ? null : saveCounted(live, now()));
    const counted = { spend: createSpend(base), marks: base?.log ?? [], readAt: base?.read_at ?? null };
    return await catchUp(counted, { costOf, mostBytes });
  };
  /** What ends meanwhile is in it too. */
  const makeAnew = async (make: () => Promise<Counted & Priced>): Promise<Counted & Priced> => {
    const missed = (late = new Set());
    try {
      const made = await make();
      addOwn(made.spend, made.costOf, missed);
      return made;
    } finally {
      late = null;
    }
  };
  const loadHere = (): Promise<Counted & Priced> =>
    makeAnew(async () => load(await readSpendFile(paths.spend), { costOf: await prices.costOf() }));

  const save = async (mostBytes?: number): Promise<void> => {
    clearTimeout(saving ?? undefined);
    saving = null;
    ensurePrivateDirectory(paths.home);
    const costOf = await prices.costOf();
    const { noted } = last;
    const mine = new Set(own);
    const write = (next: Counted): void => {
      const text = `${JSON.stringify(saveCounted(next, now()))}\n`;
      writeFileAtomic(paths.spend, text, { mode: PRIVATE_FILE, isLocked: true });
      written = Bun.hash(text);
      own = own.difference(mine);
      last.saved = noted;
    };
    const work = async (): Promise<void> => {
      const text = await readSpendText(paths.spend);
      if (live !== null && typeof text === "string" && Bun.hash(text) === written) {
        live = await catchUp(live, { costOf, mostBytes });
        await nameProjects(live.spend);
        return write(live);
      }
      const found = parseSpendFile(paths.spend, text);
      const file = canPutAside(paths.spend, found) ? putAside(paths, now(), onTrouble) : found;
      if (file.problem !== null && live === null) return;
      const next = await makeAnew(async () => {
        const made = await load(file, { costOf, mostBytes });
        await nameProjects(made.spend);
        return made;
      });
      if (file.problem === null) write(next);
      addOwn(next.spend, costOf);
      if (live !== null) live = next;
      if (file.problem !== null) throw file.problem;
    };
    await withLock(join(paths.run, "spend.lock"), work, { timeoutMs: LOCK_TIMEOUT_MS });
    told = null;
  };
  const trySave = (mostBytes?: number): Promise<void> =>
    enqueue(() => save(mostBytes)).catch((error: unknown) => {
      if (live !== null) tell(t`what was spent cannot be saved: ${errorText(error)}`);
    });
  const saveSoon = (): void => {
    saving ??= setTimeout(() => void trySave(), SAVE_AFTER_MS).unref();
  };
  const saveWhereMuch = async (): Promise<void> => {
    const { saved } = await readSpendFile(paths.spend);
    if (countUnread(paths.requestsLog, saved?.log ?? []) > UNREAD_BYTES) await trySave();
  };

  /** What this process and others have done since, and new prices. */
  const look = async (): Promise<void> => {
    if (live === null) return;
    const costOf = await prices.costOf();
    const { noted } = last;
    if (noted !== last.added) addOwn(live.spend, costOf);
    last.added = noted;
    const stats = lookAt(paths.requestsLog);
    const [mark] = live.marks;
    const isRead = stats === null ? mark === undefined : stats.ino === mark?.ino && stats.size === mark.bytes;
    const read = isRead ? {} : await readOn(live, { costOf, now });
    live = { ...live, ...read, costOf };
    if (!isRead) saveSoon();
    onChange?.();
  };
  const watch = async (): Promise<void> => {
    let waitMs = POLL_MS;
    try {
      live ??= await enqueue(loadHere);
      await enqueue(look);
    } catch (error) {
      tell(t`budgets cannot be counted: ${errorText(error)}`);
      waitMs = RETRY_MS;
    }
    if (watching !== null) watching = setTimeout(() => void watch(), waitMs).unref();
  };

  return {
    /** Gives the entry its number, by which it is counted once. */
    number(entry: LogEntry): LogEntry {
      entry.run = run;
      entry.seq = seq += 1;
      return entry;
    },
    /** A numbered entry that ended. `isLogged`: the log has it. Cheap, and never throws. */
    note(entry: LogEntry, isLogged: boolean): void {
      last.noted += 1;
      if (!isLogged || own.size < MOST_OWN) own.add(entry);
      late?.add(entry);
      if (live !== null) {
        // A budget counts it from this moment on.
        priced = { entry, cost: live.costOf(entry) };
        if (live.spend.has(run, entry.seq ?? 0) !== true) live.spend.add(entry, priced.cost, now());
        saveSoon();
      } else if (last.noted % LOOK_EVERY_LINES === 0) void saveWhereMuch();
    },
    /** Where much was left uncounted by others, it is counted once everything else has started. */
    start(): void {
      firstLook = setTimeout(() => void saveWhereMuch(), FIRST_LOOK_MS).unref();
    },
    /** The ledger with everything up to now; again where that failed. Rejects with UserError. */
    load: (): Promise<void> =>
      enqueue(async () => {
        live ??= await loadHere();
      }),
    /** Keeps it up to date from now on, and the file. `changed` is called as it grows. */
    follow(changed: () => void): void {
      onChange = changed;
      if (watching !== null) return;
      watching = setTimeout(() => void watch(), 0).unref();
      if (lookAt(paths.spend) === null) saveSoon();
    },
    /** Null until it was loaded. */
    spend: (): Spend | null => live?.spend ?? null,
    /** Null until the ledger was loaded. */
    costOf: (): Pricer["costOf"] | null => live?.costOf ?? null,
    /** What an entry cost; the one that was noted last has its price. Null until the ledger was loaded. */
    costAt: (entry: LogEntry): Cost | null =>
      priced?.entry === entry ? priced.cost : (live?.costOf(entry) ?? null),
    /** The last line of this process. */
    lastLine: () => ({ run, seq }),
    /** Has the ledger what the log has by now, whoever wrote it. Never rejects. */
    refresh: (): Promise<void> => enqueue(look).catch(() => {}),
    /** Saves what is not saved yet. Never rejects. */
    async stop(): Promise<void> {
      for (const timer of [watching, firstLook]) clearTimeout(timer ?? undefined);
      watching = null;
      onChange = null;
      if (last.noted !== last.saved) await trySave(MOST_AT_THE_END_BYTES);
      else await queue;
      clearTimeout(saving ?? undefined);
      saving = null;
    },
  };
}

function saveCounted({ marks, readAt, spend }: Counted, now: number): SavedSpend {
  return spend.save({ log: [...marks], read_at: readAt }, now);
}

interface Priced {
  readonly costOf: Pricer["costOf"];
}

interface NewsOptions {
  /** Null: dollars are not asked for. */
  readonly costOf: Pricer["costOf"] | null;
  readonly mostBytes?: number | undefined;
  /** Wall clock, ms. */
  readonly now: () => number;
}

/** Adds what the log has beyond the marks. Null where there is too much. Throws UserError. */
export async function readNews(
  path: string,
  { marks, readAt, spend }: Counted,
  { costOf, mostBytes, now }: NewsOptions,
): Promise<Omit<Counted, "spend"> | null> {
  const startedAt = now();
  const onLine = (line: string, isRescan: boolean): void => {
    const tag = TAG.exec(line);
    const known = tag === null ? undefined : spend.has(tag[1] ?? "", Number(tag[2]));
    const record = known === true ? undefined : parseLine(line)?.record;
    if (record === undefined) return;
    const { run, seq } = record;
    // Written anew by another program, perhaps.
    const isTagged = run !== undefined && seq !== undefined;
    const isKnown = tag === null && isTagged ? spend.has(run, seq) : known;
    if (isKnown === true) return;
    // Of a run that is not known any more, or of another version: counted when the log was read last. Else it is another
    // machine's, whose log was joined to this one.
    const endedAt = record.timestamp_ms + (record.duration_ms ?? 0);
    const isOld = isRescan && isKnown === undefined && readAt !== null && endedAt <= readAt;
    if (isOld && (!isTagged || spend.mayForget(endedAt))) spend.skip(record);
    else spend.add(record, costOf?.(record) ?? null, startedAt);
  };
  const next = await readLogSince(path, marks, { onLine, readAt, mostBytes });
  return next === null ? null : { marks: next, readAt: startedAt };
}

/** The last two fields of a line, which need no parser. */
const TAG = /"run":"([^"\\]*)","seq":(\d+)\}$/;

/** About so many bytes of the log are beyond the marks. */
function countUnread(path: string, marks: readonly LogMark[]): number {
  return [path, rotatedPath(path, 1)].reduce((sum, one) => {
    const mark = marks.find(({ ino }) => ino === lookAt(one)?.ino);
    return sum + Math.max(0, sizeOf(one) - (mark?.bytes ?? 0));
  }, 0);
}

/** A session's directory is in its own file: each is looked for once. */
function createProjectNames(paths: Paths) {
  const known = new Map<string, string | null>();
  return async (spend: Spend): Promise<void> => {
    if (known.size > MOST_SESSIONS) known.clear();
    const unknown = [...spend.projects()].filter(
      (project) => project !== null && sessionOfProject(project) !== null && !known.has(project),
    );
    if (unknown.length > 0) {
      const { nameDirectories } = await import("../session/directories.ts");
      const nameOf = await nameDirectories(paths, unknown);
      for (const project of unknown) known.set(project ?? "", nameOf(project));
    }
    spend.renameProjects((project) =>
      project === null ? null : (known.get(project) ?? withoutSession(project)),
    );
  };
}

function withoutSession(project: string): string | null {
  return sessionOfProject(project) === null ? project : null;
}
