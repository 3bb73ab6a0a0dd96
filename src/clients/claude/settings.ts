// Points a settings.json at the proxy, and takes that out again: text in, text out, only the bytes of our own keys changed.
// JSON has no place for a mark, so the journal remembers the exact text of each insertion.
// A change of another key is made below that: to the text as it would be without us, so that either can be undone first.
// Pure.
import { UserError } from "../../base/errors.ts";
import { isOwnAddress, readProxyAddress } from "../../base/service.ts";
import { type Change, applyChanges, replaceText } from "../../config/jsonc-edit.ts";
import { JsonSyntaxError, findLine, readJsonc, valueOf } from "../../config/jsonc.ts";
import { PLACEHOLDER_TOKEN } from "./layers.ts";
import {
  type Edit,
  type KeyChange,
  type Undo,
  type UndoOptions,
  type Undone,
  isSamePath,
  showKey,
} from "../client.ts";
import { type Node, findNodeAtLocation } from "jsonc-parser";
import { t } from "../../base/text.ts";

const ADDRESS_PATH = ["env", "ANTHROPIC_BASE_URL"] as const;
const TOKEN_PATH = ["env", "ANTHROPIC_AUTH_TOKEN"] as const;

export interface ClaudeEditOptions {
  readonly address: string;
  /** The user has no credential anywhere. */
  readonly needsToken: boolean;
}

/** Expects a text without a switch in it. Throws UserError, without the file's name. */
export function editClaudeSettings(source: string, { address, needsToken }: ClaudeEditOptions): Edit {
  const wanted: [readonly string[], string][] = [[ADDRESS_PATH, address]];
  if (needsToken) wanted.push([TOKEN_PATH, PLACEHOLDER_TOKEN]);
  return wanted.reduce<Edit>(
    (edit, [path, value]) => {
      const change = setString(edit.text, path, value);
      return { text: change.text, changes: [...edit.changes, ...change.changes] };
    },
    { text: source, changes: [] },
  );
}

/** Throws UserError, without the file's name, for a file that we dare not edit. */
export function undoClaudeSettings(source: string, options: UndoOptions): Undo {
  const document = readSettings(source);
  const address = textAt(document, ADDRESS_PATH);
  // The placeholder is ours alone, and says that the address beside it is too, whatever its port.
  const isOurs =
    textAt(document, TOKEN_PATH) === PLACEHOLDER_TOKEN && readProxyAddress("claude", address) !== undefined;
  const known = isOurs ? { ...options, ownAddresses: [...options.ownAddresses, address] } : options;
  // The last key that was set goes first: it may be inside what the first one added.
  return [TOKEN_PATH, ADDRESS_PATH].reduce<Undo>(
    (undo, path) => {
      const step = undoPath(undo.text, path, known);
      return step === null ? undo : { text: step.text ?? undo.text, keys: [step.key, ...undo.keys] };
    },
    { text: source, keys: [] },
  );
}

/** Has the text below a switch changed, and sets the keys that were there again. `changes`: of the switch's journal. */
export function changeBelowSwitch(
  source: string,
  changes: readonly KeyChange[],
  change: (clean: string) => string,
): Edit {
  const undone = undoClaudeSettings(source, { changes, ownAddresses: [] });
  const held = undone.keys.flatMap((key) => (key.kind === "restored" ? [key] : []));
  return held.reduce<Edit>(
    (edit, { path, value }) => {
      const next = setString(edit.text, path, value);
      return { text: next.text, changes: [...edit.changes, ...next.changes] };
    },
    { text: change(undone.text), changes: [] },
  );
}

/** "" for what is not there, or no text. */
function textAt(document: SettingsDocument, path: readonly string[]): string {
  const value: unknown = findNode(document, path)?.value;
  return typeof value === "string" ? value : "";
}

/** Expects a string there, or nothing. */
export function setString(source: string, path: readonly string[], value: string): Edit {
  const document = readSettings(source);
  const { bom, text } = document;
  const present = stringAt(document, path);
  if (present === value) return { text: source, changes: [] };
  const node = findNode(document, path);
  if (node !== undefined) {
    const before = sourceOf(document, node);
    const written = JSON.stringify(value);
    return { text: bom + replaceText(text, node, written), changes: [{ path, before, written, value }] };
  }
  const insertion = insert(document, path, value);
  return { text: insertion.text, changes: [{ path, before: null, ...insertion.change, value }] };
}

/** Adds a key that is not there. */
export function insert({ bom, root, text }: SettingsDocument, path: readonly string[], value: unknown) {
  const set: Change = { kind: "set", path: [...path], value };
  // A text without a value may end in the middle of a comment's line: the object goes before it.
  const edited = root === null ? change("{\n}\n", set) + text : change(text, set);
  return { text: bom + edited, change: findInsertion(text, edited, path) };
}

interface Step {
  /** Absent where nothing is changed. */
  readonly text?: string;
  readonly key: Undone;
}

