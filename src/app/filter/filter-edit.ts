// Adds a pack to a file of redaction rules, or removes it: under a lock, whole or not at all, the last versions kept. A file
// that is not valid is never written, and one that is gone is not begun anew: its rules would be forgotten.
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { decodeText } from "../../base/bytes.ts";
import {
  MAX_OWN_FILE_BYTES,
  PRIVATE_FILE,
  ensurePrivateDirectory,
  readBytes,
  writeFileAtomic,
} from "../../base/files.ts";
import { isRecord } from "../../base/json-value.ts";
import { withLock } from "../../base/lock.ts";
import type { Paths } from "../../base/paths.ts";
import { t } from "../../base/text.ts";
import { type ConfigPaths, keepVersionOf } from "../../config/file.ts";
import { applyChanges, replaceText } from "../../config/jsonc-edit.ts";
import { readJsonc, valueOf } from "../../config/jsonc.ts";
import { findAt, makeFilterRecord } from "../../filter/filter-record.ts";
import type { PackName } from "../../filter/packs.ts";
import { makeDangling, makeRemoved } from "../../filter/redaction.ts";
import { parseRules } from "../../filter/rules.ts";

export interface PackChange {
  readonly pack: PackName;
  /** Undefined: as it is, or not for a new entry. Null: the pack is removed. */
  readonly restore: boolean | undefined | null;
}

export type FilterPaths = ConfigPaths & Pick<Paths, "filter" | "filterRecord">;

/** `path`: filter.json or a project's file. `now`: wall clock, ms. False: nothing was to be done. Throws UserError. */
export async function updatePack(
  { now, path, paths }: { readonly path: string; readonly paths: FilterPaths; readonly now: () => number },
  change: PackChange,
): Promise<boolean> {
  return await withLock(join(paths.run, "filter.lock"), async () => {
    refuseGone(path, paths);
    const bytes = await readBytes(path, MAX_OWN_FILE_BYTES);
    const whole = bytes === null ? null : decodeText(bytes, path, { keepsBom: true });
    const bom = whole?.startsWith("\uFEFF") === true ? "\uFEFF" : "";
    const text = whole?.slice(bom.length) ?? null;
    if (text !== null) parseRules(text, path);
    const result = editRules(text, path, change);
    if (result === text) return false;
    parseRules(result, path);
    ensurePrivateDirectory(paths.home);
    if (bytes !== null) keepVersionOf(paths.backups, bytes, { now: now(), file: "filter.json" });
    const present = await readBytes(path, MAX_OWN_FILE_BYTES);
    if (Buffer.compare(present ?? NOTHING, bytes ?? NOTHING) !== 0)
      throw new UserError(t`another program has just changed ${path}; try again`);
    writeFileAtomic(path, bom + result, { mode: PRIVATE_FILE, isLocked: true });
    return true;
  });
}

const NOTHING = new Uint8Array(0);

function refuseGone(path: string, paths: FilterPaths): void {
  const what = findAt(path);
  if (what === "a link") throw makeDangling(path);
  const isGone = what === "nothing" && path === paths.filter;
  if (isGone && makeFilterRecord(paths.filterRecord, null).read() === "seen") throw makeRemoved(path);
}

/** The text with the pack in it, or without it; null: there is no file. `text` is valid. */
export function editRules(text: string | null, path: string, { pack, restore }: PackChange): string {
  const entry = restore === true ? { pack, restore } : { pack };
  if (text === null) return restore === null ? "[]\n" : `[\n  ${formatEntry(entry)}\n]\n`;
  const { root } = readJsonc(text, path);
  if (root === null) return text;
  const value = valueOf(root);
  const isThis = (one: unknown): boolean => isRecord(one) && one["pack"] === pack;
  if (!Array.isArray(value)) {
    if (restore === null) return isThis(value) ? replaceText(text, root, "[]") : text;
    const rule = text.slice(root.offset, root.offset + root.length);
    return editRules(replaceText(text, root, `[\n  ${rule}\n]`), path, { pack, restore });
  }
  const places = value.flatMap((one, index) => (isThis(one) ? [index] : []));
  if (restore === null)
    return applyChanges(
      text,
      path,
      places.toReversed().map((index) => ({ kind: "remove", path: [index] })),
    );
  if (places.length > 0) {
    const other = places.filter((index) => restore !== undefined && readRestore(value[index]) !== restore);
    return applyChanges(
      text,
      path,
      other.map((index) => ({ kind: "set", path: [index, "restore"], value: restore })),
    );
  }
  return addEntry(text, path, entry);
}

/** Adds to the end of the list. On one line, as people write it, where the others are on lines of their own. */
function addEntry(text: string, path: string, entry: object): string {
  const appended = applyChanges(text, path, [{ kind: "append", path: [], value: entry }]);
  const last = readJsonc(appended, path).root?.children?.at(-1);
  return last === undefined ? appended : replaceText(appended, last, formatEntry(entry));
}

function formatEntry(entry: object): string {
  return JSON.stringify(entry, null, 1).replace(/\n */g, " ");
}

function readRestore(entry: unknown): boolean {
  return isRecord(entry) && entry["restore"] === true;
}
