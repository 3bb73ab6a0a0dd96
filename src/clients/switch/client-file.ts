// Reads and writes a client's file while the client may write it too: what was read is compared with what is there right
// before the write. Knows nothing of what the file means.
import { accessSync, constants, lstatSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { dirname } from "node:path";
import { decodeText, type Encoding, encodeAs, encodingOf } from "../../base/bytes.ts";
import { UserError, errorCode } from "../../base/errors.ts";
import {
  Irreplaceable,
  MAX_FILE_BYTES,
  PRIVATE_FILE,
  describe,
  readBytes,
  removeFile,
  resolveLink,
  statOrNull,
  writeFileAtomic,
} from "../../base/files.ts";
import { findRemedy, isOfPermission } from "../../base/permission.ts";
import { quoteWord } from "../../base/shell.ts";
import { t } from "../../base/text.ts";
import type { SwitchEditor } from "../client.ts";
import { writeInPlace } from "./in-place.ts";

/** A client's file as it was read. */
export interface ClientFile {
  readonly path: string;
  /** Those that the client reads. */
  readonly encodings: readonly Encoding[];
  /** Null when there is no such file. */
  readonly bytes: Uint8Array | null;
  /** With its BOM; "" when there is no such file. */
  readonly text: string;
}

/** The client wrote the file between our reading and our writing; nothing was changed by us. */
export class WrittenMeanwhile extends UserError {
  constructor(path: string) {
    super(t`${path} keeps being written by another program`, { hint: t`try again when that is done` });
  }
}

/** The file may not be written, and the next one in its place will be as it is: whatever makes it has to be changed. */
export class MadeElsewhere extends UserError {}

const PRIVATE_DIRECTORY = 0o700;
/** Where Nix and Guix keep what they make. A mode that is changed there is a damaged store. */
const STORE = /^\/(?:nix|gnu)\/store\//;
/** Errors that the file's mode may cause; a read-only file system is another matter. */
const IN_USE_OR_GONE = new Set(["ENOTEMPTY", "EEXIST", "ENOENT", "EBUSY"]);

/** Throws UserError for anything that is not a text file that the client can read. */
export async function readClientFile({
  encodings,
  file: path,
}: Pick<SwitchEditor, "encodings" | "file">): Promise<ClientFile> {
  const stats = statOrNull(path);
  // Opening a pipe would wait for a writer.
  if (stats !== null && !stats.isFile()) throw new UserError(t`${path} is not a file`);
  const bytes = await readBytes(path, MAX_FILE_BYTES);
  const text = bytes === null ? "" : decodeText(bytes, path, { keepsBom: true, encodings });
  return { path, encodings, bytes, text };
}

/** May another user of this machine read it? By its own mode and those of the directories above it. */
export function isReadByOthers(path: string): boolean {
  if (process.platform === "win32") return false;
  const target = resolveLink(path);
  let bits = (statOrNull(target)?.mode ?? 0) & 0o044;
  for (let above = dirname(target); ; above = dirname(above)) {
    bits &= ((statOrNull(above)?.mode ?? 0) & 0o011) << 2;
    if (bits === 0 || above === dirname(above)) return bits !== 0;
  }
}

/**
 * Changes the text and keeps its encoding, or makes the file (0600). `copy` is where both texts are kept while a file is written in place.
 * Throws WrittenMeanwhile, or UserError; then nothing was changed.
 */
export async function writeClientFile(file: ClientFile, text: string, copy: string): Promise<void> {
  refuseReadOnly(file);
  const refuse = (): void => refuseChanged(file);
  if (file.bytes === null)
    return writeFileAtomic(file.path, text, { mode: PRIVATE_FILE, isLocked: true, beforeRename: refuse });
  const { makeCopyAttributes } = await import("../../base/file-attributes.ts");
  const encoding = encodingOf(file.bytes);
  try {
    writeFileAtomic(file.path, encodeAs(text, encoding), {
      keepAttributes: makeCopyAttributes(),
      isLocked: true,
      beforeRename: refuse,
    });
  } catch (error) {
    if (!(error instanceof Irreplaceable)) throw error;
    writeInPlace({ file: resolveLink(file.path), encoding, before: file.text, after: text }, copy, refuse);
  }
}

/** Removes a file that has not changed since it was read. Throws as `writeClientFile` does. */
export function removeClientFile(file: ClientFile): void {
  refuseChanged(file);
  removeFile(file.path);
}

export function makeDirectoryOf(path: string): void {
  const directory = dirname(path);
  try {
    mkdirSync(directory, { recursive: true, mode: PRIVATE_DIRECTORY });
  } catch (error) {
    throw new UserError(t`cannot make ${directory}: ${describe(error)}`, { cause: error });
  }
}

/** Removes the directory of a file, unless something else is in it. */
export function removeDirectoryOf(path: string): void {
  const directory = dirname(path);
  try {
    rmdirSync(directory);
  } catch (error) {
    if (IN_USE_OR_GONE.has(errorCode(error) ?? "")) return;
    throw new UserError(t`cannot remove ${directory}: ${describe(error)}`, { cause: error });
  }
}

/** A rename would get around the file's own mode. */
function refuseReadOnly({ path, bytes }: ClientFile): void {
  if (bytes === null) return;
  try {
    accessSync(path, constants.W_OK);
  } catch (error) {
    const target = resolveLink(path);
    const isLink = lstatSync(path).isSymbolicLink();
    const what = isLink
      ? t`${path} leads to ${target}, which is not writable: ${describe(error)}`
      : t`${path} is not writable: ${describe(error)}`;
    if (isLink || STORE.test(target) || !isOfPermission(error))
      throw new MadeElsewhere(what, { cause: error });
    const file = quoteWord(path);
    throw new UserError(what, {
      hint: process.platform === "win32" ? `attrib -R ${file}` : findRemedy(path, error),
      cause: error,
    });
  }
}

function refuseChanged({ path, bytes }: ClientFile): void {
  let now: Uint8Array | null;
  try {
    now = readFileSync(path);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    now = null;
  }
  const isSame = bytes === null || now === null ? bytes === now : Buffer.from(now).equals(bytes);
  if (!isSame) throw new WrittenMeanwhile(path);
}
