// A bar for work that takes longer than a moment; nothing for shorter work.
import { makeBar } from "./bars.ts";
import type { Words } from "./words.ts";

export interface Progress {
  /** How much is done of how much. May be called often. */
  readonly tell: (done: number, total: number) => void;
  /** Takes the bar away. */
  readonly end: () => void;
}

const COLUMNS = 24;
const FIRST_AFTER_MS = 300;
const EVERY_MS = 100;

/** `what` is said before the bar. `now` is the wall clock, ms. */
export function createProgress(
  { passing }: Pick<Words, "passing">,
  what: string,
  now: () => number,
): Progress {
  let nextAt = now() + FIRST_AFTER_MS;
  let isSeen = false;
  return {
    tell(done, total) {
      if (total === 0 || now() < nextAt) return;
      nextAt = now() + EVERY_MS;
      isSeen = true;
      const share = done / total;
      passing(`${what}  ${makeBar(share, COLUMNS).padEnd(COLUMNS, "░")}  ${Math.floor(share * 100)} %`);
    },
    end() {
      if (isSeen) passing("");
    },
  };
}
