// Points a config.toml at the proxy, and takes that out again: text in, text out, only the bytes of our own keys changed. A key
// is restored only where it still holds our value, by what the journal remembers, else by the mark behind it, else by its
// looks; everything else in the file stays. Another parser checks each edit.
// Pure.
import type { TomlTable } from "smol-toml";
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
import {
  type FoundMark,
  OWN_PROVIDER_PATH,
  findOwnTable,
  hasOwnProvider,
  makeMark,
  makeOwnTable,
} from "./toml-mark.ts";
import {
  appendTable,
  insertInTable,
  insertTopLevel,
  markBehind,
  removeStatement,
  removeTable,
  setValue,
  unsetValue,
} from "./toml-splice.ts";
import { OWN_PROVIDER } from "./own-provider.ts";
import {
  type Edit,
  type KeyChange,
  type Undo,
  type UndoOptions,
  type Undone,
  isSamePath,
  showKey,
} from "../client.ts";
import { isOwnAddress, readProxyAddress } from "../../base/service.ts";
import { isDeepStrictEqual } from "node:util";
import { isTable, parseToml } from "./layers.ts";

/** Which key moves. A session of Codex belongs to its provider's id, so the id stays wherever it can. */
export type CodexRoute =
  /** `base_url` of the user's own provider. */
  | { readonly kind: "provider"; readonly id: string }
  /** `openai_base_url`, for the built-in provider. */
  | { readonly kind: "openai" }
  /** A provider of ours, chosen by `model_provider`. */
  | { readonly kind: "own" };

/**
 * The edited text, and what to remember of it; no change where the address is there already.
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
  return setString(document, path, address, (line) => {
    const table = findTable(document, path.slice(0, -1));
    if (table !== undefined) return insertInTable(document, table, line);
    throw new UserError(t`${showKey(path)} is missing, and there is no safe place to add it`, {
      hint: t`add ${showKey(path)} to the file yourself, or leave the file unchanged and use: ch switch on --own-provider`,
    });
  });
}

function setTopLevel(document: TomlDocument, key: string, value: string): Edit {
  return setString(document, [key], value, (line) => insertTopLevel(document, line));
}

/** `insert` gives the document's text with a new line in it, for a key that is not there yet. */
function setString(
  document: TomlDocument,
  path: readonly string[],
  value: string,
  insert: (line: string) => string,
): Edit {
  const entry = findEntry(document, path);
  if (entry === undefined) {
    const line = `${path.at(-1)} = ${JSON.stringify(value)}${makeMark(null)}`;
    const text = document.bom + insert(line);
    return { text, changes: [{ path, before: null, written: line, value }] };
  }
  const present = stringOf(entry);
  if (present === undefined) throw new UserError(t`${showKey(path)} must be a string`);
  if (present === value) return { text: document.bom + document.text, changes: [] };
  const before = document.text.slice(...entry.value.range);
  const quote = before.startsWith("'") ? "'" : '"';
  const written = quote + value + quote;
  const mark = makeMark({ before, value: present });
  const text = document.bom + setValue(document, entry, { value: written, mark });
  return { text, changes: [{ path, before, written, value }] };
}

/** A table of ours that an earlier switch left for the sessions that name it is used again where it is. */
function addOwnTable(document: TomlDocument, address: string): Edit {
  const source = document.bom + document.text;
  if (findOwnTable(document) !== undefined) {
    const entry = findEntry(document, [...OWN_PROVIDER_PATH, "base_url"]);
    if (entry === undefined || stringOf(entry) === address) return { text: source, changes: [] };
    const text = document.bom + setValue(document, entry, { value: JSON.stringify(address), mark: "" });
    return { text, changes: [] };
  }
  if (hasOwnProvider(document)) {
    throw new UserError(t`${showKey(OWN_PROVIDER_PATH)} already exists and was not written by codex-helper`, {
      hint: t`give that provider another name`,
    });
  }
  if (findEntry(document, ["model_providers"]) !== undefined) {
    throw new UserError(t`model_providers is an inline table, which cannot be extended`, {
      hint: t`write each provider as a table of its own: [model_providers.NAME]`,
    });
  }
  const table = makeOwnTable(address);
  return {
    text: document.bom + appendTable(document, table),
    changes: [{ path: OWN_PROVIDER_PATH, before: null, written: table, value: address }],
  };
}

export interface CodexUndoOptions extends UndoOptions {
  /** A stored session names our own provider: its table stays, and does nothing. */
  readonly keepsOwnTable: boolean;
}

