// Changes values in a JSON text with comments, by splices: what is not changed keeps its bytes. Each result is read again
// and compared with what was meant before it is returned.
// Pure.
import { type JSONPath, type Node, findNodeAtLocation } from "../base/jsonc-parser.ts";
import { type JsoncSource, formatPath, readJsonc, valueOf } from "./jsonc.ts";
import { type Members, readMembers, withMovedMember, withoutMember, writeMembers } from "./jsonc-list.ts";
import { UserError } from "../base/errors.ts";
import { t } from "../base/language.ts";

export type Change =
  /** Replaces a value or adds a key; the objects on the way to it are made. */
  | { readonly kind: "set"; readonly path: JSONPath; readonly value: unknown }
  /** Adds to the end of a list. */
  | { readonly kind: "append"; readonly path: JSONPath; readonly value: unknown }
  /** Takes a key or an entry out; no change where there is none. */
  | { readonly kind: "remove"; readonly path: JSONPath }
  /** Moves an entry of a list; places count from 0. */
  | { readonly kind: "move"; readonly path: JSONPath; readonly from: number; readonly to: number }
  /** Gives the key at the end of the path another name, in its place. */
  | { readonly kind: "rename"; readonly path: JSONPath; readonly to: string };

/**
 * `text` has no BOM. Comments stay, those inside a removed or replaced value excepted.
 * Throws UserError for a text that is not JSON, or where the result would not be exactly what was meant.
 */
export function applyChanges(text: string, file: string, changes: readonly Change[]): string {
  return changes.reduce((before, change) => applyChange(before, file, change), text);
}

function applyChange(text: string, file: string, change: Change): string {
  const source = withRoot(readJsonc(text, file));
  const result = splice(source, change);
  const meant = changeValue(valueOf(source.root), change);
  const written = readJsonc(result, file).root;
  if (written === null || JSON.stringify(valueOf(written)) !== JSON.stringify(meant)) {
    throw new UserError(
      t`${file} is written in a way that cannot be changed safely at ${formatPath(change.path)}`,
      {
        hint: "ch config edit",
      },
    );
  }
  return result;
}

type RootedSource = JsoncSource & { readonly root: Node };

/** A text without a value gets an empty object after its comments. */
function withRoot(source: JsoncSource): RootedSource {
  if (source.root !== null) return { ...source, root: source.root };
  const eol = eolOf(source.text);
  const before = source.text.trimEnd();
  return withRoot(readJsonc(`${before}${before === "" ? "" : eol}{${eol}}${eol}`, source.file));
}

function splice(source: RootedSource, change: Change): string {
  const { text, root } = source;
  const eol = eolOf(text);
  const node = findNodeAtLocation(root, [...change.path]);
  const parent = change.path.length === 0 ? undefined : findNodeAtLocation(root, change.path.slice(0, -1));
  switch (change.kind) {
    case "set":
      return node === undefined
        ? addKey(source, change.path, change.value)
        : replaceNode(source, node, change.value);
    case "append":
      if (node?.type !== "array") return addKey(source, change.path, [change.value]);
      return replaceInside(
        text,
        node,
        addMember(source, node, (style) => style.format(change.value)),
      );
    case "remove": {
      if (parent === undefined || node === undefined) return text;
      const index = (parent.children ?? []).findIndex((child) => child === node || child === node.parent);
      return replaceInside(
        text,
        parent,
        writeMembers(withoutMember(readMembers(text, parent), index, eol), eol),
      );
    }
    case "move":
      if (node === undefined) return text;
      return replaceInside(
        text,
        node,
        writeMembers(withMovedMember(readMembers(text, node), change.from, change.to), eol),
      );
    case "rename": {
      const key = node?.parent?.children?.[0];
      if (key === undefined) return text;
      return text.slice(0, key.offset) + JSON.stringify(change.to) + text.slice(key.offset + key.length);
    }
  }
}

/** Adds the rest of a path to the deepest value on it that is there. */
function addKey(source: RootedSource, path: JSONPath, value: unknown): string {
  let depth = path.length - 1;
  let holder = findNodeAtLocation(source.root, path.slice(0, depth));
  while (holder === undefined && depth > 0) {
    depth -= 1;
    holder = findNodeAtLocation(source.root, path.slice(0, depth));
  }
  const nested = path
    .slice(depth + 1)
    .reduceRight<unknown>((inner, key) => ({ [String(key)]: inner }), value);
  const key = String(path[depth]);
  if (holder?.type !== "object") return replaceNode(source, holder ?? source.root, { [key]: nested });
  return replaceInside(
    source.text,
    holder,
    addMember(source, holder, (style) => `${JSON.stringify(key)}:${style.gap}${style.format(nested)}`),
  );
}

