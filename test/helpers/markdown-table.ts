// Tables of generated documents, aligned as the formatter wants them.

/** A Markdown table; the first row is its head. */
export function makeMarkdownTable(rows: readonly (readonly string[])[]): string {
  const table = rows.map((cells) => cells.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((cells) => Bun.stringWidth(cells[column] ?? ""))),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - Bun.stringWidth(cell))).join(" | ")} |`;
  const [head = [], ...body] = table;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}

/** The document with what stands between two marks replaced. Throws where the marks are missing. */
export function replaceBetween(
  text: string,
  marks: readonly [start: string, end: string],
  by: string,
): string {
  const [startMark, endMark] = marks;
  const start = text.indexOf(startMark);
  const end = text.indexOf(endMark);
  if (start < 0 || end < start) throw new Error(`the marks around the tables are missing: ${startMark}`);
  return `${text.slice(0, start + startMark.length)}\n\n${by}\n\n${text.slice(end)}`;
}
