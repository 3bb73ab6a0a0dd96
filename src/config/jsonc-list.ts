// The inside of one JSON object or list as text: its members, each with the comments that belong to it, so that members
// can be added, taken out and reordered while every other byte stays.
// Pure.
import { type Node, createScanner } from "../base/jsonc-parser.ts";

export interface Member {
  /** White space and comments before it, from the line after its predecessor's. */
  readonly lead: string;
  /** The value of a list, or `"key": value` of an object. */
  readonly body: string;
  /** What stands between it and its comma; nothing, mostly. */
  readonly beforeComma: string;
  /** Comments after it, up to the end of its line. */
  readonly tail: string;
}

export interface Members {
  /** What follows the opening bracket on its line. */
  readonly head: string;
  readonly members: readonly Member[];
  readonly hasTrailingComma: boolean;
  /** What stands before the closing bracket. */
  readonly end: string;
}

/** SyntaxKind of jsonc-parser, whose enum exists for the type checker only. */
const COMMA = 5;
const LINE_COMMENT = 12;
const BLOCK_COMMENT = 13;
const LINE_BREAK = 14;
const END_OF_FILE = 17;

/** `node` is an object or a list of `text`. */
export function readMembers(text: string, node: Node): Members {
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
export function writeMembers({ head, members, hasTrailingComma, end }: Members, eol: string): string {
  const pieces = members.flatMap(({ lead, body, beforeComma, tail }, index) => {
    const comma = index < members.length - 1 || hasTrailingComma ? "," : "";
    return [lead, body + beforeComma + comma, tail];
  });
  const inside = joinTrivia([head, ...pieces, end], eol);
  return endsInLineComment(inside) ? inside + eol : inside;
}

/** The members without one of them. Its comments stay: they may be about its neighbours. */
export function withoutMember(list: Members, index: number, eol: string): Members {
  const gone = list.members[index];
  if (gone === undefined) return list;
  const kept = keepComments(gone, eol);
  const members = list.members.filter((_, place) => place !== index);
  const next = members[index];
  if (next === undefined) return { ...list, members, end: joinTrivia([kept, list.end], eol) };
  const heir = { ...next, lead: joinTrivia([kept, next.lead], eol) };
  return { ...list, members: members.with(index, heir) };
}

/** The members with one of them at another place. Comments go with it; mere white space stays where it is. */
export function withMovedMember(list: Members, from: number, to: number): Members {
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
  for (const { kind } of tokens(piece)) {
    if (kind === LINE_COMMENT) isOpen = true;
    else if (kind === LINE_BREAK) isOpen = false;
  }
  return isOpen;
}

/** Splits white space and comments after their first line. On a single line they all belong to what follows. */
function splitAtLineEnd(trivia: string): { sameLine: string; rest: string } {
  let hasComment = false;
  for (const { kind, offset } of tokens(trivia)) {
    if (kind === LINE_COMMENT || kind === BLOCK_COMMENT) hasComment = true;
    if (kind !== LINE_BREAK) continue;
    return hasComment
      ? { sameLine: trivia.slice(0, offset), rest: trivia.slice(offset) }
      : { sameLine: "", rest: trivia };
  }
  return { sameLine: "", rest: trivia };
}

function splitAtComma(trivia: string): { before: string; hasComma: boolean; after: string } {
  for (const { kind, offset } of tokens(trivia)) {
    if (kind === COMMA) {
      return { before: trivia.slice(0, offset), hasComma: true, after: trivia.slice(offset + 1) };
    }
  }
  return { before: "", hasComma: false, after: trivia };
}

function* tokens(text: string): Generator<{ kind: number; offset: number }> {
  const scanner = createScanner(text, false);
  for (let kind: number = scanner.scan(); kind !== END_OF_FILE; kind = scanner.scan()) {
    yield { kind, offset: scanner.getTokenOffset() };
  }
}
