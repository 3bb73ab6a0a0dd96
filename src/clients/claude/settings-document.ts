// A settings.json of Claude Code as its text and the values in its `env`. Refuses what cannot be edited safely.
// Changes nothing.
// Pure.
import { type Node, findNodeAtLocation } from "jsonc-parser";
import { UserError } from "../../base/errors.ts";
import { t } from "../../base/text.ts";
import { readJsonc, JsonSyntaxError, findLine } from "../../config/jsonc.ts";
import { showKey } from "../client.ts";

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
  throw new UserError(t`${showKey(path)} must be a text`);
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
