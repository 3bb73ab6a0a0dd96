// Owns state.json: sections of named entries that several processes read and change, each only the entries it knows.
// Does not know what a section means. Losing the file loses nothing that matters: what cannot be read counts as empty.
import { join } from "node:path";
import { PRIVATE_FILE, ensurePrivateDirectory, readTextOrNull, writeFileAtomic } from "../base/files.ts";
import { isRecord, parseRecord } from "../base/json-value.ts";
import { withLock } from "../base/lock.ts";
import type { Paths } from "../base/paths.ts";

export type StatePaths = Pick<Paths, "home" | "state" | "run">;

/** Entries by name. JSON. */
export type Section = Readonly<Record<string, unknown>>;

/** Sections by name. JSON. */
export type State = Readonly<Record<string, Section>>;

/** Stopping waits for the last write, which is not worth more than this. */
const LOCK_TIMEOUT_MS = 2_000;

/** Every section, those of other versions of the program too. Never throws: an unreadable file is an empty one. */
export function readState(path: string): State {
  const entries = Object.entries(parseRecord(readTextOrNull(path) ?? "") ?? {});
  return Object.fromEntries(entries.filter((entry): entry is [string, Section] => isRecord(entry[1])));
}

/**
 * Replaces the file by what `change` makes of it, while no other process does. Nothing is written where nothing
 * changed. Throws UserError when the lock or the file cannot be used.
 */
export async function updateState(paths: StatePaths, change: (state: State) => State): Promise<void> {
  ensurePrivateDirectory(paths.home);
  const work = (): void => {
    const before = readState(paths.state);
    const after = change(before);
    const text = JSON.stringify(after);
    if (text === JSON.stringify(before)) return;
    writeFileAtomic(paths.state, `${text}\n`, { mode: PRIVATE_FILE, isLocked: true });
  };
  await withLock(join(paths.run, "state.lock"), work, { timeoutMs: LOCK_TIMEOUT_MS });
}

/** The entries of the file that one owner keeps. */
export interface SavedSectionsOptions {
  readonly paths: StatePaths;
  readonly sections: readonly string[];
  /** Which entries of the sections are this owner's. Default: all. */
  readonly isOwn?: (entry: string) => boolean;
  /** What the owner knows now. `last`: as it was read or written last. */
  readonly make: (last: State) => State;
  /** Changes within this time are written together. A crash loses them. */
  readonly saveAfterMs: number;
  /** Why nothing could be saved; called once in a row of failures. */
  readonly onTrouble: (error: unknown) => void;
}

export type SavedSections = ReturnType<typeof createSavedSections>;

export function createSavedSections(options: SavedSectionsOptions) {
  const { make, onTrouble, paths, saveAfterMs, sections } = options;
  let last: State = {};
  let timer: Timer | null = null;
  let writing = Promise.resolve();
  let isFailing = false;

  const save = async (): Promise<void> => {
    const base = last;
    const mine = make(base);
    if (isSame(mine, base)) return;
    try {
      await updateState(paths, (theirs) => {
        const merged = sections.map((name) => [
          name,
          mergeSection({ base: base[name] ?? {}, mine: mine[name] ?? {}, theirs: theirs[name] ?? {} }),
        ]);
        return { ...theirs, ...Object.fromEntries(merged) };
      });
      last = mine;
      isFailing = false;
    } catch (error) {
      if (!isFailing) onTrouble(error);
      isFailing = true;
    }
  };
  /** Writes a noted change now. Never rejects. */
  const flush = (): Promise<void> => {
    if (timer === null) return writing;
    clearTimeout(timer);
    timer = null;
    writing = writing.then(save);
    return writing;
  };
  return {
    /** The own entries as the file has them now. */
    load: (): State => (last = readSections(paths.state, sections, options.isOwn)),
    /** What the owner knows may have changed. */
    noteChange: (): void => {
      timer ??= setTimeout(() => void flush(), saveAfterMs);
    },
    flush,
  };
}

/** One owner's entries of these sections. Never throws. */
export function readSections(
  path: string,
  sections: readonly string[],
  isOwn: (entry: string) => boolean = () => true,
): State {
  const saved = readState(path);
  const own = sections.map((name) => {
    const entries = Object.entries(saved[name] ?? {}).filter(([entry]) => isOwn(entry));
    return [name, Object.fromEntries(entries)] as const;
  });
  return Object.fromEntries(own);
}

/**
 * A section with the changes of one process: the entries that differ between `base` (as it last knew them) and `mine`.
 * Where another process changed an entry meanwhile, the one that is there wins over one that was dropped, and the
 * later writer over the earlier.
 * @returns a new section; the order of the entries means nothing
 */
export function mergeSection(versions: {
  readonly base: Section;
  readonly mine: Section;
  readonly theirs: Section;
}): Section {
  const base = new Map(Object.entries(versions.base));
  const mine = new Map(Object.entries(versions.mine));
  const merged = new Map(Object.entries(versions.theirs));
  for (const [name, value] of mine) if (!isSame(value, base.get(name))) merged.set(name, value);
  for (const [name, value] of base)
    if (!mine.has(name) && isSame(value, merged.get(name))) merged.delete(name);
  return Object.fromEntries(merged);
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
