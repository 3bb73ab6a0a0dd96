// Reads and writes whole files so that a crash at any moment leaves the old bytes or the new ones, never a mix.
// Knows no file format.
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  type Stats,
  writeSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { findMissing, protectMade } from "./access-list.ts";
import { type Encoding, decodeAny, decodeText } from "./bytes.ts";
import { UserError, errorCode, errorText, ignoreSystemError } from "./errors.ts";
import { makeTempPath, removeLeftovers } from "./leftovers.ts";
import { makeDangling, refusedBy } from "./permission.ts";
import { type Text, t } from "./text.ts";

/** Mode of every file that may hold a secret. */
export const PRIVATE_FILE = 0o600;
const PRIVATE_DIRECTORY = 0o700;
const ALL_BITS = 0o7777;
const READ_WRITE_BITS = 0o666;
/** With the bit that lets a program run as the group. */
const GROUP_BITS = 0o2070;
const OTHERS_BITS = 0o007;
/** The errors of opening a directory for fsync on systems that do not offer it. */
const NO_DIRECTORY_SYNC = new Set(["EISDIR", "EPERM", "EACCES", "EINVAL", "ENOTSUP"]);
/** What a file system without modes says, where it does not just ignore them. */
const NO_MODES = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);
/** What Windows says of a file that another program has open. */
const BUSY = new Set(["EPERM", "EACCES", "EBUSY"]);
const BUSY_WAITS_MS = [10, 20, 40, 80, 160, 320, 640];

/** Of config.json and the like; a larger one is not read. */
export const MAX_OWN_FILE_BYTES = 2 ** 20;
/** Of any file that is read as a whole, be it a client's. */
export const MAX_FILE_BYTES = 2 ** 24;

/** The file's bytes, or null when there is no such file. Throws UserError for anything else, and for a longer file. */
export async function readBytes(path: string, maxBytes: number): Promise<Uint8Array | null> {
  refuseUnreadable(path, maxBytes);
  try {
    return await Bun.file(path).bytes();
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw refusedBy(error, t`cannot read ${path}: ${describe(error)}`, path);
  }
}

/** The same for what a person names: it may also come through a pipe, from a program that decrypts it. */
export async function readGiven(path: string): Promise<Uint8Array | null> {
  if (lookAt(path)?.isFIFO() !== true) return await readBytes(path, MAX_FILE_BYTES);
  return await readStream(Bun.file(path).stream(), path);
}

/** All of a stream that may have no end. Throws UserError where there is more than any file has. */
export async function readStream(
  stream: AsyncIterable<Uint8Array>,
  name: Text | string,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > MAX_FILE_BYTES) throw tooLarge(name, MAX_FILE_BYTES);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * The file's text without a BOM, or null when there is no such file.
 * Throws UserError for a pipe or a device, which may have no end, for more than `maxBytes` (16 MiB), and for bytes that are no
 * text: what we cannot read we must not rewrite.
 */
export async function readText(path: string, maxBytes = MAX_FILE_BYTES): Promise<string | null> {
  const bytes = await readBytes(path, maxBytes);
  return bytes === null ? null : decodeText(bytes, path);
}

/** The same of a file of another program, which reads these encodings alone. */
export async function readTextIn(encodings: readonly Encoding[], path: string): Promise<string | null> {
  const bytes = await readBytes(path, MAX_FILE_BYTES);
  return bytes === null ? null : decodeText(bytes, path, { encodings });
}

/** The same at once, as it is: null also where the file cannot be read. */
export function readTextOrNull(path: string): string | null {
  return ignoreSystemError(() => {
    const stats = statSync(path);
    return problemOf(stats, { path, maxBytes: MAX_FILE_BYTES }) === null
      ? decodeAny(readFileSync(path))
      : null;
  }, null);
}

/** Why what is at a path cannot be read as a whole file; null where it can. */
export function problemOf(
  stats: Stats,
  { path, maxBytes }: { readonly path: string; readonly maxBytes: number },
): UserError | null {
  // Opening a pipe would wait for a writer, and some devices have no end.
  if (!stats.isFile()) return new UserError(t`${path} is not a file`);
  return stats.size <= maxBytes ? null : tooLarge(path, maxBytes);
}

function tooLarge(path: Text | string, maxBytes: number): UserError {
  return new UserError(t`${path} is larger than ${Math.floor(maxBytes / 1024)} KB`);
}

/** Whatever else is wrong with the path is for whoever opens it to say. */
function refuseUnreadable(path: string, maxBytes: number): void {
  const stats = lookAt(path);
  const problem = stats === null || stats.isDirectory() ? null : problemOf(stats, { path, maxBytes });
  if (problem !== null) throw problem;
}

/**
 * Makes a directory that only its owner can enter, with its parents. The mode, or on Windows the access list, of one that is
 * there stays.
 */
