// Keeps budgets.json: which budgets are lifted for a while, and how far each was told of, so that several processes tell
// each step once. Read anew where it has changed.
import { join } from "node:path";
import * as z from "zod/mini";
import {
  PRIVATE_FILE,
  ensurePrivateDirectory,
  lookAt,
  readTextOrNull,
  writeFileAtomic,
} from "../../base/files.ts";
import { parseJson } from "../../base/json-value.ts";
import { withLock } from "../../base/lock.ts";
import type { Paths } from "../../base/paths.ts";
import type { Budget } from "../../config/budgets.ts";

const notesSchema = z.object({
  lifts: z.array(
    z.object({
      budget: z.string(),
      /** Null for all of its units. */
      unit: z.nullable(z.string()),
      per: z.nullable(z.string()),
      /** How much more; null for as much as is wanted. */
      amount: z.nullable(z.number()),
      /** Wall clock, ms. */
      until_ms: z.number(),
    }),
  ),
  /** By budget: the window that it was of, and the percents that were told. */
  told: z.record(z.string(), z.object({ since_ms: z.number(), percent: z.number() })),
});

type Notes = z.infer<typeof notesSchema>;
export type Lift = Notes["lifts"][number];

const NONE: Notes = { lifts: [], told: {} };
const LOCK_TIMEOUT_MS = 2_000;

type NotesPaths = Pick<Paths, "budgets" | "home" | "run">;

export function createBudgetNotes(paths: NotesPaths, now: () => number) {
  let read: { readonly stamp: string; readonly notes: Notes } = { stamp: "", notes: NONE };

  const current = (): Notes => {
    const stats = lookAt(paths.budgets);
    const stamp = stats === null ? "" : `${stats.ino} ${stats.mtimeMs} ${stats.size}`;
    if (stamp !== read.stamp) read = { stamp, notes: stats === null ? NONE : readNotes(paths.budgets) };
    return read.notes;
  };
  const update = async (change: (notes: Notes) => Notes | null): Promise<boolean> => {
    ensurePrivateDirectory(paths.home);
    const work = (): boolean => {
      const changed = change(readNotes(paths.budgets));
      if (changed === null) return false;
      const lifts = changed.lifts.filter(({ until_ms: until }) => until > now());
      const text = JSON.stringify({ version: 1, ...changed, lifts });
      writeFileAtomic(paths.budgets, `${text}\n`, { mode: PRIVATE_FILE, isLocked: true });
      return true;
    };
    return await withLock(join(paths.run, "budgets.lock"), work, { timeoutMs: LOCK_TIMEOUT_MS });
  };

  /** By the file as it was read last. */
  const liftsOf = ({ id, per, unit }: Budget): readonly Lift[] =>
    read.notes.lifts.length === 0
      ? NONE.lifts
      : read.notes.lifts.filter(
          (lift) =>
            lift.budget === id &&
            lift.until_ms > now() &&
            (lift.unit === null || lift.unit === unit) &&
            (lift.per === null || lift.per === per),
        );

  return {
    /** Looks at the file where one of the lifts that are known may have been taken back, or `isNeeded`: where a new one would matter. */
    refresh: (isNeeded: boolean): void => void ((isNeeded || read.notes.lifts.length > 0) && current()),
    /** By the file as it was read last. */
    hasLifts: (): boolean => read.notes.lifts.length > 0,
    liftsOf,
    /** Throws UserError. */
    lift: async (lifts: readonly Lift[]): Promise<void> =>
      void (await update((notes) => ({ ...notes, lifts: [...notes.lifts, ...lifts] }))),
    /** Takes them back: all, or those of a window. Throws UserError. */
    unlift: async (id: string, per: string | null = null): Promise<void> =>
      void (await update((notes) => {
        const isOf = (lift: Lift): boolean => lift.budget === id && (per === null || lift.per === per);
        return notes.lifts.some(isOf) ? { ...notes, lifts: notes.lifts.filter((lift) => !isOf(lift)) } : null;
      })),
    /** True for the one process that is to tell of it. Throws UserError. */
    note: async (budget: Budget, since: number, percent: number): Promise<boolean> =>
      await update((notes) => {
        const key = keyOf(budget);
        const last = notes.told[key];
        if (last !== undefined && last.since_ms >= since && last.percent >= percent) return null;
        return { ...notes, told: { ...notes.told, [key]: { since_ms: since, percent } } };
      }),
  };
}

/** One budget of several with the same id. */
export function keyOf({ id, per, unit }: Budget): string {
  return `${id} ${unit} ${per}`;
}

function readNotes(path: string): Notes {
  const text = readTextOrNull(path);
  if (text === null) return NONE;
  try {
    return notesSchema.safeParse(parseJson(text)).data ?? NONE;
  } catch {
    return NONE;
  }
}
