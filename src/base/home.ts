// Who may write to our own directories, and whether we can. What others may change could send every key elsewhere, so that such
// a home is refused; modes are never changed here.
import { accessSync, closeSync, constants, existsSync, fstatSync, openSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { UserError, errorCode } from "./errors.ts";
import { PRIVATE_FILE, describe, ensurePrivateDirectory, lookAt } from "./files.ts";
import { makeTempPath } from "./leftovers.ts";
import type { Paths } from "./paths.ts";
import { inShell, quoteWord } from "./shell.ts";
import { type Text, joinTexts, t } from "./text.ts";

type OwnDirectories = Pick<Paths, "home" | "run" | "backups" | "logs">;

const OTHERS_WRITE = 0o022;
const OTHERS = 0o077;

/** Throws UserError, with what to type, for a home that is another user's, or that others may write to. */
export function refuseUnsafeHome(paths: OwnDirectories): void {
  for (const { hint, path, words } of findUnsafe(paths))
    if (process.getuid?.() !== 0 && hasModes(path)) throw new UserError(words, { hint });
}

/** What is only told: to root, whom nobody can keep from anything, and on a file system that has no modes. */
export function describeUnsafeHome(paths: OwnDirectories): Text | null {
  const [first] = findUnsafe(paths);
  return first !== undefined && !isReadOnly(first.path) ? first.words : null;
}

/** Why nothing can be written to the home, or to the nearest directory above it where it does not exist yet. */
export function findHomeProblem(home: string): Text | string | null {
  try {
    const nearest = findExisting(home);
    if (lookAt(nearest)?.isDirectory() !== true) return t`it is not a directory`;
    accessSync(nearest, constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    return describe(error);
  }
}

/** Makes the home where it is missing. Why nothing can be written to it, or null. */
export function prepareHome(home: string): Text | string | null {
  try {
    ensurePrivateDirectory(home);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
  return findHomeProblem(home);
}

/** The path itself, or the nearest directory above it. */
export function findExisting(path: string): string {
  const above = dirname(path);
  return existsSync(path) || above === path ? path : findExisting(above);
}

const orAnother = (): Text => t`or choose another: ${inShell().set("CODEX_HELPER_HOME", "...")}`;

interface Unsafe {
  readonly path: string;
  readonly words: Text;
  readonly hint: Text | string;
}

function findUnsafe({ backups, home, logs, run }: OwnDirectories): readonly Unsafe[] {
  if (process.platform === "win32") return [];
  const uid = process.getuid?.();
  return [home, run, logs, backups].flatMap((path): Unsafe[] => {
    const stats = lookAt(path);
    if (stats?.isDirectory() !== true) return [];
    // Root may change everything anyway.
    if (stats.uid !== uid && stats.uid !== 0) return [describeOwner(path)];
    if ((stats.mode & OTHERS_WRITE) === 0) return [];
    const hint = joinTexts([`chmod 700 ${quoteWord(path)}`, orAnother()], "\n");
    return [{ path, words: t`other users may write to ${path}`, hint }];
  });
}

function describeOwner(path: string): Unsafe {
  const lines = [`sudo chown -R "$(id -un)" ${quoteWord(path)}`, orAnother()];
  return { path, words: t`${path} belongs to another user`, hint: joinTexts(lines, "\n") };
}

/** Whether a new file there gets the owner and the mode that it should have. A read-only one is nobody's to write. */
export function hasModes(directory: string): boolean {
  const probe = makeTempPath(join(directory, "probe"));
  try {
    const fd = openSync(probe, "wx", PRIVATE_FILE);
    const { mode, uid } = fstatSync(fd);
    closeSync(fd);
    unlinkSync(probe);
    return (mode & OTHERS) === 0 && uid === process.getuid?.();
  } catch (error) {
    return errorCode(error) !== "EROFS";
  }
}

function isReadOnly(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return false;
  } catch (error) {
    return errorCode(error) === "EROFS";
  }
}
