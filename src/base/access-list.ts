// Keeps others out of the directories that we make on Windows, where a mode says nothing: an access list does. Groups have names
// in the system's language there, so that each is meant by its SID. Called once for a directory, when it is made.
import { existsSync, realpathSync } from "node:fs";
import { dirname, resolve, win32 } from "node:path";
import { ignoreSystemError } from "./errors.ts";
import { writeProtection } from "./icacls.ts";
import { startOf } from "./start.ts";
import { type Text, t } from "./text.ts";

/** What a program of the system said; an exit code of null where it could not be started, or did not end in time. */
export type RunTool = (words: readonly string[]) => {
  readonly exitCode: number | null;
  readonly stdout: string;
};

const TOOL_TIMEOUT_MS = 5_000;

/** Like the shell one for the process: where Windows and the person's profile are, and who is told of a directory that could not be protected. */
interface Settings {
  readonly root: string | undefined;
  readonly profile: string;
  readonly tell: (words: Text) => void;
}

let settings: Settings = { root: undefined, profile: "", tell: () => {} };

export function useAccessLists(given: Settings): void {
  settings = given;
}

/** The outermost directory that is still to be made; null for none. */
export function findMissing(path: string): string | null {
  const full = resolve(path);
  return existsSync(full) || dirname(full) === full ? null : (findMissing(dirname(full)) ?? full);
}

/**
 * For a directory that was just made. What really lies below the profile inherits what that grants: full access to its person, SYSTEM and Administrators, and nothing to others.
 * Where a profile was opened to more, `ch doctor` says so: it reads the list itself.
 */
export function protectMade(directory: string, run: RunTool = runTool): void {
  if (isBelowProfile(followLinks(directory), followLinks(settings.profile))) return;
  const person = readPerson(run);
  const words = person === null ? null : writeProtection(directory, person);
  if (words !== null && run([findTool("icacls"), ...words]).exitCode === 0) return;
  settings.tell(
    t`the access list of ${directory} could not be set: others may be able to read what is in it (see: ch doctor)`,
  );
}

function followLinks(path: string): string {
  // No path would be the current directory.
  return path === "" ? "" : ignoreSystemError(() => realpathSync(path), path);
}

export function isBelowProfile(directory: string, profile: string): boolean {
  // A profile that is a whole drive, or none, protects nothing.
  if (!win32.isAbsolute(profile) || win32.parse(profile).root === win32.normalize(profile)) return false;
  const way = win32.relative(profile, directory);
  return way !== "" && way.split("\\")[0] !== ".." && !win32.isAbsolute(way);
}

/** The SID of whoever runs this; null where the system does not tell. */
export function readPerson(run: RunTool = runTool): string | null {
  const { exitCode, stdout } = run([findTool("whoami"), "/user", "/fo", "csv", "/nh"]);
  return exitCode === 0 ? (/"(S-1-\d+(?:-\d+)+)"\s*$/.exec(stdout)?.[1] ?? null) : null;
}

/** Git for Windows has a whoami of its own on PATH. */
export function findTool(name: "icacls" | "whoami"): string {
  return win32.join(settings.root ?? "C:\\Windows", "System32", `${name}.exe`);
}

export function runTool(words: readonly string[]): ReturnType<RunTool> {
  try {
    const { exitCode, stdout } = Bun.spawnSync({
      ...startOf(words),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
      timeout: TOOL_TIMEOUT_MS,
      windowsHide: true,
    });
    return { exitCode, stdout: stdout.toString() };
  } catch {
    return { exitCode: null, stdout: "" };
  }
}
