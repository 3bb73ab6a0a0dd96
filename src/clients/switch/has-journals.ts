// Whether any switch is noted at all. A start asks this first: what a switch needs is loaded only where there is one.
import { readdirSync } from "node:fs";
import { errorCode } from "../../base/errors.ts";
import type { Paths } from "../../base/paths.ts";

/** Begins the name of every journal in paths.run. */
export const JOURNAL_PREFIX = "switch-";

/** Also true where nobody can tell: whoever reads the journals then says why. */
export function hasJournals({ run }: Pick<Paths, "run">): boolean {
  try {
    return readdirSync(run).some((name) => name.startsWith(JOURNAL_PREFIX));
  } catch (error) {
    return errorCode(error) !== "ENOENT";
  }
}
