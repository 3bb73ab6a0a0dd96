// Fits text into the width of a terminal, counted as a terminal counts it (a Chinese character takes two columns): breaks
// lines, cuts them, aligns the columns of a table and chooses those that there is room for.

/** Where Chinese without blanks may break: beside each character, but neither before a mark that closes nor after one that opens. */
const CHINESE_BREAK =
  /(?<=[\p{Script=Han}，。：；、）”？！])(?![，。：；、）”？！ ])|(?<![（“])(?=[\p{Script=Han}（“])/u;

/** At blanks where there are some, else beside a Chinese character; within a word only where it is longer than a line. */
export function wrapWords(text: string, width: number): string[] {
  if (!/\p{Script=Han}/u.test(text)) return Bun.wrapAnsi(text, width, { hard: true }).split("\n");
  return text.split("\n").flatMap((line) => {
    const lines: string[] = [];
    let present = "";
    const parts = line
      .split(/(?<= )/)
      .flatMap((part) => (Bun.stringWidth(part.trimEnd()) <= width ? [part] : part.split(CHINESE_BREAK)));
    for (const part of parts) {
      if (Bun.stringWidth(present + part.trimEnd()) <= width) {
        present += part;
        continue;
      }
      if (present.trim() !== "") lines.push(present.trimEnd());
      const whole = Bun.wrapAnsi(part, width, { hard: true }).split("\n");
      present = whole.pop() ?? "";
      // `wrapAnsi` leaves out the blank at the end, which stays between two words.
      if (part.endsWith(" ") && !present.endsWith(" ")) present += " ";
      lines.push(...whole);
    }
    return [...lines, present.trimEnd()];
  });
}

/** What is indented stays so in all its lines. */
export function wrapIndented(line: string, width: number): string[] {
  const indent = " ".repeat(line.length - line.trimStart().length);
  return wrapWords(line.trimStart(), width - indent.length).map((one) => indent + one);
}

/**
 * A line of fields that are two or more blanks apart: broken between them, and within one only where it is longer
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

/** Where it is shown. */
interface Place {
  readonly width: number;
  readonly isTerminal: boolean;
}

/** As `wrapFields`, on a terminal alone: elsewhere a line stays one. */
export function fitFields(line: string, { width, isTerminal }: Place): string {
  return isTerminal ? wrapFields(line, width).join("\n") : line;
}

export interface Column {
  readonly heading: string;
  readonly cells: readonly string[];
  /** The greatest rank is left out first; 0 never. */
  readonly rank: number;
  /** Figures are aligned at their last digit. */
  readonly isFigure?: boolean;
}

const GAP = 2;

/** For a terminal of `width` columns; where it is unlimited, all fit. */
export function fitColumns(columns: readonly Column[], width: number) {
  const measured: MeasuredColumn[] = columns.map((column) => ({ ...column, width: widthOf(column) }));
  const kept = [...measured];
  while (sumOf(kept) > width) {
    const last = kept.reduce((worst, column) => (column.rank > worst.rank ? column : worst));
    if (last.rank === 0) break;
    kept.splice(kept.indexOf(last), 1);
  }
  const count = columns[0]?.cells.length ?? 0;
  return {
    headings: kept.map((column) => pad(column, column.heading)),
    rows: Array.from({ length: count }, (_, row) =>
      kept.map((column) => pad(column, column.cells[row] ?? "")),
    ),
    /** Headings of the columns that did not fit. */
    hidden: measured.filter((column) => !kept.includes(column)).map(({ heading }) => heading),
    /** Columns of the terminal that stay empty. */
    spare: Math.max(0, width - sumOf(kept)),
  };
}

interface MeasuredColumn extends Column {
  readonly width: number;
}

function sumOf(columns: readonly MeasuredColumn[]): number {
  return columns.reduce((sum, { width }) => sum + width + GAP, -GAP);
}

function widthOf({ heading, cells }: Column): number {
  return cells.reduce((widest, cell) => Math.max(widest, Bun.stringWidth(cell)), Bun.stringWidth(heading));
}

function pad({ isFigure, width }: MeasuredColumn, cell: string): string {
  return isFigure === true ? " ".repeat(width - Bun.stringWidth(cell)) + cell : cell;
}

/** Pads every column but the last to its widest cell. With `width`, no line is wider than so many columns. */
export function alignRows(rows: readonly (readonly string[])[], width: number | undefined): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries())
      widths[column] = Math.max(widths[column] ?? 0, Bun.stringWidth(cell));
  }
  return rows.map((row) => {
    const cells = row.map((cell, column) =>
      column === row.length - 1 ? cell : cell + " ".repeat((widths[column] ?? 0) - Bun.stringWidth(cell)),
    );
    const line = cells.join("  ").trimEnd();
    return width === undefined ? line : cutColumns(line, width);
  });
}

/** The text, or as much of its beginning as fits into `width` columns together with an ellipsis. */
export function cutColumns(text: string, width: number): string {
  return Bun.stringWidth(text) <= width ? text : `${cut(text, width - 1)}…`;
}

/** So far from where a sentence would be cut, a blank is looked for. */
const NEAR_COLUMNS = 10;

/** The text, or its beginning and its end with an ellipsis between them: a code at the end says most. Words stay whole. */
export function cutMiddle(text: string, width: number): string {
  const columns = Bun.stringWidth(text);
  if (columns <= width) return text;
  if (width < 4) return cutColumns(text, Math.max(1, width));
  const tail = Math.floor((width - 1) / 3);
  const [head, end] = [cut(text, width - 1 - tail), cutStart(text, columns - tail)];
  const lastBlank = head.lastIndexOf(" ");
  const firstBlank = end.indexOf(" ");
  const isNearHead = lastBlank > 0 && head.length - lastBlank <= NEAR_COLUMNS;
  const isNearEnd = firstBlank >= 0 && firstBlank < Math.min(NEAR_COLUMNS, end.length - 1);
  return `${isNearHead ? head.slice(0, lastBlank + 1) : head}…${isNearEnd ? end.slice(firstBlank) : end}`;
}

/** A wide character across the edge is dropped. */
function cutStart(line: string, from: number): string {
  const width = Bun.stringWidth(line);
  for (let start = from; start < width; start += 1) {
    const kept = Bun.sliceAnsi(line, start, width);
    if (Bun.stringWidth(kept) <= width - from) return kept;
  }
  return "";
}

/** Bun may keep a wide character across the edge, or measure a composed one differently: it is dropped. */
function cut(line: string, width: number): string {
  for (let columns = width; columns > 0; columns -= 1) {
    const kept = Bun.sliceAnsi(line, 0, columns);
    if (Bun.stringWidth(kept) <= width) return kept;
  }
  return "";
}
