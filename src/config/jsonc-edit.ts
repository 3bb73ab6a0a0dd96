// Changes values in a JSON text with comments, by splices: what is not changed keeps its bytes. Each result is parsed again
// and compared with the intended value before it is returned.
// Pure.
import { type JSONPath, type Node, findNodeAtLocation } from "jsonc-parser";
import { UserError } from "../base/errors.ts";
import { isRecord } from "../base/json-value.ts";
import { t } from "../base/text.ts";
import { type JsoncSource, formatPath, listTokens, readJsonc, valueOf } from "./jsonc.ts";

export type Change =
  /** Replaces a value or adds a key; the objects on the way to it are made. */
  | { readonly kind: "set"; readonly path: JSONPath; readonly value: unknown }
  /** Adds to the end of a list. */
  | { readonly kind: "append"; readonly path: JSONPath; readonly value: unknown }
  /** Removes a key or an entry; no change where there is none. */
  | { readonly kind: "remove"; readonly path: JSONPath }
  /** Moves an entry of a list; places count from 0. */
  | { readonly kind: "move"; readonly path: JSONPath; readonly from: number; readonly to: number }
  /** Renames the key at the end of the path, without moving it. */
  | { readonly kind: "rename"; readonly path: JSONPath; readonly to: string };

/**
 * `text` has no BOM. Comments stay, those inside a removed or replaced value excepted.
 * Throws UserError for a text that is not JSON, or where the result would not be exactly the intended one.
 */
export function applyChanges(text: string, file: string, changes: readonly Change[]): string {
  return changes.reduce((before, change) => applyChange(before, file, change), text);
}

function applyChange(text: string, file: string, change: Change): string {
  const source = withRoot(readJsonc(text, file));
  const result = splice(source, change);
  const intended = changeValue(valueOf(source.root), change);
  const written = readJsonc(result, file).root;
  if (written === null || JSON.stringify(valueOf(written)) !== JSON.stringify(intended)) {
    throw new UserError(
      t`${file} cannot be changed safely at ${formatPath(change.path)} because of how it is written`,
      {
        hint: "ch config edit",
      },
    );
  }
  return result;
}

/** A text with a value in it, and how it is laid out. */
interface RootedSource {
  readonly text: string;
  readonly root: Node;
  readonly eol: string;
  /** All on one line. */
  readonly isCompact: boolean;
}

/** A text without a value gets an empty object after its comments. */
function withRoot({ text, file, root }: JsoncSource): RootedSource {
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  if (root !== null) return { text, root, eol, isCompact: !/[\r\n]/.test(text.trim()) };
  const before = text.trimEnd();
  return withRoot(readJsonc(`${before}${before === "" ? "" : eol}{${eol}}${eol}`, file));
}

function splice(source: RootedSource, change: Change): string {
  const { text, root, eol } = source;
  const node = findNodeAtLocation(root, [...change.path]);
  const parent = change.path.length === 0 ? undefined : findNodeAtLocation(root, change.path.slice(0, -1));
  switch (change.kind) {
    case "set":
      return node === undefined
        ? addKey(source, change.path, change.value)
        : replaceNode(source, node, change.value);
    case "append":
      if (node?.type !== "array") return addKey(source, change.path, [change.value]);
      return addMember(source, node, (style) => style.format(change.value));
    case "remove": {
      if (parent === undefined || node === undefined) return text;
      const index = (parent.children ?? []).findIndex((child) => child === node || child === node.parent);
      return replaceMembers(source, parent, withoutMember(readMembers(text, parent), index, eol));
    }
    case "move":
      if (node === undefined) return text;
      return replaceMembers(source, node, withMovedMember(readMembers(text, node), change.from, change.to));
    case "rename": {
      const key = node?.parent?.children?.[0];
      if (key === undefined) return text;
      return replaceText(text, key, JSON.stringify(change.to));
    }
  }
}

/** Adds the rest of a path to the deepest existing value on it. */
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
  return addMember(source, holder, (style) => `${JSON.stringify(key)}:${style.gap}${style.format(nested)}`);
}

