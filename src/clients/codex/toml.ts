// Points a config.toml at the proxy: text in, text out, only the bytes of our own keys changed.
// Expects a text without a switch in it; codex-toml-undo.ts takes one out.
// Pure.
import { UserError } from "../../base/errors.ts";
import { t } from "../../base/text.ts";
import {
  type TomlDocument,
  type TomlEntry,
  findEntry,
  findTable,
  readToml,
  stringOf,
} from "./toml-document.ts";
import { OWN_PROVIDER_PATH, findOwnTable, hasOwnProvider, makeMark, makeOwnTable } from "./toml-mark.ts";
import { appendTable, insertInTable, insertTopLevel, setValue } from "./toml-splice.ts";
import { OWN_PROVIDER } from "./own-provider.ts";
import { verifyEdit } from "./toml-verify.ts";
import { type Edit, type KeyChange, showKey } from "../client.ts";

/** Which key moves. A session of Codex belongs to its provider's id, so the id stays wherever it can. */
export type CodexRoute =
  /** `base_url` of the user's own provider. */
  | { readonly kind: "provider"; readonly id: string }
  /** `openai_base_url`, for the built-in provider. */
  | { readonly kind: "openai" }
  /** A provider of ours, chosen by `model_provider`. */
  | { readonly kind: "own" };

/**
 * The edited text, and what to remember of it; no change where the address stands there already.
 * Throws UserError, without the file's name, for a file that we dare not edit.
 */
export function editCodexToml(source: string, route: CodexRoute, address: string): Edit {
  const edit = makeEdit(source, route, address);
  const touched = edit.changes.map(({ path }) => path);
  verifyEdit(source, edit.text, route.kind === "own" ? [...touched, OWN_PROVIDER_PATH] : touched);
  return edit;
}

function makeEdit(source: string, route: CodexRoute, address: string): Edit {
  const document = readToml(source);
  switch (route.kind) {
    case "provider":
      return moveProvider(document, route.id, address);
    case "openai":
      return setTopLevel(document, "openai_base_url", address);
    case "own": {
      const added = addOwnTable(document, address);
      const chosen = setTopLevel(readToml(added.text), "model_provider", OWN_PROVIDER);
      return { text: chosen.text, changes: [...added.changes, ...chosen.changes] };
    }
  }
}

function moveProvider(document: TomlDocument, id: string, address: string): Edit {
  const path = ["model_providers", id, "base_url"];
  const entry = findEntry(document, path);
  if (entry !== undefined) return replaceValue(document, entry, { path, value: address });
  const table = findTable(document, path.slice(0, -1));
  if (table === undefined) {
    throw new UserError(t`${showKey(path)} is not there, and there is no safe place for it`, {
      hint: t`write ${showKey(path)} into the file, or leave it as it is and use: ch switch on --own-provider`,
    });
  }
  const line = `base_url = ${JSON.stringify(address)}${makeMark(null)}`;
  const text = document.bom + insertInTable(document, table, line);
  return { text, changes: [{ path, before: null, written: line, value: address }] };
}

function setTopLevel(document: TomlDocument, key: string, value: string): Edit {
  const path = [key];
  const entry = findEntry(document, path);
  if (entry !== undefined) return replaceValue(document, entry, { path, value });
  const line = `${key} = ${JSON.stringify(value)}${makeMark(null)}`;
  const text = document.bom + insertTopLevel(document, line);
  return { text, changes: [{ path, before: null, written: line, value }] };
}

function replaceValue(
  document: TomlDocument,
  entry: TomlEntry,
  { path, value }: Pick<KeyChange, "path" | "value">,
): Edit {
  const present = stringOf(entry);
  if (present === undefined) throw new UserError(t`${showKey(path)} must be a text`);
  if (present === value) return { text: document.bom + document.text, changes: [] };
  const before = document.text.slice(...entry.value.range);
  const quote = before.startsWith("'") ? "'" : '"';
  const written = quote + value + quote;
  const mark = makeMark({ before, value: present });
  const text = document.bom + setValue(document, entry, { value: written, mark });
  return { text, changes: [{ path, before, written, value }] };
}

/** A table of ours that an earlier switch left for the sessions that name it is taken up again where it stands. */
function addOwnTable(document: TomlDocument, address: string): Edit {
  const source = document.bom + document.text;
  if (findOwnTable(document) !== undefined) {
    const entry = findEntry(document, [...OWN_PROVIDER_PATH, "base_url"]);
    if (entry === undefined || stringOf(entry) === address) return { text: source, changes: [] };
    const text = document.bom + setValue(document, entry, { value: JSON.stringify(address), mark: "" });
    return { text, changes: [] };
  }
  if (hasOwnProvider(document)) {
    throw new UserError(t`${showKey(OWN_PROVIDER_PATH)} is there already, and is not ours`, {
      hint: t`give that provider another name`,
    });
  }
  if (findEntry(document, ["model_providers"]) !== undefined) {
    throw new UserError(t`model_providers is an inline table, and nothing can be added to it from outside`, {
      hint: t`write each provider as a table of its own: [model_providers.NAME]`,
    });
  }
  const table = makeOwnTable(address);
  return {
    text: document.bom + appendTable(document, table),
    changes: [{ path: OWN_PROVIDER_PATH, before: null, written: table, value: address }],
  };
}