function undoPath(source: string, path: readonly string[], options: UndoOptions): Step | null {
  const document = readSettings(source);
  const node = findNode(document, path);
  const changes = (options.changes ?? []).filter((one) => isSamePath(one.path, path));
  if (node === undefined) {
    return changes.some(({ before }) => before !== null) ? { key: { kind: "gone", path } } : null;
  }
  const ours = changes.filter(({ value }) => value === node.value);
  const [newest] = ours;
  if (newest !== undefined) {
    return {
      text: document.bom + removeChanges(document, ours, () => removeKey(document.text, newest)),
      key: { kind: "restored", path, isGuess: false, value: newest.value },
    };
  }
  if (changes.length > 0) {
    const wasNeverWritten = changes.some(({ before }) => before === sourceOf(document, node));
    return wasNeverWritten ? null : { key: { kind: "changed", path } };
  }
  if (options.changes !== null || !isRecognised(node.value, options)) return null;
  const text = document.bom + without(document.text, path);
  return { text, key: { kind: "restored", path, isGuess: true, value: String(node.value) } };
}

function isRecognised(value: unknown, { ownAddresses }: UndoOptions): boolean {
  return (
    typeof value === "string" && (value === PLACEHOLDER_TOKEN || isOwnAddress("claude", value, ownAddresses))
  );
}

/**
 * The text without what one of the changes of a key wrote, or with the key removed where it was laid out anew since. A crash may have left
 * the text as any of them made it.
 */
export function removeChanges(
  document: SettingsDocument,
  changes: readonly KeyChange[],
  remove: () => string,
): string {
  const { text } = document;
  let removed: string | undefined;
  for (const { before, path, replaced = "", written } of changes) {
    const node = findNode(document, path);
    if (node === undefined) return text;
    if (before !== null) return replaceText(text, node, before);
    const start = (node.parent?.offset ?? 0) - written.indexOf(JSON.stringify(path.at(-1)));
    if (!text.startsWith(written, start)) continue;
    const exact = text.slice(0, start) + replaced + text.slice(start + written.length);
    if (isSameValue(exact, (removed ??= remove()))) return exact;
  }
  return removed ?? remove();
}

/** For a file that was written anew meanwhile: the key goes, and so does an `env` that we made and that holds nothing. */
function removeKey(text: string, { path, written }: KeyChange): string {
  const removed = without(text, path);
  const isEnvEmpty = findNode(readSettings(removed), ["env"])?.children?.length === 0;
  return isEnvEmpty && written.includes('"env"') ? without(removed, ["env"]) : removed;
}

/** The text without a key, wherever it is. */
export function without(text: string, path: readonly string[]): string {
  return change(text, { kind: "remove", path: [...path] });
}

/** Verified by the editor itself: the result is read again and compared with what was meant. */
function change(text: string, one: Change): string {
  return withoutName(() => applyChanges(text, "", [one]));
}

function isSameValue(one: string, other: string): boolean {
  const valueIn = (text: string): string => {
    const { root } = readSettings(text);
    return JSON.stringify(root === null ? {} : valueOf(root));
  };
  try {
    return valueIn(one) === valueIn(other);
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

/** What `after` has in place of what `before` had, wide enough to hold the whole new member at `path`. */
function findInsertion(
  before: string,
  after: string,
  path: readonly string[],
): Pick<KeyChange, "written" | "replaced"> {
  const member = findNode(readSettings(after), path)?.parent;
  const start = member?.offset ?? 0;
  const end = start + (member?.length ?? 0);
  let head = 0;
  while (head < Math.min(before.length, start) && before[head] === after[head]) head += 1;
  const mostTail = Math.min(before.length - head, after.length - end);
  let tail = 0;
  while (tail < mostTail && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  return {
    written: after.slice(head, after.length - tail),
    replaced: before.slice(head, before.length - tail),
  };
}

export interface SettingsDocument {
  /** Without the BOM. */
  readonly text: string;
  readonly bom: "" | "\ufeff";
  /** Null for a text without a value, which Claude Code takes for no settings. */
  readonly root: Node | null;
}

const MAX_CHARACTERS = 2 ** 20;

/** Throws UserError with line and column for what Claude Code could not read either, or what we dare not edit. */
export function readSettings(source: string): SettingsDocument {
  if (source.length > MAX_CHARACTERS) throw new UserError(t`larger than 1 MB`);
  const bom = source.startsWith("\ufeff") ? "\ufeff" : "";
  const text = source.slice(bom.length);
  const { root } = withoutName(() => readJsonc(text, ""));
  if (root !== null && root.type !== "object") throw new UserError(t`this is not a JSON object`);
  const env = root === null ? undefined : findNodeAtLocation(root, ["env"]);
  if (env !== undefined && env.type !== "object") throw new UserError(t`env must be an object`);
  return { text, bom, root };
}

/** The value at a path, where it is there. */
export function findNode({ root }: SettingsDocument, path: readonly string[]): Node | undefined {
  return root === null ? undefined : findNodeAtLocation(root, [...path]);
}

/** The source text of a value. */
export function sourceOf({ text }: SettingsDocument, node: Node): string {
  return text.slice(node.offset, node.offset + node.length);
}

/** The value where it is a string. Throws UserError for any other kind. */
export function stringAt(document: SettingsDocument, path: readonly string[]): string | undefined {
  const node = findNode(document, path);
  if (node === undefined) return undefined;
  if (typeof node.value === "string") return node.value;
  throw new UserError(t`${showKey(path)} must be a string`);
}

/** Errors of the JSON reader begin with "file:line:column", and hint at our own config.json. */
export function withoutName<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (!(error instanceof JsonSyntaxError)) throw new UserError(error.text, { cause: error });
    const { column, line } = findLine(error.place);
    throw new UserError(t`line ${line}, column ${column}: ${error.words}`, { cause: error });
  }
}
