// config.json as it stands right now: taken anew when the file changes, with what last could be used in force while it is
// broken. Tightens the file's mode; writes nothing else.
import { chmodSync, statSync } from "node:fs";
import { UserError, errorCode } from "../base/errors.ts";
import { PRIVATE_FILE, describe } from "../base/files.ts";
import { createWatchedFile } from "../base/watched-file.ts";
import { t } from "../base/language.ts";
import { type ParsedConfig, keepUsable, makeEmptyConfig, parseConfig } from "./parse.ts";

export interface ConfigState {
  /** What is in force. */
  readonly config: ParsedConfig;
  /** Why the file as it stands is not; null when it is. */
  readonly problem: UserError | null;
  /** A good version has been read, or there is no file. False: `config` is empty for want of a better one. */
  readonly isKnown: boolean;
}

export interface ConfigStore {
  /** The same object until the file changes, which is looked for at most ten times a second. */
  readonly current: () => ConfigState;
}

const MAX_FILE_BYTES = 2 ** 20;
/** A look costs 2 us (6 us in the first 2 s after a change): too much to be spent on each of many requests a second. */
const LOOK_EVERY_MS = 100;

/** `now` is the wall clock, ms. */
export function createConfigStore(path: string, now: () => number): ConfigStore {
  let lastGood: ParsedConfig | null = null;
  const file = createWatchedFile({
    path,
    maxBytes: MAX_FILE_BYTES,
    parse(text) {
      const parsed = keepUsable(parseConfig(text, path), lastGood);
      const warning = tightenMode(path);
      lastGood = warning === null ? parsed : { ...parsed, warnings: [...parsed.warnings, warning] };
      return lastGood;
    },
    now,
  });
  const missing: ConfigState = { config: makeEmptyConfig(), problem: null, isKnown: true };
  let seen: ReturnType<typeof file.current> | null = null;
  let state = missing;
  let lookedAt = Number.NEGATIVE_INFINITY;

  const current = (): ConfigState => {
    const time = now();
    if (Math.abs(time - lookedAt) < LOOK_EVERY_MS) return state;
    lookedAt = time;
    const watched = file.current();
    if (watched === seen) return state;
    seen = watched;
    if (watched.kind === "missing") {
      lastGood = null;
      state = missing;
    } else if (watched.kind === "ok") {
      state = { config: watched.value, problem: null, isKnown: true };
    } else {
      const { last, problem } = watched;
      state = { config: last ?? missing.config, problem, isKnown: last !== null };
    }
    return state;
  };
  return { current };
}

/** Keys are in this file: nobody else may read it. Says so when that had to be mended, or could not be. */
function tightenMode(path: string): string | null {
  try {
    const { mode, uid } = statSync(path);
    const me = process.getuid?.();
    if (me !== undefined && uid !== me && me !== 0) return t`${path} belongs to another user`;
    if (process.platform === "win32" || (mode & 0o077) === 0) return null;
    chmodSync(path, PRIVATE_FILE);
    return t`other users could read ${path}; now only you can`;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return t`other users can read ${path}, and that cannot be changed: ${describe(error)}`;
  }
}