/** One thing to restore. `apply` gives the new text of a document that is unchanged up to the end of this key. */
interface Step {
  readonly offset: number;
  readonly key: Undone;
  readonly apply: (document: TomlDocument) => string;
}

/** Throws UserError, without the file's name, for a file that we dare not edit. */
export function undoCodexToml(source: string, options: CodexUndoOptions): Undo {
  const document = readToml(source);
  const steps = [...ownTableSteps(document, options), ...keySteps(document, options)];
  let { text } = document;
  // From the end, so that what is yet to do keeps its place.
  for (const step of steps.toSorted((one, other) => other.offset - one.offset)) {
    text = step.apply({ ...document, text });
  }
  const undone = document.bom + text;
  const keys = [...steps.map(({ key }) => key), ...findGone(document, options)];
  verifyEdit(source, undone, [...keys.map(({ path }) => path), OWN_PROVIDER_PATH]);
  return { text: undone, keys };
}

/** A provider of the user's that happens to have our name, and whose address we moved as we move any other's. */
function isOursByNameOnly(document: TomlDocument, options: CodexUndoOptions): boolean {
  const path = [...OWN_PROVIDER_PATH, "base_url"];
  const entry = findEntry(document, path);
  return (
    findChanges(options, path).length > 0 ||
    (entry !== undefined && markBehind(document, entry) !== undefined)
  );
}

function ownTableSteps(document: TomlDocument, options: CodexUndoOptions): Step[] {
  if (isOursByNameOnly(document, options)) return [];
  const table = findOwnTable(document);
  const path = OWN_PROVIDER_PATH;
  if (table === undefined) {
    const wasOurs = findChanges(options, path).length > 0;
    const offset = document.text.length;
    return wasOurs && hasOwnProvider(document)
      ? [{ offset, key: { kind: "changed", path }, apply: ({ text }) => text }]
      : [];
  }
  if (options.keepsOwnTable) return [];
  const value = stringOf(findEntry(document, [...path, "base_url"])) ?? "";
  const key: Undone = { kind: "restored", path, isGuess: false, value };
  return [{ offset: table.range[0], key, apply: (now) => removeTable(now, table) }];
}

function keySteps(document: TomlDocument, options: CodexUndoOptions): Step[] {
  return listSwitchable(document, options).flatMap((entry) => {
    const judged = judge(document, entry, options);
    if (judged === null) return [];
    const { key, before } = judged;
    const apply = (now: TomlDocument): string => {
      if (key.kind !== "restored") return unsetValue(now, entry, null);
      return before === null ? removeStatement(now, entry.statement) : unsetValue(now, entry, before);
    };
    return [{ offset: entry.value.range[0], key, apply }];
  });
}

interface Judgement {
  readonly key: Undone;
  /** What goes in its place where it is restored. */
  readonly before: string | null;
}

/** Whose is the value? Null for one that is none of our business. */
function judge(document: TomlDocument, entry: TomlEntry, options: CodexUndoOptions): Judgement | null {
  const path = entry.path.map(String);
  const value = stringOf(entry);
  const changes = findChanges(options, path);
  const ours = changes.find((change) => change.value === value);
  if (ours !== undefined) return judgeOurs(entry, ours);
  const mark = ownMark(document, entry, options);
  if (mark !== undefined) {
    const before = mark.mark.kind === "replaced" ? mark.mark.before : null;
    // Where the journal knows what we wrote, another local address is another program's, unless it can only be ours.
    const isOurs = (it: string): boolean => (changes.length > 0 ? isOwn(it, options) : hasOurForm(path, it));
    if (value !== undefined && isOurs(value)) return judgeOurs(entry, { path, before, value });
    return { key: { kind: "changed", path }, before: null };
  }
  if (changes.length > 0) {
    const raw = document.text.slice(...entry.value.range);
    const wasNeverWritten = changes.some((change) => change.before === raw);
    return wasNeverWritten ? null : { key: { kind: "changed", path }, before: null };
  }
  if (options.changes !== null || value === undefined || !looksOurs(document, path, value, options))
    return null;
  const isTopLevel = path.length === 1;
  const key: Undone = isTopLevel
    ? { kind: "restored", path, isGuess: true, value }
    : { kind: "unknown", path, value };
  return { key, before: null };
}

/** What we added was a line of its own; inside an inline table another editor has moved it there. */
function judgeOurs(
  entry: TomlEntry,
  { path, before, value }: Pick<KeyChange, "path" | "before" | "value">,
): Judgement {
  if (before === null && entry.isInline) return { key: { kind: "unknown", path, value }, before };
  return { key: { kind: "restored", path, isGuess: false, value }, before };
}

