// The temporary files of writes: how they are called, and which of them a killed writer has left. Only ours: by name, owner and
// age, and never one that may still be in use.
import { lstatSync, readdirSync, statSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { errorCode, ignoreSystemError } from "./errors.ts";

const NAME = /^\.(.+)\.(\d+)\.[0-9a-f]{8}\.tmp$/s;
/** A write takes milliseconds, on a slow disk a second: of a process that cannot be seen from here, nothing is in use by then. */
const OLD_MS = 10_000;
/** By then also where another program has got the number of the process. */
const ANCIENT_MS = 3_600_000;

/** A new name beside the file that is to be written. */
export function makeTempPath(target: string): string {
  const random = crypto.randomUUID().slice(0, 8);
  return join(dirname(target), `.${basename(target)}.${process.pid}.${random}.tmp`);
}

export interface LeftoverOptions {
  /** Of this file only. Default: of all in the directory. */
  readonly name?: string;
  /** No other process is writing there: a killed writer's need not be old. */
  readonly isLocked?: boolean;
}

/** Their paths. Empty where the directory cannot be listed. Throws nothing for what is there. */
export function findLeftovers(directory: string, { isLocked = false, name }: LeftoverOptions = {}): string[] {
  return ignoreSystemError(() => readdirSync(directory), [])
    .filter((one) => {
      const [, target, pid] = NAME.exec(one) ?? [];
      if (target === undefined || (name !== undefined && target !== name)) return false;
      const ageMs = ownAge(directory, one);
      if (ageMs === null) return false;
      return ageMs > ANCIENT_MS || ((isLocked || ageMs > OLD_MS) && !isInUse(Number(pid)));
    })
    .map((one) => join(directory, one));
}

/** What cannot be removed does no harm. */
export function removeLeftovers(directory: string, options: LeftoverOptions = {}): void {
  for (const path of findLeftovers(directory, options)) ignoreSystemError(() => unlinkSync(path), undefined);
}

/** Null for what is no file, or another user's. */
function ownAge(directory: string, name: string): number | null {
  return ignoreSystemError(() => {
    const stats = lstatSync(join(directory, name));
    const uid = process.getuid?.();
    // Root writes for the user whose directory it is, too.
    const isOurs =
      uid === undefined || stats.uid === uid || (uid === 0 && stats.uid === statSync(directory).uid);
    return stats.isFile() && isOurs ? Date.now() - stats.mtimeMs : null;
  }, null);
}

/** Writes do not overlap within a process: one of our own number is of an earlier process that had it. */
function isInUse(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}
