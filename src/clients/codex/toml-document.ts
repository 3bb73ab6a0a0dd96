// A config.toml as its text and the place of every key in it. Refuses what cannot be edited safely.
// Changes nothing.
// Pure.
import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import { findForeignSign } from "../../base/foreign-signs.ts";
import { UserError } from "../../base/errors.ts";
import { type Text, t } from "../../base/text.ts";
import { findLine } from "../../config/jsonc.ts";
import { isSamePath } from "../client.ts";

/** One `key = value`, at any depth. Offsets count from the start of the text, without the BOM. */
export interface TomlEntry {
  /** Numbers are places in arrays of tables. */
  readonly path: readonly (string | number)[];
  readonly value: AST.TOMLContentNode;
  /** The whole line or lines it belongs to; differs from the entry itself inside an inline table. */
  readonly statement: AST.TOMLKeyValue;
  readonly isInline: boolean;
}

export interface TomlDocument {
  /** Without the BOM. */
  readonly text: string;
  readonly bom: "" | "\ufeff";
  readonly topLevel: readonly AST.TOMLKeyValue[];
  readonly tables: readonly AST.TOMLTable[];
  readonly entries: readonly TomlEntry[];
}

/** toml-eslint-parser overflows its stack on a single string of 640 KB; no real file comes near. */
const MAX_BYTES = 512 * 1024;

/** Throws UserError with line and column for what Codex could not read either, or what we dare not edit. */
export function readToml(source: string): TomlDocument {
  if (new TextEncoder().encode(source).length > MAX_BYTES) throw new UserError(t`larger than 512 KB`);
  const bom = source.startsWith("\ufeff") ? "\ufeff" : "";
  const text = source.slice(bom.length);
  refuseAt(text, text.indexOf("\u0000"), t`a NUL character`);
  refuseAt(text, text.search(/\r(?!\n)/), t`a carriage return without a line feed`);
  const [top] = parse(text).body;
  const tables = top.body.filter((node) => node.type === "TOMLTable");
  const topLevel = top.body.filter((node) => node.type === "TOMLKeyValue");
  const entries = [
    ...topLevel.flatMap((node) => listEntries(node, [], node)),
    ...tables.flatMap((table) => table.body.flatMap((node) => listEntries(node, table.resolvedKey, node))),
  ];
  return { text, bom, topLevel, tables, entries };
}

export function findEntry(document: TomlDocument, path: readonly string[]): TomlEntry | undefined {
  return document.entries.find((entry) => isSamePath(entry.path, path));
}

/** The `[header]` of exactly this path. */
export function findTable(document: TomlDocument, path: readonly string[]): AST.TOMLTable | undefined {
  return document.tables.find((table) => table.kind === "standard" && isSamePath(table.resolvedKey, path));
}

/** The entry's value where it is a string. */
export function stringOf(entry: TomlEntry | undefined): string | undefined {
  const node = entry?.value;
  return node?.type === "TOMLValue" && node.kind === "string" ? node.value : undefined;
}

function parse(text: string): AST.TOMLProgram {
  try {
    return parseTOML(text, { tomlVersion: "1.1" });
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const sign = findForeignSign(text, { offset: error.index });
    const { column, line } = findLine({ text, offset: sign?.offset ?? error.index });
    throw new UserError(t`line ${line}, column ${column}: ${sign?.words ?? error.message}`, { cause: error });
  }
}

function refuseAt(text: string, offset: number, what: Text): void {
  if (offset < 0) return;
  throw new UserError(t`line ${text.slice(0, offset).split("\n").length}: ${what}`);
}

function listEntries(
  node: AST.TOMLKeyValue,
  prefix: readonly (string | number)[],
  statement: AST.TOMLKeyValue,
): TomlEntry[] {
  const path = [...prefix, ...keyNames(node.key)];
  const entry = { path, value: node.value, statement, isInline: node !== statement };
  if (node.value.type !== "TOMLInlineTable") return [entry];
  return [entry, ...node.value.body.flatMap((inner) => listEntries(inner, path, statement))];
}

function keyNames(key: AST.TOMLKey): string[] {
  return key.keys.map((part) => (part.type === "TOMLBare" ? part.name : part.value));
}
