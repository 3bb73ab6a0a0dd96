// What a terminal shows after all that a program wrote to it: enough of one for programs that redraw only what has changed.

export interface Screen {
  write(text: string): void;
  /** Rows from the top, without blanks at their end. */
  text(): string;
}

/** A control sequence, a string for the terminal (titles, links), another escape, a control character, or a character. */
const PIECE =
  // eslint-disable-next-line no-control-regex
  /\u001b\[([?>=<]?)([\d;:]*)[ !"'$]*([@-~])|\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[()*+#][\s\S]|\u001b[^[\]PX^_]|[\u0000-\u001f\u007f]|[^\u0000-\u001f\u007f]/gsuy;

export function createScreen(columns: number, rows: number): Screen {
  let cells = makeRows(rows);
  let [row, column] = [0, 0];
  let saved: readonly [number, number] = [0, 0];
  let rest = "";

  const move = (down: number, right: number): void => {
    row = Math.min(rows - 1, Math.max(0, row + down));
    column = Math.min(columns - 1, Math.max(0, column + right));
  };
  const feed = (): void => {
    if (row < rows - 1) row += 1;
    else cells = [...cells.slice(1), []];
  };
  const put = (character: string): void => {
    const width = Bun.stringWidth(character);
    if (width === 0) return;
    if (column + width > columns) {
      column = 0;
      feed();
    }
    const line = (cells[row] ??= []);
    for (let at = line.length; at < column; at += 1) line[at] = " ";
    line[column] = character;
    if (width === 2) line[column + 1] = "";
    column += width;
  };
  const erase = (from: number, to: number): void => {
    const line = (cells[row] ??= []);
    for (let at = from; at < Math.min(to, line.length); at += 1) line[at] = " ";
  };
  const control = (final: string, numbers: readonly number[]): void => {
    const [first = 0, second = 0] = numbers;
    const count = Math.max(1, first);
    if (final === "A") move(-count, 0);
    else if (final === "B") move(count, 0);
    else if (final === "C") move(0, count);
    else if (final === "D") move(0, -count);
    else if (final === "E") [row, column] = [Math.min(rows - 1, row + count), 0];
    else if (final === "F") [row, column] = [Math.max(0, row - count), 0];
    else if (final === "G") column = Math.min(columns, count) - 1;
    else if (final === "d") row = Math.min(rows, count) - 1;
    else if (final === "H" || final === "f")
      [row, column] = [Math.min(rows, count) - 1, Math.min(columns, Math.max(1, second)) - 1];
    else if (final === "X") erase(column, column + count);
    else if (final === "K") erase(first === 0 ? column : 0, first === 1 ? column + 1 : columns);
    else if (final === "J") {
      if (first === 0) erase(column, columns);
      const isCleared = (at: number): boolean => first >= 2 || (first === 0 ? at > row : at < row);
      cells = cells.map((line, at) => (isCleared(at) ? [] : line));
    }
  };

  return {
    write(text) {
      rest += text;
      PIECE.lastIndex = 0;
      let end = 0;
      for (let found = PIECE.exec(rest); found !== null; found = PIECE.exec(rest)) {
        end = PIECE.lastIndex;
        const [piece, kind, numbers, final] = found;
        if (final !== undefined) {
          if (kind === "") control(final, (numbers ?? "").split(";").map(Number));
        } else if (piece === "\r") column = 0;
        else if (piece === "\n") feed();
        else if (piece === "\b") move(0, -1);
        else if (piece === "\u001b7") saved = [row, column];
        else if (piece === "\u001b8") [row, column] = saved;
        else if (piece === "\u001bM") move(-1, 0);
        else if (piece >= " " && piece !== "\u007f") put(piece);
      }
      rest = rest.slice(end);
    },
    text: () => cells.map((line) => line.join("").trimEnd()).join("\n"),
  };
}

function makeRows(rows: number): string[][] {
  return Array.from({ length: rows }, () => []);
}
