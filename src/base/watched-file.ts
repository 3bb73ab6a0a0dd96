// One file that may change at any time, as the value it holds: a cheap look before each use, read and parsed again only
// on change. What no longer parses is reported together with the last value that did.
// Writes nothing and never throws for what the file holds.
import { type Stats, lstatSync, readFileSync, statSync } from "node:fs";
import { decodeText } from "./bytes.ts";
import { UserError, errorCode } from "./errors.ts";
import { describe, problemOf } from "./files.ts";
import { refusedBy } from "./permission.ts";
import { t } from "./text.ts";

export type Watched<T> =
  /** `isDanglingLink`: there is a link, whose target is missing. */
  | { readonly kind: "missing"; readonly isDanglingLink?: boolean }
  | { readonly kind: "ok"; readonly value: T }
  /**
   * `last` is the latest good value; null if there has been none since the file appeared. `isUnreachable`: whether there
   * is a file cannot be told, because of a directory on the way to it.
   */
  | {
      readonly kind: "broken";
      readonly problem: UserError;
      readonly last: T | null;
      readonly isUnreachable?: boolean;
    };

export interface WatchedFile<T> {
  /** The state right now; the same object until the content changes. Costs one stat while nothing changes. */
  readonly current: () => Watched<T>;
}

export interface WatchedFileOptions<T> {
  readonly path: string;
  /** A longer file is broken, and is not read. */
  readonly maxBytes: number;
  /** Throws UserError for a text that holds no value. The text comes without a BOM. */
  readonly parse: (text: string) => T;
  /** Wall clock, ms. */
  readonly now: () => number;
}

/**
 * Timestamps of a file system may be as coarse as this: a file that changed less than this before it was read can have
 * changed again without a trace, and is read and compared each time until it has come to rest.
 */
const COARSEST_TIMESTAMP_MS = 2000;

export function createWatchedFile<T>(options: WatchedFileOptions<T>): WatchedFile<T> {
  const { path, now } = options;
  let state: Watched<T> = { kind: "missing" };
  let stamp: string | null = null;
  let bytes: Buffer | null = null;
  let isAtRest = false;

  const fail = (problem: UserError, isUnreachable = false): void => {
    bytes = null;
    const isSame =
      state.kind === "broken" &&
      state.problem.message === problem.message &&
      (state.isUnreachable === true) === isUnreachable;
    if (isSame) return;
    state = {
      kind: "broken",
      problem,
      last: lastValue(state),
      ...(isUnreachable ? { isUnreachable } : {}),
    };
  };

  const load = (stats: Stats): void => {
    const problem = problemOf(stats, options);
    if (problem !== null) return fail(problem);
    const read = readFileSync(path);
    if (bytes !== null && read.equals(bytes)) return;
    try {
      state = { kind: "ok", value: options.parse(decodeText(read, path)) };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      fail(error);
    }
    bytes = read;
  };

  /** One system call as long as there is a file, or nothing at all. */
  const find = (): Stats | "nothing" | "dangling link" => {
    const isKnownMissing = state.kind === "missing" && state.isDanglingLink !== true;
    if (isKnownMissing && lstatSync(path, { throwIfNoEntry: false }) === undefined) return "nothing";
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined) return stats;
    return lstatSync(path, { throwIfNoEntry: false }) === undefined ? "nothing" : "dangling link";
  };

  const take = (stats: ReturnType<typeof find>): void => {
    if (typeof stats === "string") {
      const isDanglingLink = stats === "dangling link";
      if (state.kind !== "missing" || (state.isDanglingLink === true) !== isDanglingLink)
        state = isDanglingLink ? { kind: "missing", isDanglingLink } : { kind: "missing" };
      stamp = null;
      bytes = null;
      return;
    }
    const seen = `${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`;
    if (seen === stamp && isAtRest) return;
    load(stats);
    stamp = seen;
    isAtRest = now() - Math.max(stats.mtimeMs, stats.ctimeMs) > COARSEST_TIMESTAMP_MS;
  };

  const current = (): Watched<T> => {
    let stats: ReturnType<typeof find> | null = null;
    try {
      stats = find();
      take(stats);
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      stamp = null;
      fail(refusedBy(error, t`cannot read ${path}: ${describe(error)}`, path), stats === null);
    }
    return state;
  };
  return { current };
}

function lastValue<T>(state: Watched<T>): T | null {
  if (state.kind === "ok") return state.value;
  return state.kind === "broken" ? state.last : null;
}
