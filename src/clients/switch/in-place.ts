// Writes a file that no other may take the place of, and heals it where that was interrupted: until the write is durable, a
// copy of both texts lies beside the journal.
import { existsSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";
import * as z from "zod/mini";
import { ENCODINGS, encodeAs } from "../../base/bytes.ts";
import { UserError, ignoreSystemError } from "../../base/errors.ts";
import {
  MAX_FILE_BYTES,
  PRIVATE_FILE,
  describe,
  ensurePrivateDirectory,
  overwriteFile,
  readBytes,
  readText,
  removeFile,
  writeFileAtomic,
} from "../../base/files.ts";
import { parseJson } from "../../base/json-value.ts";
import { t } from "../../base/text.ts";

const copySchema = z.object({
  file: z.string(),
  encoding: z._default(z.enum(ENCODINGS), "UTF-8"),
  before: z.string(),
  after: z.string(),
});
type Copy = Readonly<z.infer<typeof copySchema>>;

/** Beside the journal, under a name that no journal has. */
export function copyPathFor(journal: string): string {
  return journal.replace(/\.json$/, ".copy");
}

/** `refuse` is called right before the write, and may throw. Throws UserError; then nothing was changed. */
export function writeInPlace(copy: Copy, path: string, refuse: () => void): void {
  ensurePrivateDirectory(dirname(path));
  writeFileAtomic(path, JSON.stringify(copy), { mode: PRIVATE_FILE, isLocked: true });
  try {
    refuse();
    overwriteFile(copy.file, encodeAs(copy.after, copy.encoding));
  } catch (error) {
    if (error instanceof UserError) {
      removeFile(path);
      throw error;
    }
    // Where the disk refuses this too, the copy stays for whoever comes next.
    ignoreSystemError(() => {
      overwriteFile(copy.file, encodeAs(copy.before, copy.encoding));
      unlinkSync(path);
    }, undefined);
    throw new UserError(t`cannot write ${copy.file}: ${describe(error)}`, { cause: error });
  }
  removeFile(path);
}

/** What the file of an interrupted write was and should become; null where none was. Throws UserError where that cannot be told. */
export async function findInterrupted(path: string): Promise<Copy | null> {
  const text = await readText(path);
  const copy = text === null ? undefined : copySchema.safeParse(parseJson(text)).data;
  if (copy === undefined) return null;
  const now = await readBytes(copy.file, MAX_FILE_BYTES);
  const [before, after] = [encodeAs(copy.before, copy.encoding), encodeAs(copy.after, copy.encoding)];
  return now !== null && isMix(now, before, after) ? copy : null;
}

/** Restores the text before an interrupted write. Only for the holder of the lock. Throws UserError. */
export async function healInterrupted(path: string): Promise<void> {
  const copy = await findInterrupted(path);
  if (copy !== null) {
    try {
      overwriteFile(copy.file, encodeAs(copy.before, copy.encoding));
    } catch (error) {
      throw new UserError(t`cannot write ${copy.file}: ${describe(error)}`, { cause: error });
    }
  }
  if (existsSync(path)) removeFile(path);
}

/** Neither of the two, though each byte is that of one of them. */
function isMix(now: Uint8Array, before: Uint8Array, after: Uint8Array): boolean {
  if (Buffer.compare(now, before) === 0 || Buffer.compare(now, after) === 0) return false;
  if (now.length > Math.max(before.length, after.length)) return false;
  if (now.length < Math.min(before.length, after.length)) return false;
  return now.every((byte, at) => byte === before[at] || byte === after[at]);
}
