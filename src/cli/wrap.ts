// Breaks text into lines of a width that is counted as a terminal counts it: a Chinese character takes two columns.
import type { Data } from "./output.ts";

/** At blanks where there are some; within a word that is too long for a line, or has no blanks to break at. */
export function wrapWords(text: string, width: number): string[] {
  return Bun.wrapAnsi(text, width, { hard: true }).split("\n");
}

/**
 * A line of fields that stand two or more blanks apart: broken between them, and within one only where it is longer
 * than a line. All lines but the first are indented by two.
 */
export function wrapFields(line: string, width: number): string[] {
  const lines: string[] = [];
  let present = "";
  for (const part of line.split(/(?<=\S)(?= {2,}\S)/)) {
    if (present === "") present = part;
    else if (Bun.stringWidth(present + part) <= width) present += part;
    else {
      lines.push(present);
      present = `  ${part.trimStart()}`;
    }
    if (Bun.stringWidth(present) <= width) continue;
    const [first = "", ...others] = wrapWords(present.trimStart(), width - 2);
    const indent = lines.length === 0 ? "" : "  ";
    const all = [`${indent}${first}`, ...others.map((other) => `  ${other}`)];
    present = all.pop() ?? "";
    lines.push(...all);
  }
  return [...lines, present];
}

/** As `wrapFields`, on a terminal alone: elsewhere a line stays one. */
export function fitFields(line: string, { width, isTerminal }: Pick<Data, "width" | "isTerminal">): string {
  return isTerminal ? wrapFields(line, width).join("\n") : line;
}
