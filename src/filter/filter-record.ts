// Remembers beside filter.json that there was one, so that its removal is never taken for a file that never was, after a
// restart neither. Fails closed: what cannot be read says "seen". Reads no rule, so that screens can do without the engine.
import { lstatSync, readFileSync, statSync } from "node:fs";
import { SHORTAGES, UserError, errorCode } from "../base/errors.ts";
import { PRIVATE_FILE, describe, lookAt, writeFileAtomic } from "../base/files.ts";
import { parseRecord } from "../base/json-value.ts";
import { type Text, t } from "../base/text.ts";

/** "accepted": the user has said that there are no rules any more. "untold": there is a record, and no means to read it now. */
export type Remembered = "never" | "seen" | "accepted" | "untold";

export interface FilterRecord {
  readonly read: () => Remembered;
  /** Of the file that is there now, or was; "emptied": it has no rules, which takes nobody by surprise later. */
  readonly note: (what: "seen" | "emptied") => void;
}

const MAX_BYTES = 4096;

/** `onTrouble` is called once in a row of failures, for the record that cannot be written. Null: nothing is written. */
export function makeFilterRecord(
  path: string,
  onTrouble: ((words: Text | string) => void) | null,
): FilterRecord {
  let isFailing = false;
  const read = (): Remembered => readRecord(path);
  return {
    read,
    note(what) {
      if (onTrouble === null) return;
      const present = read();
      if (present === "untold") return;
      if (what === "seen" ? present === "seen" : present !== "seen") return;
      try {
        writeRecord(path, what === "seen" ? "seen" : "accepted");
        isFailing = false;
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        if (!isFailing) onTrouble(error.text);
        isFailing = true;
      }
    },
  };
}

/** Never throws for what is there. */
function readRecord(path: string): Remembered {
  const stats = lookAt(path);
  if (stats !== null && (!stats.isFile() || stats.size > MAX_BYTES)) return "seen";
  // Asked for its name alone: that takes no file descriptor, of which there may be none left.
  if (isMissing(path)) return "never";
  try {
    return parseRecord(readFileSync(path, "utf8"))?.["removal_accepted"] === true ? "accepted" : "seen";
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    if (SHORTAGES.has(code)) return "untold";
    return code === "ENOENT" ? "never" : "seen";
  }
}

function isMissing(path: string): boolean {
  try {
    lstatSync(path);
    return false;
  } catch (error) {
    return errorCode(error) === "ENOENT";
  }
}

/** Throws UserError. */
export function writeRecord(path: string, what: "seen" | "accepted"): void {
  const text = `${JSON.stringify({ removal_accepted: what === "accepted" })}\n`;
  writeFileAtomic(path, text, { mode: PRIVATE_FILE });
}

/** What is at the path; "a link": one that leads nowhere. Throws UserError where that cannot be told. */
export function findAt(path: string): "nothing" | "a link" | "a file" {
  try {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return "nothing";
    return statSync(path, { throwIfNoEntry: false }) === undefined ? "a link" : "a file";
  } catch (error) {
    throw new UserError(t`cannot read ${path}: ${describe(error)}`, { cause: error });
  }
}
