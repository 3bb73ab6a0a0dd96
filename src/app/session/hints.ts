// Ids of sessions that were gone on with lately, whenever they began: out of what the clients and our own proxy note down.
// Hints only: who follows them looks at the sessions' files. Only reads.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "../../base/errors.ts";
import type { Paths } from "../../base/paths.ts";

/** Hundreds of prompts or requests. */
const TAIL_BYTES = 128 * 1024;
/** Codex's history and our log have the one name, Claude Code's history the other. */
const SESSION_ID = /"session(?:_id|Id)":"([0-9a-f-]{36})"/g;

export function readSessionHints({ codexHome, claudeHome, requestsLog }: Paths): ReadonlySet<string> {
  const files = [join(codexHome, "history.jsonl"), join(claudeHome, "history.jsonl"), requestsLog];
  return new Set(files.flatMap((path) => [...readTail(path).matchAll(SESSION_ID)].map(([, id = ""]) => id)));
}

/** Empty where there is no such file. */
function readTail(path: string): string {
  try {
    const fd = openSync(path, "r");
    try {
      const buffer = Buffer.alloc(TAIL_BYTES);
      const start = Math.max(0, fstatSync(fd).size - TAIL_BYTES);
      return buffer.toString("latin1", 0, readSync(fd, buffer, 0, TAIL_BYTES, start));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return "";
  }
}
