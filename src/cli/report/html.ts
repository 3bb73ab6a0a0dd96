// Text and figures of any origin as parts of a page.
import { oneLine } from "../../base/terminal-text.ts";
import { cutColumns } from "../layout.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
/** A name may be as long as a client likes, and a page has it a thousand times. */
const MOST_NAME_COLUMNS = 120;

/** Text of any origin inside HTML and SVG, and inside attributes in quotes. */
export function escapeHtml(text: string): string {
  return oneLine(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

/** A name from the log, before it is escaped. */
export function cutName(name: string): string {
  return cutColumns(oneLine(name), MOST_NAME_COLUMNS);
}

/** "1,234", "$4,567", "12,345+": the whole part of a figure, by thousands. */
export function groupThousands(figure: string): string {
  return figure.replace(/(?<![.\d])\d{4,}/, (digits) => digits.replace(/\B(?=(?:\d{3})+$)/g, ","));
}

export function showCount(count: number): string {
  return groupThousands(String(Math.round(count * 10) / 10));
}

/** What is shown while a pointer is over a mark, a line for each. */
export function makeTitle(lines: readonly string[]): string {
  return `<title>${lines.map(escapeHtml).join("\n")}</title>`;
}
