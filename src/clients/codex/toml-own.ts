// The provider of our own that `--own-provider` adds to config.toml, and how it is told from anybody else's.
// Pure.
import { readProxyPort } from "../../base/service.ts";
import type { AST } from "toml-eslint-parser";
import { type TomlDocument, findEntry, findTable, stringOf } from "./toml-document.ts";
import { makeMark } from "./toml-mark.ts";
import { OWN_PROVIDER, makeOwnProvider } from "./own-provider.ts";

export const OWN_PROVIDER_PATH = ["model_providers", OWN_PROVIDER] as const;

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
    readProxyPort("codex", address) !== undefined;
  return isOurs ? table : undefined;
}

/** Is a provider of that id defined, by whomever and in whatever way? */
export function hasOwnProvider(document: TomlDocument): boolean {
  return findTable(document, OWN_PROVIDER_PATH) !== undefined || listOwnEntries(document).length > 0;
}

function listOwnEntries(document: TomlDocument): TomlDocument["entries"] {
  return document.entries.filter(({ path }) => OWN_PROVIDER_PATH.every((key, at) => key === path[at]));
}
