// The table of docs/doctor.md, made from the checks themselves. `bun test/doctor/doctor-table.ts` writes it anew.
import { CHECKS } from "../../src/doctor/checks.ts";

export const DOCTOR_DOC_PATH = `${import.meta.dir}/../../docs/doctor.md`;

const START = "<!-- the table of checks: begin -->";
const END = "<!-- the table of checks: end -->";

/** The document with its table as the code has it. Throws where the marks are missing. */
export function withTable(text: string): string {
  const start = text.indexOf(START);
  const end = text.indexOf(END);
  if (start < 0 || end < start) throw new Error("the marks around the table are missing");
  return `${text.slice(0, start + START.length)}\n\n${makeTable()}\n\n${text.slice(end)}`;
}

function makeTable(): string {
  const rows = CHECKS.map(({ about, id, repair, worst }) => [`\`${id}\``, about, worst, repair ?? ""]);
  const table = [["id", "what is looked at", "at worst", "`--fix`"], ...rows];
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((cells) => (cells[column] ?? "").length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = table;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}

if (import.meta.main) {
  await Bun.write(DOCTOR_DOC_PATH, withTable(await Bun.file(DOCTOR_DOC_PATH).text()));
}
