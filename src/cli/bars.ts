// Figures as pictures that fit into a line of a terminal.
// Pure.

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