interface Style {
  /** Between a key's colon and its value. */
  readonly gap: string;
  readonly format: (value: unknown) => string;
}

function addMember(source: RootedSource, node: Node, write: (style: Style) => string): string {
  const { text, eol, isCompact } = source;
  const list = readMembers(text, node);
  const outer = marginOf(text, node.offset);
  const broken = list.members.find(({ lead }) => /[\r\n]/.test(lead));
  if (isCompact || (broken === undefined && list.members.length > 0)) {
    const gap = isCompact ? "" : " ";
    const body = write({ gap, format: isCompact ? formatCompact : formatOnLine });
    return replaceMembers(source, node, withMember(list, { lead: gap, body }));
  }
  const margin = broken === undefined ? outer + unitOf(source) : (/[ \t]*$/.exec(broken.lead)?.[0] ?? "");
  const body = write({ gap: " ", format: (value) => formatLines(value, margin, source) });
  const end = list.members.length > 0 ? list.end : eol + outer;
  const kept = list.members.length > 0 ? "" : list.end.trimEnd();
  return replaceMembers(source, node, { ...withMember(list, { lead: kept + eol + margin, body }), end });
}

function withMember(list: Members, { lead, body }: { lead: string; body: string }): Members {
  return { ...list, members: [...list.members, { lead, body, beforeComma: "", tail: "" }] };
}

function replaceNode(source: RootedSource, node: Node, value: unknown): string {
  const { text, isCompact } = source;
  const written = isCompact ? formatCompact(value) : formatLines(value, marginOf(text, node.offset), source);
  return replaceText(text, node, written);
}

function replaceMembers({ text, eol }: RootedSource, { offset, length }: Node, members: Members): string {
  return replaceText(text, { offset: offset + 1, length: length - 2 }, writeMembers(members, eol));
}

/** The text with other words in the place of a node. */
export function replaceText(
  text: string,
  { offset, length }: Pick<Node, "offset" | "length">,
  written: string,
): string {
  return text.slice(0, offset) + written + text.slice(offset + length);
}

function formatCompact(value: unknown): string {
  return JSON.stringify(value);
}

function formatOnLine(value: unknown): string {
  return JSON.stringify(value, null, 1).replace(/\n */g, " ");
}

