// The layers that Codex's settings come from, and which of them has the last word on a key.
// Knows no key by name.
// Pure.
import { type TomlTable, type TomlValue, TomlError, parse } from "smol-toml";
import { findForeignSign } from "../../base/foreign-signs.ts";
import { UserError } from "../../base/errors.ts";
import { isRecord, stringEntries } from "../../base/json-value.ts";
import { type Text, t } from "../../base/text.ts";
import { findLine } from "../../config/jsonc.ts";

/** Where a layer comes from. `user` and `profile` are files of CODEX_HOME, `system` and `managed` belong to the machine. */
export type LayerKind = "system" | "user" | "profile" | "command-line" | "managed";

export interface CodexLayer {
  readonly kind: LayerKind;
  /** The file's path, or the option as typed. */
  readonly where: string;
  readonly table: TomlTable;
}

/** A value, and the layer that decided it. */
export interface Found<T> {
  readonly value: T;
  readonly kind: LayerKind;
  readonly where: string;
}

/** Throws UserError with line and column; the message repeats nothing of the file. */
export function parseToml(text: string, file: string): TomlTable {
  const bare = text.replace(/^\ufeff/, "");
  try {
    return parse(bare, { integersAsBigInt: "asNeeded" });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const { column, line, words } = describeTomlError(bare, error);
    throw new UserError(t`${file}:${line}:${column}: ${words}`, { cause: error });
  }
}

/** What is wrong, and where. Repeats nothing of the text but a sign that it cannot have. */
export function describeTomlError(
  text: string,
  { column, line, message }: TomlError,
): { readonly line: number; readonly column: number; readonly words: Text | string } {
  const above = text.split("\n").slice(0, line - 1);
  const sign = findForeignSign(text, { offset: above.join("\n").length + (line > 1 ? 1 : 0) + column - 1 });
  if (sign !== null) return { ...findLine({ text, offset: sign.offset }), words: sign.words };
  const [words = ""] = message.replace(/^Invalid TOML document: /, "").split("\n");
  return { line, column, words };
}

export function isTable(value: unknown): value is TomlTable {
  return isRecord(value) && !(value instanceof Date);
}

/** The value at a path of one table. */
export function valueAt(table: TomlTable, path: readonly string[]): TomlValue | undefined {
  let value: TomlValue | undefined = table;
  for (const key of path) {
    if (!isTable(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** The value of the highest layer that has one. `layers` go from low to high. */
export function findValue(
  layers: readonly CodexLayer[],
  path: readonly string[],
): Found<TomlValue> | undefined {
  for (const { kind, where, table } of layers.toReversed()) {
    const value = valueAt(table, path);
    if (value !== undefined) return { value, kind, where };
  }
  return undefined;
}

/** As `findValue`. Throws UserError for a value that is not a text, as Codex refuses it. */
export function findText(layers: readonly CodexLayer[], path: readonly string[]): Found<string> | undefined {
  const found = findValue(layers, path);
  if (found === undefined) return undefined;
  const { value, kind, where } = found;
  if (typeof value !== "string") throw new UserError(t`${where}: ${path.join(".")} must be a string`);
  return { value, kind, where };
}

/** The texts of the tables at a path, merged over all layers as Codex does. */
export function mergeTexts(
  layers: readonly CodexLayer[],
  path: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(layers.flatMap(({ table }) => stringEntries(valueAt(table, path))));
}
