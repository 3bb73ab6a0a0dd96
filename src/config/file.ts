// Reads config.json, and changes it: one process at a time, whole or not at all, with the last versions kept.
// Never writes over a file that it cannot read.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import {
  PRIVATE_FILE,
  ensurePrivateDirectory,
  readBytes,
  readText,
  removeFile,
  writeFileAtomic,
} from "../base/files.ts";
import { withLock } from "../base/lock.ts";
import type { Paths } from "../base/paths.ts";
import { t } from "../base/language.ts";
import { type Plan, editConfig } from "./edit.ts";
import { type ParsedConfig, makeEmptyConfig, parseConfig } from "./parse.ts";

export type ConfigPaths = Pick<Paths, "home" | "config" | "backups" | "run">;

const KEPT_VERSIONS = 5;

/** What the file says; an empty config where there is none. Throws UserError with the place of a mistake. */
export async function loadConfig(path: string): Promise<ParsedConfig> {
  const text = await readText(path);
  return text === null ? makeEmptyConfig() : parseConfig(text, path);
}

/**
 * Carries out a plan on the file, under a lock against other processes.
 * `now` is the wall clock, ms. Throws UserError and leaves the file as it is when the plan or the file refuses.
 */
export async function updateConfig(paths: ConfigPaths, plan: Plan, now: () => number): Promise<void> {
  await withLock(join(paths.run, "config.lock"), async () => {
    const bytes = await readBytes(paths.config);
    const text = decode(bytes, paths.config);
    const result = editConfig(text, paths.config, plan);
    if (result === text) return;
    ensurePrivateDirectory(paths.home);
    if (bytes !== null) keepVersion(paths.backups, bytes, now());
    const present = await readBytes(paths.config);
    if (Buffer.compare(present ?? NOTHING, bytes ?? NOTHING) !== 0) {
      throw new UserError(t`${paths.config} was changed by another program just now; try again`);
    }
    writeFileAtomic(paths.config, result, { mode: PRIVATE_FILE });
  });
}

const NOTHING = new Uint8Array(0);

/** With a BOM, which is to stay. */
function decode(bytes: Uint8Array | null, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes ?? NOTHING);
  } catch (error) {
    throw new UserError(t`${path} is not valid UTF-8`, { cause: error });
  }
}

/** Puts a version beside the earlier ones, and removes those that are too many. */
export function keepVersion(directory: string, bytes: Uint8Array, now: number): void {
  ensurePrivateDirectory(directory);
  const versions = readdirSync(directory)
    .filter((name) => /^config\.json\.\d+$/.test(name))
    .toSorted();
  const latest = Number(versions.at(-1)?.slice("config.json.".length) ?? 0);
  // The time in ms has 13 digits until the year 2286, so that the names sort.
  const name = `config.json.${Math.max(now, latest + 1)}`;
  writeFileAtomic(join(directory, name), bytes, { mode: PRIVATE_FILE });
  for (const old of versions.slice(0, Math.max(0, versions.length + 1 - KEPT_VERSIONS))) {
    removeFile(join(directory, old));
  }
}