function formatLines(value: unknown, margin: string, source: RootedSource): string {
  const unit = unitOf(source);
  return JSON.stringify(value, null, "\t")
    .split("\n")
    .map(
      (line, index) => (index === 0 ? "" : margin) + line.replace(/^\t+/, (tabs) => unit.repeat(tabs.length)),
    )
    .join(source.eol);
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

/** The value after a change, calculated without the text. */
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
  const object = isRecord(value) ? value : {};
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

/**
 * The inside of one JSON object or list as text: its members, each with the comments that belong to it, so that members can
 * be added, taken out and reordered while every other byte stays.
 */
interface Members {
  /** What follows the opening bracket on its line. */
  readonly head: string;
  readonly members: readonly Member[];
  readonly hasTrailingComma: boolean;
  /** What is before the closing bracket. */
  readonly end: string;
}

interface Member {
  /** White space and comments before it, from the line after its predecessor's. */
  readonly lead: string;
  /** The value of a list, or `"key": value` of an object. */
  readonly body: string;
  /** What is between it and its comma; nothing, mostly. */
  readonly beforeComma: string;
  /** Comments after it, up to the end of its line. */
  readonly tail: string;
}

/** SyntaxKind of jsonc-parser, whose enum exists for the type checker only. */
const COMMA = 5;
const LINE_COMMENT = 12;
const BLOCK_COMMENT = 13;
const LINE_BREAK = 14;

/** `node` is an object or a list of `text`. */
function readMembers(text: string, node: Node): Members {
  const children = node.children ?? [];
  const close = node.offset + node.length - 1;
  const first = children[0]?.offset ?? close;
  let gap = splitAtLineEnd(text.slice(node.offset + 1, first));
  const head = gap.sameLine;
  let hasTrailingComma = false;
  const members = children.map((child, index) => {
    const lead = gap.rest;
    const childEnd = child.offset + child.length;
    const next = children[index + 1]?.offset ?? close;
    const after = splitAtComma(text.slice(childEnd, next));
    if (index === children.length - 1) hasTrailingComma = after.hasComma;
    gap = splitAtLineEnd(after.after);
    return { lead, body: text.slice(child.offset, childEnd), beforeComma: after.before, tail: gap.sameLine };
  });
  return { head, members, hasTrailingComma, end: gap.rest };
}

/** The text between the brackets. */
function writeMembers({ head, members, hasTrailingComma, end }: Members, eol: string): string {
  const pieces = members.flatMap(({ lead, body, beforeComma, tail }, index) => {
    const comma = index < members.length - 1 || hasTrailingComma ? "," : "";
    return [lead, body + beforeComma + comma, tail];
  });
  const inside = joinTrivia([head, ...pieces, end], eol);
  return endsInLineComment(inside) ? inside + eol : inside;
}

/** The members without one of them. Its comments stay: they may be about its neighbours. */
function withoutMember(list: Members, index: number, eol: string): Members {
  const removed = list.members[index];
  if (removed === undefined) return list;
  const comments = keepComments(removed, eol);
  const members = list.members.filter((_, place) => place !== index);
  const next = members[index];
  if (next === undefined) return { ...list, members, end: joinTrivia([comments, list.end], eol) };
  const following = { ...next, lead: joinTrivia([comments, next.lead], eol) };
  return { ...list, members: members.with(index, following) };
}

/** The members with one of them at another place. Comments go with it; mere white space stays where it is. */
function withMovedMember(list: Members, from: number, to: number): Members {
  const moving = list.members[from];
  if (moving === undefined) return list;
  const members = list.members.toSpliced(from, 1).toSpliced(to, 0, moving);
  const hasLeadComments = members.some(({ lead }) => lead.trim() !== "");
  if (hasLeadComments) return { ...list, members };
  const leads = list.members.map(({ lead }) => lead);
  return { ...list, members: members.map((member, place) => ({ ...member, lead: leads[place] ?? "" })) };
}

function keepComments({ lead, beforeComma, tail }: Member, eol: string): string {
  const before = lead.trim() === "" ? "" : lead.trimEnd();
  const after = joinTrivia([beforeComma, tail], eol).trim();
  if (after === "") return before;
  const [, margin = ""] = /((?:\r\n|\r|\n)[ \t]*)$/.exec(lead) ?? [];
  return joinTrivia([before, margin + after], eol);
}

/** Concatenates, with a line break where a line comment would swallow what comes next. */
function joinTrivia(pieces: readonly string[], eol: string): string {
  let joined = "";
  let isOpenComment = false;
  for (const piece of pieces) {
    if (piece === "") continue;
    joined += isOpenComment && !/^[\r\n]/.test(piece) ? eol + piece : piece;
    isOpenComment = endsInLineComment(piece);
  }
  return joined;
}

function endsInLineComment(piece: string): boolean {
  let isOpen = false;
  for (const { kind } of listTokens(piece)) {
    if (kind === LINE_COMMENT) isOpen = true;
    else if (kind === LINE_BREAK) isOpen = false;
  }
  return isOpen;
}

/** Splits white space and comments after their first line. On a single line they all belong to what follows. */
function splitAtLineEnd(trivia: string): { sameLine: string; rest: string } {
  let hasComment = false;
  for (const { kind, offset } of listTokens(trivia)) {
    if (kind === LINE_COMMENT || kind === BLOCK_COMMENT) hasComment = true;
    if (kind !== LINE_BREAK) continue;
    return hasComment
      ? { sameLine: trivia.slice(0, offset), rest: trivia.slice(offset) }
      : { sameLine: "", rest: trivia };
  }
  return { sameLine: "", rest: trivia };
}

function splitAtComma(trivia: string): { before: string; hasComma: boolean; after: string } {
  for (const { kind, offset } of listTokens(trivia)) {
    if (kind === COMMA) {
      return { before: trivia.slice(0, offset), hasComma: true, after: trivia.slice(offset + 1) };
    }
  }
  return { before: "", hasComma: false, after: trivia };
}
