// Keeps the rules of filter.json current while the file changes, and says what is in force when it is broken.
// Never falls back to "no rules": a file that was never good refuses every request.
import type { UserError } from "../base/errors.ts";
import { createWatchedFile } from "../base/watched-file.ts";
import { NO_RULES, type RuleSet, parseRules } from "./rules.ts";

export type FilterState =
  /** No file. */
  | { readonly kind: "none"; readonly rules: RuleSet }
  | { readonly kind: "ok"; readonly rules: RuleSet }
  /** The last good rules stay in force; `problem` is for every surface to show. */
  | { readonly kind: "broken-with-last-good"; readonly rules: RuleSet; readonly problem: UserError }
  /** Requests must be refused: `problem` names the file and the place. */
  | { readonly kind: "broken-never-loaded"; readonly problem: UserError };

export interface FilterStore {
  /** What holds for a request that starts now. */
  readonly current: () => FilterState;
}

const MAX_FILE_BYTES = 2 ** 20;
/** Some editors move the old file away before they write the new one: for so long its rules stay in force. */
const MISSING_GRACE_MS = 2000;

/** `now` is the wall clock, ms. */
export function createFilterStore(path: string, now: () => number): FilterStore {
  const file = createWatchedFile({
    path,
    maxBytes: MAX_FILE_BYTES,
    parse: (text) => parseRules(text, path),
    now,
  });
  let last: FilterState = { kind: "none", rules: NO_RULES };
  let missingSince: number | null = null;

  const current = (): FilterState => {
    const watched = file.current();
    if (watched.kind === "missing") {
      missingSince ??= now();
      const isGone = last.kind === "none" || Math.abs(now() - missingSince) > MISSING_GRACE_MS;
      if (isGone) last = { kind: "none", rules: NO_RULES };
      return last;
    }
    missingSince = null;
    last = watched.kind === "ok" ? { kind: "ok", rules: watched.value } : broken(watched.problem, last);
    return last;
  };
  return { current };
}

/** The rules in force until now stay; "no rules" is not something to fall back to. */
function broken(problem: UserError, last: FilterState): FilterState {
  return last.kind === "ok" || last.kind === "broken-with-last-good"
    ? { kind: "broken-with-last-good", rules: last.rules, problem }
    : { kind: "broken-never-loaded", problem };
}