/** The keys that a switch may set. The base_url of our own table comes and goes with the table. */
function listSwitchable(document: TomlDocument, options: CodexUndoOptions): TomlEntry[] {
  const mayBeOwn = isOursByNameOnly(document, options);
  return document.entries.filter(({ path }) => {
    if (path.length === 1) return path[0] === "openai_base_url" || path[0] === "model_provider";
    const [first, id, last] = path;
    const isAddress = path.length === 3 && first === "model_providers" && last === "base_url";
    return isAddress && (id !== OWN_PROVIDER || mayBeOwn);
  });
}

/** The mark is behind the whole statement: in an inline table it must be plain which key it means. */
function ownMark(document: TomlDocument, entry: TomlEntry, options: CodexUndoOptions): FoundMark | undefined {
  const mark = markBehind(document, entry);
  if (mark === undefined || !entry.isInline) return mark;
  const all = listSwitchable(document, options).filter((other) => other.statement === entry.statement);
  const certain = all.filter((other) => isOwn(stringOf(other) ?? "", options));
  const likely = all.filter((other) => hasOurForm(other.path.map(String), stringOf(other) ?? ""));
  const meant = [certain, likely, all].find(({ length }) => length > 0) ?? [];
  return meant.length === 1 && meant[0] === entry ? mark : undefined;
}

/** Without doubt, whatever client token is in it. */
function isOwn(address: string, { ownAddresses }: CodexUndoOptions): boolean {
  return isOwnAddress("codex", address, ownAddresses);
}

function hasOurForm(path: readonly string[], value: string): boolean {
  if (path[0] === "model_provider") return value === OWN_PROVIDER;
  return readProxyAddress("codex", value) !== undefined;
}

function looksOurs(
  document: TomlDocument,
  path: readonly string[],
  value: string,
  options: CodexUndoOptions,
): boolean {
  if (path[0] !== "model_provider") return isOwn(value, options);
  const isOurs = findOwnTable(document) !== undefined && !isOursByNameOnly(document, options);
  return value === OWN_PROVIDER && isOurs;
}

/** Keys of the user's that we had changed, and that are no longer there to be restored. */
function findGone(document: TomlDocument, { changes }: CodexUndoOptions): Undone[] {
  const replaced = (changes ?? []).filter(({ before }) => before !== null).map(({ path }) => path);
  const gone = replaced.filter(
    (path, at) =>
      findEntry(document, path) === undefined &&
      replaced.findIndex((other) => isSamePath(other, path)) === at,
  );
  return gone.map((path) => ({ kind: "gone", path }));
}

function findChanges({ changes }: CodexUndoOptions, path: readonly string[]): readonly KeyChange[] {
  return (changes ?? []).filter((change) => isSamePath(change.path, path));
}

/** Tables as maps: what a key is called then means nothing to JavaScript. */
type Tree = ReadonlyMap<string, unknown>;

/**
 * The second opinion on an edit: another parser reads the text before and after. Throws UserError when anything outside of
 * `paths` reads differently, or `after` does not read at all.
 */
function verifyEdit(before: string, after: string, paths: readonly (readonly string[])[]): void {
  const was = paths.reduce(without, readTree(before));
  if (isDeepStrictEqual(was, paths.reduce(without, readEdited(after)))) return;
  throw new UserError(t`the edit would have changed more than its own keys, so nothing was written`, {
    hint: t`please report this, with the file if you can`,
  });
}

function readEdited(text: string): Tree {
  try {
    return readTree(text);
  } catch (error) {
    throw new UserError(t`this file cannot be edited safely: the result would not be valid TOML`, {
      cause: error,
    });
  }
}

function readTree(text: string): Tree {
  return treeOf(parseToml(text, "config.toml"));
}

function treeOf(table: TomlTable): Tree {
  return new Map(Object.entries(table).map(([key, value]) => [key, withTrees(value)]));
}

function withTrees(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withTrees);
  return isTable(value) ? treeOf(value) : value;
}

/** A copy without the value at a path, and without the tables that only held it. */
function without(tree: Tree, path: readonly string[]): Tree {
  const [key, ...rest] = path;
  if (key === undefined || !tree.has(key)) return tree;
  const copy = new Map(tree);
  const inner = tree.get(key);
  const kept = inner instanceof Map && rest.length > 0 ? without(inner, rest) : null;
  if (kept === null || kept.size === 0) copy.delete(key);
  else copy.set(key, kept);
  return copy;
}
