// What in config.toml is ours: the comment behind a value, which says what was there before, so that a person, or `switch off`
// without its journal, can restore it; and the table of the provider that `--own-provider` adds.
// Pure.
import type { AST } from "toml-eslint-parser";
import { readProxyAddress } from "../../base/service.ts";
import { OWN_PROVIDER, makeOwnProvider } from "./own-provider.ts";
import { type TomlDocument, findEntry, findTable, stringOf } from "./toml-document.ts";

export type Mark =
  /** Nothing stood there before. */
  | { readonly kind: "added" }
  /** `before` is TOML source on one line. */
  | { readonly kind: "replaced"; readonly before: string };

export interface FoundMark {
  readonly mark: Mark;
  /** The comment's length, with the blank before it. */
  readonly length: number;
}

export const OWN_PROVIDER_PATH = ["model_providers", OWN_PROVIDER] as const;

const ADDED = " # codex-helper: added";
const REPLACED = " # codex-helper: was ";
const ONE_LINE_STRING = /^(?:"(?!"")(?:[^"\\\r\n]|\\.)*"|'(?!'')[^'\r\n]*')/;

/** The comment for a value that replaces the TOML string `before`; `value` is that string's value. */
export function makeMark(replaced: { readonly before: string; readonly value: string } | null): string {
  if (replaced === null) return ADDED;
  const { before, value } = replaced;
  return REPLACED + (ONE_LINE_STRING.exec(before)?.[0] === before ? before : quote(value));
}

/** The mark that starts exactly at `offset`. */
export function readMark(text: string, offset: number): FoundMark | undefined {
  if (text.startsWith(ADDED, offset)) return { mark: { kind: "added" }, length: ADDED.length };
  if (!text.startsWith(REPLACED, offset)) return undefined;
  const start = offset + REPLACED.length;
  const end = text.indexOf("\n", start);
  const before = ONE_LINE_STRING.exec(text.slice(start, end < 0 ? text.length : end))?.[0];
  if (before === undefined) return undefined;
  return { mark: { kind: "replaced", before }, length: REPLACED.length + before.length };
}

/** A basic string of TOML on one line. */
function quote(value: string): string {
  return JSON.stringify(value).replaceAll("\u007f", "\\u007f");
}

/** The table's text, without a line break at its end. */
export function makeOwnTable(address: string): string {
  // Loaded where it is written: it takes 4 ms, and most starts only read.
  const { stringify } = require("@iarna/toml") as typeof import("@iarna/toml");
  const text = stringify({ model_providers: { [OWN_PROVIDER]: makeOwnProvider(address) } });
  return text.trim().replace("]", `]${makeMark(null)}`);
}

/** Our own provider's table, if it is there and holds exactly what we write. */
export function findOwnTable(document: TomlDocument): AST.TOMLTable | undefined {
  const table = findTable(document, OWN_PROVIDER_PATH);
  const text = (key: string): string | undefined =>
    stringOf(findEntry(document, [...OWN_PROVIDER_PATH, key]));
  const address = text("base_url") ?? "";
  const expected = Object.entries(makeOwnProvider(address));
  const isOurs =
    listOwnEntries(document).length === expected.length &&
    expected.every(([key, value]) => text(key) === value) &&
    readProxyAddress("codex", address) !== undefined;
  return isOurs ? table : undefined;
}

/** Is a provider of that id defined, by whomever and in whatever way? */
export function hasOwnProvider(document: TomlDocument): boolean {
  return findTable(document, OWN_PROVIDER_PATH) !== undefined || listOwnEntries(document).length > 0;
}

function listOwnEntries(document: TomlDocument): TomlDocument["entries"] {
  return document.entries.filter(({ path }) => OWN_PROVIDER_PATH.every((key, at) => key === path[at]));
}
