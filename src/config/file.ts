// Reads config.json, once or as it changes, and changes it: one process at a time, whole or not at all, with backups of the
// last versions. Never overwrites a file that it cannot read.
import { chmodSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { UserError, errorCode } from "../base/errors.ts";
import { decodeText } from "../base/bytes.ts";
import {
  MAX_OWN_FILE_BYTES,
  PRIVATE_FILE,
  describe,
  ensurePrivateDirectory,
  readBytes,
  readText,
  removeFile,
  writeFileAtomic,
} from "../base/files.ts";
import { removeLeftovers } from "../base/leftovers.ts";
import { withLock } from "../base/lock.ts";
import type { Paths } from "../base/paths.ts";
import { type Text, t } from "../base/text.ts";
import { type Watched, createWatchedFile } from "../base/watched-file.ts";
import type { Plan } from "./edit.ts";
import { refuseEmpty } from "./jsonc.ts";
import { type ParsedConfig, keepUsable, makeEmptyConfig, parseConfig } from "./parse.ts";

export type ConfigPaths = Pick<Paths, "home" | "config" | "backups" | "run">;

const KEPT_VERSIONS = 5;

/** What the file says; an empty config where there is none. Throws UserError with the place of a mistake. */
export async function loadConfig(path: string): Promise<ParsedConfig> {
  const text = await readText(path, MAX_OWN_FILE_BYTES);
  return text === null ? makeEmptyConfig() : parseConfig(text, path);
}

/**
 * Applies a plan to the file, under a lock against other processes.
 * `now` is the wall clock, ms. Throws UserError and leaves the file as it is when the plan or the file refuses.
 */
export async function updateConfig(paths: ConfigPaths, plan: Plan, now: () => number): Promise<void> {
  const { editConfig } = await import("./edit.ts");
  await updateConfigText(paths, (text) => editConfig(text, paths.config, plan), now);
}

/** The same for an edit of its text, which is "" where there is no file. */
export async function updateConfigText(
  paths: ConfigPaths,
  edit: (text: string) => string,
  now: () => number,
): Promise<void> {
  await withLock(join(paths.run, "config.lock"), async () => {
    const bytes = await readBytes(paths.config, MAX_OWN_FILE_BYTES);
    const text = bytes === null ? "" : decodeText(bytes, paths.config, { keepsBom: true });
    const result = edit(text);
    if (result === text) return;
    ensurePrivateDirectory(paths.home);
    // Each version has a name of its own, which no later write has.
    removeLeftovers(paths.backups, { isLocked: true });
    if (bytes !== null) keepVersion(paths.backups, bytes, now());
    const present = await readBytes(paths.config, MAX_OWN_FILE_BYTES);
    if (Buffer.compare(present ?? NOTHING, bytes ?? NOTHING) !== 0) {
      throw new UserError(t`another program has just changed ${paths.config}; try again`);
    }
    writeFileAtomic(paths.config, result, { mode: PRIVATE_FILE, isLocked: true });
  });
}

const NOTHING = new Uint8Array(0);

/** Adds a version to the backups, and removes the oldest beyond their number. */
export function keepVersion(directory: string, bytes: Uint8Array, now: number): void {
  keepVersionOf(directory, bytes, { now, file: "config.json" });
}

/** Likewise, for another of our files. */
export function keepVersionOf(
  directory: string,
  bytes: Uint8Array,
  { file, now }: { readonly file: string; readonly now: number },
): void {
  ensurePrivateDirectory(directory);
  const versions = readdirSync(directory)
    .filter((name) => name.startsWith(`${file}.`) && /^\d+$/.test(name.slice(file.length + 1)))
    .toSorted();
  const latest = Number(versions.at(-1)?.slice(file.length + 1) ?? 0);
  // The time in ms has 13 digits until the year 2286, so that the names sort.
  const name = `${file}.${Math.max(now, latest + 1)}`;
  writeFileAtomic(join(directory, name), bytes, { mode: PRIVATE_FILE, isLocked: true });
  for (const old of versions.slice(0, Math.max(0, versions.length + 1 - KEPT_VERSIONS))) {
    removeFile(join(directory, old));
  }
}

export interface ConfigState {
  /** What is in force. */
  readonly config: ParsedConfig;
  /** Why the current file is not; null when it is. */
  readonly problem: UserError | null;
  /** A good version has been read, or there never was a file. False: `config` is empty because there has been none. */
  readonly isKnown: boolean;
}

export type ConfigStore = ReturnType<typeof createConfigStore>;

/** A check costs 2 us (6 us in the first 2 s after a change): too much for each of many requests a second. */
const CHECK_EVERY_MS = 100;
const EDIT = "ch config edit";

/**
 * A version that was good stays in force until there is another good one: while the file is saved (empty, half), broken
 * or removed. `now` is the wall clock, ms.
 */
export function createConfigStore(path: string, now: () => number) {
  let lastGood: ParsedConfig | null = null;
  const file = createWatchedFile({
    path,
    maxBytes: MAX_OWN_FILE_BYTES,
    parse(text) {
      if (lastGood !== null) refuseEmpty(text, path, EDIT);
      const parsed = keepUsable(parseConfig(text, path), lastGood);
      const warning = tightenMode(path);
      lastGood = warning === null ? parsed : { ...parsed, warnings: [...parsed.warnings, warning] };
      return lastGood;
    },
    now,
  });
  const missing: ConfigState = { config: makeEmptyConfig(), problem: null, isKnown: true };
  let seen: Watched<ParsedConfig> | null = null;
  let state = missing;
  let checkedAt = Number.NEGATIVE_INFINITY;

  const stateOf = (watched: Watched<ParsedConfig>): ConfigState => {
    if (watched.kind === "ok") return { config: watched.value, problem: null, isKnown: true };
    if (watched.kind === "missing") {
      if (lastGood === null) return missing;
      const problem = new UserError(t`${path} was removed`, { hint: EDIT });
      return { config: lastGood, problem, isKnown: true };
    }
    const { problem } = watched;
    return { config: lastGood ?? missing.config, problem, isKnown: lastGood !== null };
  };
  /** The same object until the file changes, which is checked at most ten times a second. */
  const current = (): ConfigState => {
    const time = now();
    if (Math.abs(time - checkedAt) < CHECK_EVERY_MS) return state;
    checkedAt = time;
    const watched = file.current();
    if (watched === seen) return state;
    seen = watched;
    state = stateOf(watched);
    return state;
  };
  return {
    current,
    /** The same, looked at now: for what was asked because the file has just been changed. */
    refresh: (): ConfigState => {
      checkedAt = Number.NEGATIVE_INFINITY;
      return current();
    },
  };
}

/** That a file system has no modes concerns all of our files: whoever says so of all leaves it out for this one. */
export function isAboutModes({ text }: Text): boolean {
  return text === withoutModes("").text;
}

function withoutModes(path: string): Text {
  return t`other users can read ${path}: its file system has no permissions`;
}

/** The file holds keys: only its owner may read it. The warning says that this was fixed, or could not be. */
function tightenMode(path: string): Text | null {
  try {
    const { mode, uid } = statSync(path);
    const me = process.getuid?.();
    if (me !== undefined && uid !== me && me !== 0) return t`${path} belongs to another user`;
    if (process.platform === "win32" || (mode & 0o077) === 0) return null;
    chmodSync(path, PRIVATE_FILE);
    if ((statSync(path).mode & 0o077) !== 0) return withoutModes(path);
    return t`other users could read ${path}; it is private now`;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return t`other users can read ${path}, and its permissions cannot be changed: ${describe(error)}`;
  }
}
