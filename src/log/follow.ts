// Waits for lines that are appended to requests.jsonl, also when the file is rotated, truncated, or does not exist yet.
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { errorCode } from "../base/errors.ts";
import { isEndless } from "./rotation.ts";
import { type StoredEntry, parseLines } from "./reader.ts";

const POLL_MS = 200;
const BLOCK_BYTES = 256 * 1024;

/** Entries from now on, until `signal` aborts: also in the middle of a wait for a line that never comes. */
export async function* followLog(path: string, signal?: AbortSignal): AsyncGenerator<StoredEntry[]> {
  let file = openAt(path, "end");
  try {
    while (signal?.aborted !== true) {
      const entries = file?.readNew() ?? [];
      if (entries.length > 0) yield entries;
      const inode = isEndless(path) ? undefined : statSync(path, { throwIfNoEntry: false })?.ino;
      if (inode !== undefined && inode !== file?.inode) {
        // What was appended between the read and the move is still in the file that was moved.
        const last = file?.readNew() ?? [];
        file?.close();
        file = openAt(path, "start");
        if (last.length > 0) yield last;
        continue;
      }
      await setTimeout(POLL_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    file?.close();
  }
}

function openAt(path: string, where: "start" | "end") {
  const fd = openOrNull(path);
  if (fd === null) return null;
  const opened = fstatSync(fd);
  let position = where === "end" ? opened.size : 0;
  let rest: Buffer = Buffer.alloc(0);
  return {
    inode: opened.ino,
    /** The entries of all lines that were completed since the last call. */
    readNew(): StoredEntry[] {
      const entries: StoredEntry[] = [];
      if (fstatSync(fd).size < position) {
        position = 0;
        rest = Buffer.alloc(0);
      }
      for (;;) {
        const block = Buffer.allocUnsafe(BLOCK_BYTES);
        const length = readSync(fd, block, 0, BLOCK_BYTES, position);
        if (length === 0) return entries;
        position += length;
        const bytes = Buffer.concat([rest, block.subarray(0, length)]);
        const end = bytes.lastIndexOf(0x0a) + 1;
        rest = bytes.subarray(end);
        entries.push(...parseLines(bytes.toString("utf8", 0, end).split("\n")));
      }
    },
    close: () => closeSync(fd),
  };
}

function openOrNull(path: string): number | null {
  if (isEndless(path)) return null;
  try {
    return openSync(path, "r");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  }
}