export function ensurePrivateDirectory(path: string): void {
  const made = process.platform === "win32" ? findMissing(path) : null;
  try {
    mkdirSync(path, { recursive: true, mode: PRIVATE_DIRECTORY });
    if (made !== null) protectMade(made);
  } catch (error) {
    throw refusedBy(error, t`cannot use the directory ${path}: ${describe(error)}`, path);
  }
}

export interface WriteOptions {
  /** Mode of the new file. Defaults to the present file's mode, else 0600. */
  readonly mode?: number;
  /**
   * For a file of another program: what it has beside its bytes is kept, or nothing is written and Irreplaceable is thrown.
   * Both arguments are open files.
   */
  readonly keepAttributes?: (from: number, to: number, options: { readonly keepsGroup: boolean }) => boolean;
  /** The caller holds the lock under which alone this file is written. */
  readonly isLocked?: boolean;
  /** Called right before the rename; throwing leaves the target as it was. */
  readonly beforeRename?: () => void;
}

/** Another file in its place would not be the same: it has more names, another owner, or attributes that cannot be copied. */
export class Irreplaceable extends UserError {}

/**
 * Replaces a file's content atomically: what killed writers left is removed, then exclusive temp file beside the real file (links are followed), mode set,
 * fsync, rename, fsync of the directory. On any error the target is untouched and the temp file removed.
 */
export function writeFileAtomic(path: string, data: string | Uint8Array, options: WriteOptions = {}): void {
  const target = resolveLink(path);
  const before = statOrNull(target);
  if (before !== null && !before.isFile()) throw new UserError(t`${path} is not a file`);
  if (options.keepAttributes !== undefined && before !== null && before.nlink > 1)
    throw new Irreplaceable(`${path} has more than one name`);
  removeLeftovers(dirname(target), { name: basename(target), isLocked: options.isLocked === true });
  const temp = makeTempPath(target);
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  // Made with its mode, which a file system may refuse to change later; but for what one group alone may read.
  const present = (before?.mode ?? 0) & READ_WRITE_BITS;
  const isOfAll = ((present >> 3) & 0o7) === (present & 0o7);
  const mode = options.mode ?? (isOfAll && before !== null ? present : PRIVATE_FILE);
  try {
    withOpen(
      temp,
      "wx",
      (fd) => {
        if (before === null) setMode(fd, options.mode ?? PRIVATE_FILE);
        else takeAfter(fd, { target, before, ...options });
        for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written);
        fsyncSync(fd);
      },
      mode,
    );
    options.beforeRename?.();
    replaceFile(temp, target);
  } catch (error) {
    // Where it was never made, or is gone already, there is nothing to remove.
    ignoreSystemError(() => unlinkSync(temp), undefined);
    if (error instanceof UserError) throw error;
    // On Linux, what is mounted on a single file.
    const isMounted = errorCode(error) === "EBUSY" && options.keepAttributes !== undefined;
    const words = t`cannot write ${path}: ${describe(error)}`;
    throw isMounted ? new Irreplaceable(words, { cause: error }) : refusedBy(error, words, dirname(target));
  }
  syncDirectory(dirname(target));
}

/**
 * Writes into a file that is there, which stays what it is in all else. A crash may leave a mix of old and new bytes: whoever
 * calls this has a copy. Throws what the system says.
 */
export function overwriteFile(path: string, bytes: Uint8Array): void {
  withOpen(path, "r+", (fd) => {
    for (let written = 0; written < bytes.length;)
      written += writeSync(fd, bytes, written, bytes.length - written, written);
    ftruncateSync(fd, bytes.length);
    fsyncSync(fd);
  });
}

/** Removes a file and makes the removal durable. A missing file is fine. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return;
    throw refusedBy(error, t`cannot remove ${path}: ${describe(error)}`, dirname(path));
  }
  syncDirectory(dirname(path));
}

/** The real file behind a path; a link that points to nothing yet is followed to where the file would be. */
export function resolveLink(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") {
      throw new UserError(t`cannot follow ${path}: ${describe(error)}`, { cause: error });
    }
    if (ignoreSystemError(() => lstatSync(path).isSymbolicLink(), false)) throw makeDangling(path);
    return path;
  }
}

/** An absolute path with all links followed, as far as it exists. Throws nothing for what is there. */
export function realPath(path: string): string {
  const full = resolve(path);
  try {
    return realpathSync(full);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    const parent = dirname(full);
    return parent === full ? full : join(realPath(parent), basename(full));
  }
}

/** The names in a directory, in no order. Empty where it cannot be listed. */
export function listNames(directory: string): string[] {
  return ignoreSystemError(() => readdirSync(directory), []);
}

/** What is at a path; null where nothing is, or nothing that may be looked at. */
export function lookAt(path: string): Stats | null {
  return ignoreSystemError(() => statSync(path), null);
}

