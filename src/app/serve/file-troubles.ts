// Tells the person in front of a running proxy that one of our files cannot be used any more: requests go on by its last
// good version, so nothing else would show it.
import type { UserError } from "../../base/errors.ts";
import { t } from "../../base/language.ts";

export interface FileTroublesOptions {
  readonly configProblem: () => UserError | null;
  readonly filterProblem: () => UserError | null;
  /** Told once of each problem, and again of one that comes back. */
  readonly onTrouble: (words: string) => void;
}

/** Gives the function that looks. */
export function createFileTroubles({
  configProblem,
  filterProblem,
  onTrouble,
}: FileTroublesOptions): () => void {
  let told: readonly string[] = [];
  return () => {
    const config = configProblem()?.message;
    const filter = filterProblem()?.message;
    const troubles = [
      ...(config === undefined ? [] : [t`${config}; its last good version stays in force`]),
      ...(filter === undefined ? [] : [t`${filter}; see: ch filter check`]),
    ];
    for (const words of troubles) if (!told.includes(words)) onTrouble(words);
    told = troubles;
  };
}
