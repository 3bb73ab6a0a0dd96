// Rotates a full requests.jsonl, names the rotated files (.1 is the newest), and tells what cannot be a log.
import { renameSync, statSync } from "node:fs";
import { errorCode } from "../base/errors.ts";
import { lookAt, realPath } from "../base/files.ts";
import { withLockSync } from "../base/lock.ts";

/** Rotated files; older ones are overwritten. */
export const KEPT_FILES = 10;

/** The `number`th rotated file, counted from 1. */
export function rotatedPath(path: string, number: number): string {
  return `${path}.${number}`;
}

/** Devices that a log may be linked to: one keeps nothing, one is a disk that is always full. */
const SINKS: ReadonlySet<string> = new Set(["/dev/null", "/dev/full"]);

/** A pipe or device in the place of a log: it would be waited for, or read, without end. */
export function isEndless(path: string): boolean {
  const stats = lookAt(path);
  return stats !== null && !stats.isFile() && !stats.isDirectory() && !SINKS.has(realPath(path));
}

/**
 * `inode`: of the file that was seen to be full. Another process may have rotated it since; then nothing is done.
 * `keep`: the oldest files beyond so many are overwritten.
 * Throws when another process is rotating right now or the files cannot be renamed: the file can still be appended to.
 */
export function rotateLog(path: string, inode: number, keep: number): void {
  const work = (): void => {
    if (statSync(path, { throwIfNoEntry: false })?.ino !== inode) return;
    for (let number = keep; number > 1; number -= 1) {
      renameIfThere(rotatedPath(path, number - 1), rotatedPath(path, number));
    }
    renameIfThere(path, rotatedPath(path, 1));
  };
  withLockSync(`${path}.lock`, work, { timeoutMs: 0 });
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
}
