// The second opinion on an edit of config.toml: another parser reads it before and after, and finds nothing changed but
// the keys that were meant.
// Pure.
import { isDeepStrictEqual } from "node:util";
import { UserError } from "../../base/errors.ts";
import { t } from "../../base/text.ts";
import { isTable, parseToml } from "./layers.ts";

/** Tables as maps: what a key is called then means nothing to JavaScript. */
type Tree = ReadonlyMap<string, unknown>;

/** Throws UserError when anything outside of `paths` reads differently, or `after` does not read at all. */
export function verifyEdit(before: string, after: string, paths: readonly (readonly string[])[]): void {
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
  return new Map(Object.entries(parseToml(text, "config.toml")).map(([key, value]) => [key, toTree(value)]));
}

function toTree(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toTree);
  return isTable(value) ? new Map(Object.entries(value).map(([key, inner]) => [key, toTree(inner)])) : value;
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
