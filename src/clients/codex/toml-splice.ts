// Single edits of a config.toml, each of which `removeStatement`, `removeTable` or the value's old text undoes to the byte.
// Decides nothing about what is edited, or why.
// Pure.
import type { AST } from "toml-eslint-parser";
import type { TomlDocument, TomlEntry } from "./toml-document.ts";
import { type FoundMark, readMark } from "./toml-mark.ts";

/** The text with [start, end) replaced. */
export function splice(text: string, [start, end]: readonly [number, number], replacement: string): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

/**
 * Replaces an entry's value. The mark goes behind the whole statement, where every version of TOML
 * allows a comment: inside an inline table on one line it would swallow the rest.
 */
export function setValue(
  document: TomlDocument,
  entry: TomlEntry,
  change: { readonly value: string; readonly mark: string },
): string {
  const statementEnd = entry.statement.range[1];
  const marked = splice(document.text, [statementEnd, statementEnd], change.mark);
  return splice(marked, entry.value.range, change.value);
}

/** The reverse of `setValue`: `value` null keeps the value and only takes the mark away. */
export function unsetValue(document: TomlDocument, entry: TomlEntry, value: string | null): string {
  const end = entry.statement.range[1];
  const unmarked = splice(document.text, [end, end + (markBehind(document, entry)?.length ?? 0)], "");
  return value === null ? unmarked : splice(unmarked, entry.value.range, value);
}

/** The mark behind the entry's statement. */
export function markBehind(document: TomlDocument, entry: TomlEntry): FoundMark | undefined {
  return readMark(document.text, entry.statement.range[1]);
}

/** Adds a line behind the last top-level key, or at the top of a file that has none. */
export function insertTopLevel(document: TomlDocument, line: string): string {
  const last = document.topLevel.at(-1);
  if (last !== undefined) return insertLine(document, last.range[1], line);
  return `${line}${endOfLine(document)}${document.text}`;
}

/** Adds a line right below a `[header]`, indented as the table's first key is. */
export function insertInTable(document: TomlDocument, table: AST.TOMLTable, line: string): string {
  const first = table.body[0];
  const indent =
    first === undefined ? "" : document.text.slice(lineStart(document.text, first.range[0]), first.range[0]);
  return insertLine(document, table.key.range[1], indent + line);
}

/** Adds a table, given with "\n" between its lines and none at the end, below a blank line at the end of the file. */
export function appendTable(document: TomlDocument, table: string): string {
  const { text } = document;
  const eol = endOfLine(document);
  const block = table.replaceAll("\n", eol);
  if (text === "") return block + eol;
  return text.endsWith("\n") ? text + eol + block + eol : text + eol + eol + block;
}

/** Takes a statement away with its line. */
export function removeStatement(document: TomlDocument, statement: AST.TOMLKeyValue): string {
  const { text } = document;
  const start = lineStart(text, statement.range[0]);
  const end = nextLine(text, statement.range[1]);
  if (text.endsWith("\n", end)) return splice(text, [start, end], "");
  // The last line of a file without a final line break: its own break is the one before it.
  return splice(text, [start - lineBreakBefore(text, start), end], "");
}

/** Takes a table away with its lines and the blank line above it. */
export function removeTable(document: TomlDocument, table: AST.TOMLTable): string {
  const { text } = document;
  const end = nextLine(text, table.range[1]);
  let start = lineStart(text, table.range[0]);
  const blank = lineBreakBefore(text, start);
  if (blank > 0 && isLineStart(text, start - blank)) start -= blank;
  if (!text.endsWith("\n", end)) start -= lineBreakBefore(text, start);
  return splice(text, [start, end], "");
}

/** Adds a line below the one that holds `offset`, outside of any string. */
function insertLine(document: TomlDocument, offset: number, line: string): string {
  const { text } = document;
  const eol = endOfLine(document);
  const below = nextLine(text, offset);
  const inserted = text.endsWith("\n", below) ? line + eol : eol + line;
  return splice(text, [below, below], inserted);
}

/** The line break that most lines of the file end with. */
function endOfLine({ text }: TomlDocument): string {
  const all = text.split("\n").length - 1;
  const windows = text.split("\r\n").length - 1;
  return windows * 2 > all ? "\r\n" : "\n";
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}

/** Start of the line after the one that holds `offset`; the text's length where there is none. */
function nextLine(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return end < 0 ? text.length : end + 1;
}

/** Length of the line break that ends at `offset`. */
function lineBreakBefore(text: string, offset: number): number {
  if (text.endsWith("\r\n", offset)) return 2;
  return text.endsWith("\n", offset) ? 1 : 0;
}

function isLineStart(text: string, offset: number): boolean {
  return offset === 0 || text.endsWith("\n", offset);
}
