// JSON with comments and trailing commas, read strictly otherwise: one value, no key twice, no depth that overflows.
// Knows positions in the text, not what the values mean.
// Pure.
import {
  type JSONPath,
  type Node,
  type ParseError,
  createScanner,
  findNodeAtLocation,
  parseTree,
} from "jsonc-parser";
import { UserError } from "../base/errors.ts";
import { describeJsonError } from "../base/json-value.ts";
import { type Text, t } from "../base/text.ts";

export interface JsoncSource {
  /** Without a BOM. */
  readonly text: string;
  /** For messages. */
  readonly file: string;
  /** Null for a text without a value: nothing, white space, comments. */
  readonly root: Node | null;
}

/** Throws UserError with file, line and column; `hint` is what to type then. */
export function readJsonc(text: string, file: string, hint?: string): JsoncSource {
  const refuse: Refuse = (words, offset) => {
    throw new JsonSyntaxError(words, { text, file, offset }, hint);
  };
  refuseDepth(text, refuse);
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true, allowEmptyContent: true }) ?? null;
  const [first] = errors;
  if (first !== undefined) {
    const { offset, words } = describeJsonError(text, first);
    refuse(words, offset);
  }
  if (root !== null) refuseDuplicates(root, refuse);
  return { text, file, root };
}

/** Throws UserError for a text without a value: what a file is for a moment while a program saves it in place. */
export function refuseEmpty(text: string, file: string, hint?: string): void {
  if (readJsonc(text, file, hint).root === null) throw new UserError(t`${file} is empty`, { hint });
}

/** The value of a node. A key `__proto__` would change the object instead of being in it: it is left out. */
export function valueOf(node: Node): unknown {
  if (node.type === "array") return (node.children ?? []).map(valueOf);
  if (node.type !== "object") return node.value;
  const object: Record<string, unknown> = {};
  for (const property of node.children ?? []) {
    const [key, value] = property.children ?? [];
    const name = String(key?.value);
    if (value !== undefined && name !== "__proto__") object[name] = valueOf(value);
  }
  return object;
}

/** "file:line:column" of the value at a path, or of the nearest one around it. */
export function placeOf(source: JsoncSource, path: JSONPath): string {
  if (source.root === null) return source.file;
  for (let length = path.length; length > 0; length -= 1) {
    const node = findNodeAtLocation(source.root, path.slice(0, length));
    if (node !== undefined) return formatPlace({ ...source, offset: node.offset });
  }
  return formatPlace({ ...source, offset: source.root.offset });
}

/** The line of the key at the end of a path that is there, counted from 1. */
export function lineOfKey({ root, text }: JsoncSource, path: JSONPath): number {
  const node = root === null ? undefined : findNodeAtLocation(root, [...path]);
  return findLine({ text, offset: node?.parent?.offset ?? 0 }).line;
}

/** codex.configs.main.upstreams[0].base_url */
export function formatPath(path: JSONPath): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`))
    .join("")
    .replace(/^\./, "");
}

/** A problem of the value at a path, or of the whole file: "file:2:5: codex.active: must be text". */
export function describeAt(source: JsoncSource, path: JSONPath, problem: Text): Text {
  const name = path.length === 0 ? t`the file` : formatPath(path);
  return t`${placeOf(source, path)}: ${name}: ${problem}`;
}

interface Place {
  readonly text: string;
  readonly file: string;
  readonly offset: number;
}

/** What is wrong with a JSON text, and where. */
export class JsonSyntaxError extends UserError {
  constructor(
    readonly words: Text,
    readonly place: Place,
    hint?: string,
  ) {
    super(t`${formatPlace(place)}: ${words}`, { hint });
  }
}

/** Line and column count from 1; a column is a UTF-16 unit, as in editors. */
export function findLine({ text, offset }: Pick<Place, "text" | "offset">): { line: number; column: number } {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}

function formatPlace(place: Place): string {
  const { column, line } = findLine(place);
  return `${place.file}:${line}:${column}`;
}

type Refuse = (words: Text, offset: number) => never;

const MAX_DEPTH = 64;
/** SyntaxKind of jsonc-parser, whose enum exists for the type checker only. */
const OPENING = new Set([1, 3]);
const CLOSING = new Set([2, 4]);
const END_OF_FILE = 17;

/** The tokens of a JSON text, white space and comments too. */
export function* listTokens(text: string): Generator<{ kind: number; offset: number }> {
  const scanner = createScanner(text, false);
  for (let kind: number = scanner.scan(); kind !== END_OF_FILE; kind = scanner.scan()) {
    yield { kind, offset: scanner.getTokenOffset() };
  }
}

/** The parser calls itself for each level. */
function refuseDepth(text: string, refuse: Refuse): void {
  let depth = 0;
  for (const { kind, offset } of listTokens(text)) {
    if (OPENING.has(kind)) depth += 1;
    else if (CLOSING.has(kind)) depth -= 1;
    if (depth > MAX_DEPTH) refuse(t`nested deeper than ${MAX_DEPTH} levels`, offset);
  }
}

function refuseDuplicates(node: Node, refuse: Refuse): void {
  const seen = new Set<string>();
  for (const child of node.children ?? []) {
    if (child.type === "property") {
      const name = String(child.children?.[0]?.value);
      if (seen.has(name)) refuse(t`duplicate key "${name}"`, child.offset);
      seen.add(name);
    }
    refuseDuplicates(child, refuse);
  }
}
