// spend.json, the ledger of spend, as it is on the disk: read, judged, and put aside where it holds something else.
import { renameSync } from "node:fs";
import { basename, join } from "node:path";
import { UserError, onUserError } from "../../base/errors.ts";
import { describe, ensurePrivateDirectory, lookAt, readText } from "../../base/files.ts";
import { parseJson } from "../../base/json-value.ts";
import type { Paths } from "../../base/paths.ts";
import { type Text, t } from "../../base/text.ts";
import { type SavedSpend, readSavedSpend } from "../../usage/saved-spend.ts";

export interface SpendFile {
  readonly saved: SavedSpend | null;
  /** It is there and cannot be used. */
  readonly problem: UserError | null;
}

/** The ledger as it is on the disk. */
export async function readSpendFile(path: string): Promise<SpendFile> {
  return parseSpendFile(path, await readSpendText(path));
}

/** Null for no file; what it says where it cannot be read. */
export function readSpendText(path: string): Promise<string | null | UserError> {
  return readText(path).catch(onUserError((error) => error));
}

export function parseSpendFile(path: string, text: string | null | UserError): SpendFile {
  if (text === null) return { saved: null, problem: null };
  if (text instanceof UserError) return { saved: null, problem: text };
  const saved = readSavedSpend(parseJson(text));
  return { saved, problem: saved === null ? new UserError(t`${path} is not what it should be`) : null };
}

/** A file that holds something else. What is no file, or cannot be opened, stays where it is: that has a cause. */
export function canPutAside(path: string, { problem }: SpendFile): boolean {
  return problem !== null && problem.cause === undefined && lookAt(path)?.isFile() === true;
}

/** There is none then. Throws UserError. */
export function putAside(
  { backups, spend: path }: Paths,
  now: number,
  onTrouble: (words: Text) => void,
): SpendFile {
  ensurePrivateDirectory(backups);
  const aside = join(backups, `${basename(path)}.${now}`);
  try {
    renameSync(path, aside);
  } catch (error) {
    throw new UserError(t`cannot put ${path} aside: ${describe(error)}`, { cause: error });
  }
  onTrouble(t`${path} could not be read: it is kept as ${aside}, and made anew from the log`);
  return { saved: null, problem: null };
}
