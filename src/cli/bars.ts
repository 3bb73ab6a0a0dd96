// Figures as pictures that fit into a line of a terminal: bars, sparklines, and the bar of work that takes a while.
// Pure.
import type { Words } from "./words.ts";

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const LEVELS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** A bar of so many columns at the most for a share of 0 to 1; anything above nothing is seen. */
export function makeBar(share: number, columns: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * columns * 8);
  const seen = share > 0 ? Math.max(1, eighths) : 0;
  return "█".repeat(seen >> 3) + (EIGHTHS[seen & 7] ?? "");
}

/** One column for each figure, the greatest the highest; a blank where there is nothing. */
export function makeSparkline(figures: readonly number[]): string {
  const greatest = figures.reduce((most, figure) => (figure > most ? figure : most), 0);
  return figures
    .map((figure) => {
      if (!(figure > 0)) return " ";
      return LEVELS[Math.max(0, Math.ceil((figure / greatest) * LEVELS.length) - 1)] ?? "█";
    })
    .join("");
}

const PROGRESS_COLUMNS = 24;
const FIRST_AFTER_MS = 300;
const EVERY_MS = 100;

/** A bar for work that takes longer than a moment, with `what` before it. `now` is the wall clock, ms. */
export function createProgress({ passing }: Pick<Words, "passing">, what: string, now: () => number) {
  let nextAt = now() + FIRST_AFTER_MS;
  let isSeen = false;
  return {
    /** How much is done of how much. May be called often. */
    tell: (done: number, total: number): void => {
      if (total === 0 || now() < nextAt) return;
      nextAt = now() + EVERY_MS;
      isSeen = true;
      const share = done / total;
      passing(
        `${what}  ${makeBar(share, PROGRESS_COLUMNS).padEnd(PROGRESS_COLUMNS, "░")}  ${Math.floor(share * 100)} %`,
      );
    },
    /** Takes the bar away. */
    end: (): void => {
      if (isSeen) passing("");
    },
  };
}
