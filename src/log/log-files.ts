// Opens requests.jsonl and the files put away before it.
import { type FileHandle, open } from "node:fs/promises";
import { UserError, errorCode } from "../base/errors.ts";
import { describe } from "../base/files.ts";
import { t } from "../base/language.ts";
import { rotatedPath } from "./rotation.ts";

/** A longer line is not one of ours. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;
const MAX_FILES = 1000;

export interface LogFile {
  readonly handle: FileHandle;
  readonly size: number;
}

/**
 * Newest first, so that a file that is put away meanwhile is met twice rather than never; the second is dropped.
 * Throws UserError for one that is there and cannot be opened. The caller closes them.
 */
export async function openLogFiles(path: string): Promise<LogFile[]> {
  const files: LogFile[] = [];
  const inodes = new Set<number>();
  try {
    for (let number = 0; number < MAX_FILES; number += 1) {
      const handle = await openOrNull(number === 0 ? path : rotatedPath(path, number));
      if (handle === null && number > 0) break;
      if (handle === null) continue;
      const { ino, size } = await handle.stat();
      if (inodes.has(ino)) {
        await handle.close();
        continue;
      }
      inodes.add(ino);
      files.push({ handle, size });
    }
  } catch (error) {
    await Promise.all(files.map(({ handle }) => handle.close()));
    throw unreadable(path, error);
  }
  return files;
}

async function openOrNull(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  }
}

/** What to throw where reading failed. */
export function unreadable(path: string, error: unknown): unknown {
  return errorCode(error) === undefined
    ? error
    : new UserError(t`cannot read ${path}: ${describe(error)}`, { cause: error });
}
