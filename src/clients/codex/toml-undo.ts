// Takes a switch out of a config.toml again: text in, text out. A key goes back only where it still holds our value, by
// what the journal remembers, else by the mark behind it, else by its looks; everything else in the file stays.
// Pure.
import { readProxyPort } from "../../base/service.ts";
import type { TomlDocument, TomlEntry } from "./toml-document.ts";
import { findEntry, readToml, stringOf } from "./toml-document.ts";
import { type FoundMark, OWN_PROVIDER_PATH, findOwnTable, hasOwnProvider } from "./toml-mark.ts";
import { OWN_PROVIDER } from "./own-provider.ts";
import { markBehind, removeStatement, removeTable, unsetValue } from "./toml-splice.ts";
import { verifyEdit } from "./toml-verify.ts";
import { type KeyChange, type Undo, type UndoOptions, type Undone, isSamePath } from "../client.ts";

export interface CodexUndoOptions extends UndoOptions {
  /** A stored session names our own provider: its table stays, and does nothing. */
  readonly keepsOwnTable: boolean;
}

/** One thing to put back. `apply` gives the new text of a document that is unchanged up to the end of this key. */
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
    // Where the journal knows what we wrote, another local address is somebody else's, unless it can only be ours.
    const isOurs = (it: string): boolean =>
      changes.length > 0 ? options.ownAddresses.includes(it) : hasOurForm(path, it);
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

/** What we added was a line of its own; inside an inline table somebody else has moved it there. */
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

/** The mark stands behind the whole statement: in an inline table it must be plain which key it means. */
function ownMark(document: TomlDocument, entry: TomlEntry, options: CodexUndoOptions): FoundMark | undefined {
  const { ownAddresses } = options;
  const mark = markBehind(document, entry);
  if (mark === undefined || !entry.isInline) return mark;
  const all = listSwitchable(document, options).filter((other) => other.statement === entry.statement);
  const certain = all.filter((other) => ownAddresses.includes(stringOf(other) ?? ""));
  const likely = all.filter((other) => hasOurForm(other.path.map(String), stringOf(other) ?? ""));
  const meant = [certain, likely, all].find(({ length }) => length > 0) ?? [];
  return meant.length === 1 && meant[0] === entry ? mark : undefined;
}

function hasOurForm(path: readonly string[], value: string): boolean {
  if (path[0] === "model_provider") return value === OWN_PROVIDER;
  return readProxyPort("codex", value) !== undefined;
}

function looksOurs(
  document: TomlDocument,
  path: readonly string[],
  value: string,
  options: CodexUndoOptions,
): boolean {
  if (path[0] !== "model_provider") return options.ownAddresses.includes(value);
  const isOurs = findOwnTable(document) !== undefined && !isOursByNameOnly(document, options);
  return value === OWN_PROVIDER && isOurs;
}

/** Keys of the user's that we had changed, and that are no longer there to be put back. */
function findGone(document: TomlDocument, { changes }: CodexUndoOptions): Undone[] {
  const replaced = (changes ?? []).filter(({ before }) => before !== null).map(({ path }) => path);
  const gone = replaced.filter(
    (path, at) =>
      !document.entries.some((entry) => isSamePath(entry.path, path)) &&
      replaced.findIndex((other) => isSamePath(other, path)) === at,
  );
  return gone.map((path) => ({ kind: "gone", path }));
}

function findChanges({ changes }: CodexUndoOptions, path: readonly string[]): readonly KeyChange[] {
  return (changes ?? []).filter((change) => isSamePath(change.path, path));
}