/** A file or directory that others than its owner may use. Windows has no such modes. */
export function isOpenToOthers(path: string): boolean {
  const stats = process.platform === "win32" ? null : lookAt(path);
  return stats !== null && (stats.isFile() || stats.isDirectory()) && (stats.mode & 0o077) !== 0;
}

/** Bytes of a file; 0 for anything else. */
export function sizeOf(path: string): number {
  const stats = lookAt(path);
  return stats?.isFile() === true ? stats.size : 0;
}

/** A system error in a few words: "permission denied (EACCES)". */
export function describe(error: unknown): Text | string {
  const code = errorCode(error);
  const isHeld = process.platform === "win32" && code !== undefined && BUSY.has(code);
  const words = isHeld ? HELD_OPEN : code === undefined ? undefined : SYSTEM_ERRORS[code];
  return words === undefined ? (code ?? errorText(error)) : t`${words} (${code ?? ""})`;
}

/** What Windows has one code for: who may not, and a file that another program holds. */
const HELD_OPEN = t`not permitted, or another program may have it open`;
const SYSTEM_ERRORS: Readonly<Record<string, Text>> = {
  EACCES: t`permission denied`,
  EPERM: t`operation not permitted`,
  ENOENT: t`no such file or directory`,
  ENOTDIR: t`part of the path is not a directory`,
  EISDIR: t`it is a directory`,
  ENOSPC: t`no space left`,
  EDQUOT: t`disk quota reached`,
  EFBIG: t`the file would be larger than is allowed`,
  EROFS: t`the file system is read-only`,
  EIO: t`the disk reported an error`,
  ELOOP: t`too many links`,
  EXDEV: t`it is on another file system`,
  EBUSY: t`another program may have it open`,
};

/** Null for a path without a file. Throws UserError where that cannot be told. */
export function statOrNull(path: string): Stats | null {
  try {
    return statSync(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw refusedBy(error, t`cannot inspect ${path}: ${describe(error)}`, path);
  }
}

/** Gives a new file what the old one has but its bytes, or the mode that is asked for. */
function takeAfter(
  fd: number,
  {
    before,
    keepAttributes,
    mode,
    target,
  }: WriteOptions & { readonly target: string; readonly before: Stats },
): void {
  const { uid } = fstatSync(fd);
  const keepsBoth = changeOwner(fd, before);
  const keepsGroup = keepsBoth || (uid !== before.uid && changeOwner(fd, { uid, gid: before.gid }));
  setMode(fd, mode ?? (keepsGroup ? before.mode & ALL_BITS : withoutGroup(before.mode & ALL_BITS)));
  if (keepAttributes === undefined || process.platform === "win32") return;
  const isSame =
    (keepsBoth || uid === before.uid) &&
    withOpen(target, "r", (from) => keepAttributes(from, fd, { keepsGroup }));
  if (!isSame) throw new Irreplaceable(`${target} has an owner or attributes that cannot be copied`);
}

/** What was given to a group is not given to another, and what it was denied it does not get with all the rest. */
function withoutGroup(mode: number): number {
  const rest = mode & (mode >> 3) & OTHERS_BITS;
  return (mode & ~(GROUP_BITS | OTHERS_BITS)) | rest;
}

/** Of a file of ours. It was made private already, if the file system knows what that is. */
export function setMode(fd: number, mode: number): void {
  if ((fstatSync(fd).mode & ALL_BITS) === mode) return;
  try {
    fchmodSync(fd, mode);
  } catch (error) {
    if (!NO_MODES.has(errorCode(error) ?? "")) throw error;
  }
}

/** False where that is not permitted. */
function changeOwner(fd: number, { uid, gid }: Pick<Stats, "uid" | "gid">): boolean {
  const now = fstatSync(fd);
  if (process.platform === "win32" || (now.uid === uid && now.gid === gid)) return true;
  return ignoreSystemError(() => {
    fchownSync(fd, uid, gid);
    return true;
  }, false);
}

/** Windows refuses while a virus scanner or an editor has the target open, which is a matter of moments. */
function replaceFile(from: string, to: string): void {
  for (const waitMs of BUSY_WAITS_MS) {
    try {
      renameSync(from, to);
      return;
    } catch (error) {
      if (process.platform !== "win32" || !BUSY.has(errorCode(error) ?? "")) throw error;
      Bun.sleepSync(waitMs);
    }
  }
  renameSync(from, to);
}

function syncDirectory(path: string): void {
  try {
    withOpen(path, "r", fsyncSync);
  } catch (error) {
    if (!NO_DIRECTORY_SYNC.has(errorCode(error) ?? "")) {
      throw new UserError(t`cannot sync ${path}: ${describe(error)}`, { cause: error });
    }
  }
}

function withOpen<T>(
  path: string,
  flags: "r" | "r+" | "wx",
  work: (fd: number) => T,
  mode = PRIVATE_FILE,
): T {
  const fd = openSync(path, flags, mode);
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}
