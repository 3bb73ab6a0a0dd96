// Chooses the columns of a table that there is room for.

export interface Column {
  readonly heading: string;
  readonly cells: readonly string[];
  /** The greatest rank is left out first; 0 never. */
  readonly rank: number;
  /** Figures are aligned at their last digit. */
  readonly isFigure?: boolean;
}

export interface Fitted {
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Headings of the columns that had no place. */
  readonly leftOut: readonly string[];
  /** Columns of the terminal that nothing stands in. */
  readonly room: number;
}

const GAP = 2;

/** For a terminal of `width` columns; where it is without end, all have a place. */
export function fitColumns(columns: readonly Column[], width: number): Fitted {
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
    leftOut: measured.filter((column) => !kept.includes(column)).map(({ heading }) => heading),
    room: Math.max(0, width - sumOf(kept)),
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
