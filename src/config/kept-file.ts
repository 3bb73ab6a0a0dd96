// A file of the user's that may change while we run: what was good stays in force until there is another good one, while it
// is saved (empty, half), broken, or removed.
import { UserError } from "../base/errors.ts";
import { MAX_OWN_FILE_BYTES } from "../base/files.ts";
import { t } from "../base/text.ts";
import { createWatchedFile } from "../base/watched-file.ts";
import { refuseEmpty } from "./jsonc.ts";

export interface Kept<T> {
  /** In force; null where there has been none. */
  readonly value: T | null;
  /** Why the current file is not; null where it is, and where there never was one. */
  readonly problem: UserError | null;
}

export type KeptFile<T> = ReturnType<typeof createKeptFile<T>>;

export interface KeptFileOptions<T> {
  readonly path: string;
  /** Throws UserError. */
  readonly parse: (text: string, path: string) => T;
  /** Wall clock, ms. */
  readonly now: () => number;
}

export function createKeptFile<T>({ now, parse, path }: KeptFileOptions<T>) {
  let last: T | null = null;
  const file = createWatchedFile({
    path,
    maxBytes: MAX_OWN_FILE_BYTES,
    parse(text) {
      if (last !== null) refuseEmpty(text, path);
      return (last = parse(text, path));
    },
    now,
  });
  return {
    /** Costs one stat while nothing changes. */
    current(): Kept<T> {
      const watched = file.current();
      if (watched.kind === "ok") return { value: watched.value, problem: null };
      if (watched.kind === "broken") return { value: last, problem: watched.problem };
      if (last === null) return { value: null, problem: null };
      const removed = t`${path} was removed`;
      return { value: last, problem: new UserError(t`${removed}; the last valid version stays in use`) };
    },
  };
}