interface Style {
  /** Between a key's colon and its value. */
  readonly gap: string;
  readonly format: (value: unknown) => string;
}

function addMember(source: RootedSource, node: Node, write: (style: Style) => string): string {
  const { text } = source;
  const list = readMembers(text, node);
  const eol = eolOf(text);
  const outer = marginOf(text, node.offset);
  const broken = list.members.find(({ lead }) => /[\r\n]/.test(lead));
  const isCompact = !/[\r\n]/.test(text.trim());
  if (isCompact || (broken === undefined && list.members.length > 0)) {
    const style = { gap: isCompact ? "" : " ", format: isCompact ? formatCompact : formatOnLine };
    const lead = isCompact ? "" : " ";
    return writeMembers(withMember(list, { lead, body: write(style) }), eol);
  }
  const margin = broken === undefined ? outer + unitOf(source) : (/[ \t]*$/.exec(broken.lead)?.[0] ?? "");
  const unit = unitOf(source);
  const body = write({ gap: " ", format: (value) => formatLines(value, { margin, unit, eol }) });
  const end = list.members.length > 0 ? list.end : eol + outer;
  const kept = list.members.length > 0 ? "" : list.end.trimEnd();
  return writeMembers({ ...withMember(list, { lead: kept + eol + margin, body }), end }, eol);
}

function withMember(list: Members, { lead, body }: { lead: string; body: string }): Members {
  return { ...list, members: [...list.members, { lead, body, beforeComma: "", tail: "" }] };
}

function replaceNode(source: RootedSource, node: Node, value: unknown): string {
  const { text } = source;
  const margin = marginOf(text, node.offset);
  const isCompact = !/[\r\n]/.test(text.trim());
  const written = isCompact
    ? formatCompact(value)
    : formatLines(value, { margin, unit: unitOf(source), eol: eolOf(text) });
  return text.slice(0, node.offset) + written + text.slice(node.offset + node.length);
}

function replaceInside(text: string, node: Node, inside: string): string {
  return text.slice(0, node.offset + 1) + inside + text.slice(node.offset + node.length - 1);
}

function formatCompact(value: unknown): string {
  return JSON.stringify(value);
}

function formatOnLine(value: unknown): string {
  return JSON.stringify(value, null, 1).replace(/\n */g, " ");
}

function formatLines(
  value: unknown,
  { margin, unit, eol }: { margin: string; unit: string; eol: string },
): string {
  return JSON.stringify(value, null, "\t")
    .split("\n")
    .map(
      (line, index) => (index === 0 ? "" : margin) + line.replace(/^\t+/, (tabs) => unit.repeat(tabs.length)),
    )
    .join(eol);
}

function eolOf(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}

/** The white space that the line of an offset begins with. */
function marginOf(text: string, offset: number): string {
  const lineStart = Math.max(text.lastIndexOf("\n", offset - 1), text.lastIndexOf("\r", offset - 1)) + 1;
  return /^[ \t]*/.exec(text.slice(lineStart))?.[0] ?? "";
}

/** One step of indentation: as the first key of the file has it. */
function unitOf({ text, root }: RootedSource): string {
  const [first] = root.children ?? [];
  if (first === undefined || !/[\r\n]/.test(text.slice(root.offset, first.offset))) return "  ";
  return marginOf(text, first.offset).slice(marginOf(text, root.offset).length);
}

/** What a change means for the value, worked out without the text. */
function changeValue(value: unknown, change: Change): unknown {
  const [key, ...rest] = change.path;
  if (key === undefined) return changeHere(value, change);
  if (Array.isArray(value) && typeof key === "number") {
    const entries: unknown[] = value;
    if (rest.length === 0 && change.kind === "remove") return entries.toSpliced(key, 1);
    return entries.map((entry, index) =>
      index === key ? changeValue(entry, { ...change, path: rest }) : entry,
    );
  }
  const object = isObject(value) ? value : {};
  if (rest.length === 0 && change.kind === "remove") {
    return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
  }
  if (rest.length === 0 && change.kind === "rename") {
    return Object.fromEntries(
      Object.entries(object).map(([name, inner]) => [name === key ? change.to : name, inner]),
    );
  }
  if (!Object.hasOwn(object, key) && (change.kind === "remove" || change.kind === "rename")) return value;
  return { ...object, [key]: changeValue(object[key], { ...change, path: rest }) };
}

function changeHere(value: unknown, change: Change): unknown {
  if (change.kind === "set") return change.value;
  const entries: unknown[] = Array.isArray(value) ? value : [];
  if (change.kind === "append") return [...entries, change.value];
  if (change.kind !== "move") return value;
  return entries.toSpliced(change.from, 1).toSpliced(change.to, 0, entries[change.from]);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
