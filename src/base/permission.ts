// What to type where a path cannot be used: a `sudo` of an earlier day leaves files of root in a person's home, a backup or a copy
// leaves odd modes. Only looks.
import { accessSync, constants, statSync, type Stats } from "node:fs";
import { dirname, resolve } from "node:path";
import { UserError, errorCode, ignoreSystemError } from "./errors.ts";
import { inShell, quoteWord } from "./shell.ts";
import { type Text, t } from "./text.ts";

const { R_OK, W_OK, X_OK } = constants;

/** Refused by the modes of a path, or by whose it is. */
export function isOfPermission(error: unknown): boolean {
  const code = errorCode(error);
  return code === "EACCES" || code === "EPERM";
}

/** The system's error as one for a person. `path` is what it refused, as it was named. */
export function refusedBy(cause: unknown, words: Text, path: string): UserError {
  return new UserError(words, { hint: findRemedy(path, cause), cause });
}

export function makeDangling(path: string): UserError {
  return new UserError(t`${path} is a link to a file that does not exist`, {
    hint: t`make that file, or remove the link: ${inShell().remove([path])}`,
  });
}

/** Undefined where the modes do not tell, or the file is of somebody else's directory. */
export function findRemedy(path: string, error: unknown): string | undefined {
  const me = process.getuid?.();
  if (me === undefined || !isOfPermission(error)) return undefined;
  const culprit = findCulprit(resolve(path));
  if (culprit === null) return undefined;
  const { missing, stats } = culprit;
  const word = quoteWord(culprit.path);
  if (stats.uid === me) return `chmod u+${missing} ${word}`;
  const isInOurs = ignoreSystemError(() => statSync(dirname(culprit.path)).uid, undefined) === me;
  const whole = stats.isDirectory() ? "-R " : "";
  return isInOurs ? `sudo chown ${whole}"$(id -un)" ${word}` : undefined;
}

interface Culprit {
  readonly path: string;
  readonly stats: Stats;
  /** As chmod names them. */
  readonly missing: string;
}

const BITS = { r: R_OK, w: W_OK, x: X_OK };

/** The first on the way that may not be entered, or the last, which may not be read and written. */
function findCulprit(path: string): Culprit | null {
  const above = dirname(path);
  const outer = above === path ? null : findCulprit(above);
  if (outer !== null && !isAllowed(above, X_OK)) return outer;
  const stats = ignoreSystemError(() => statSync(path), null);
  // What is not there yet is made in the directory above it.
  if (stats === null) return outer;
  const wanted = stats.isDirectory() ? (["r", "w", "x"] as const) : (["r", "w"] as const);
  const missing = wanted.filter((bit) => !isAllowed(path, BITS[bit])).join("");
  return missing === "" ? null : { path, stats, missing };
}

function isAllowed(path: string, mode: number): boolean {
  return ignoreSystemError(() => {
    accessSync(path, mode);
    return true;
  }, false);
}
