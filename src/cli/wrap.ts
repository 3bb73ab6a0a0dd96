// Breaks text into lines of a width that is counted as a terminal counts it: a Chinese character takes two columns.

/** At blanks where there are some; within a word that is too long for a line, or has no blanks to break at. */
export function wrapWords(text: string, width: number): string[] {
  return Bun.wrapAnsi(text, width, { hard: true }).split("\n");
}
