// The shared folder: each machine writes only into a directory of its own there, so that no service that syncs files ever finds one
// changed on two sides. What others wrote may be half there, a conflict copy, or not downloaded.
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { UserError, errorCode, ignoreSystemError } from "../../base/errors.ts";
import {
  MAX_OWN_FILE_BYTES,
  PRIVATE_FILE,
  ensurePrivateDirectory,
  listNames,
  readText,
  removeFile,
  writeFileAtomic,
} from "../../base/files.ts";
import { hashText } from "../../base/secrets.ts";
import type { Service } from "../../base/service.ts";
import { type Text, t } from "../../base/text.ts";
import {
  type ConfigFile,
  type PastChange,
  contentOf,
  fileNameOf,
  readConfigFile,
  writeConfigFile,
} from "../../config/sync/file.ts";
import { serviceOf } from "../../config/sync/local.ts";

/** What our directories there are called, before the machine's name and id. */
const PREFIX = "ch-";
const MOST_FILES = 5_000;
const PLACEHOLDER = /^\..+\.json\.icloud$/;

export interface FolderFile extends ConfigFile {
  /** "ch-laptop-1f2e3d4c" */
  readonly directory: string;
  readonly fileName: string;
}

export interface Folder {
  readonly files: readonly FolderFile[];
  /** What could not be used, and why. */
  readonly problems: readonly Text[];
}

/** Throws UserError where it is no directory that can be listed. */
export async function readFolder(root: string): Promise<Folder> {
  const files: FolderFile[] = [];
  const problems: Text[] = [];
  for (const directory of listDirectories(root)) {
    const names = listNames(join(root, directory)).toSorted();
    const absent = names.filter((name) => PLACEHOLDER.test(name)).length;
    if (absent > 0) problems.push(t`${directory}: files that are not downloaded yet: ${absent}`);
    for (const fileName of names) {
      if (!fileName.endsWith(".json") || fileName.startsWith(".")) continue;
      if (files.length >= MOST_FILES)
        throw new UserError(t`${root} has more than ${MOST_FILES} files of ours`);
      const place = `${directory}/${fileName}`;
      const text = await readQuietly(join(root, directory, fileName));
      const read = text === null ? ({ kind: "broken" } as const) : readConfigFile(text);
      if (read.kind === "file") files.push({ ...read.file, directory, fileName });
      else if (read.kind === "newer")
        problems.push(t`${place} was written by a newer version of codex-helper: it is left out`);
      else problems.push(t`${place} cannot be read, or only a part of it is there yet: it is left out`);
    }
  }
  return { files, problems };
}

/** Never through a link: whoever may write there would choose where to. */
function listDirectories(root: string): string[] {
  try {
    return readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name.startsWith(PREFIX))
      .map(({ name }) => name)
      .toSorted();
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    throw new UserError(t`${root} is not a directory that can be read`, { cause: error });
  }
}

async function readQuietly(path: string): Promise<string | null> {
  const isFile = ignoreSystemError(() => lstatSync(path).isFile(), false);
  if (!isFile) return null;
  try {
    return await readText(path, MAX_OWN_FILE_BYTES);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return null;
  }
}

/**
 * Writes what this machine has to say, as far as it is not there already; `present` are its own files as they were read. Throws UserError
 * where that is not possible.
 */
export function writeFolder(
  root: string,
  present: readonly FolderFile[],
  wanted: readonly ConfigFile[],
): void {
  const [first] = wanted;
  if (first === undefined) return;
  const { id, name } = first.machine;
  const directory =
    present[0]?.directory ?? `${PREFIX}${name.replace(/[^A-Za-z0-9]+/g, "-").slice(0, 24)}-${id}`;
  const path = join(root, directory);
  refuseLink(path, "directory");
  ensurePrivateDirectory(path);
  for (const file of wanted) {
    const called = file.registers.get("name")?.value;
    const shown = typeof called === "string" ? called : file.id.slice(file.id.indexOf("/") + 1);
    const fileName = fileNameOf(file.id, shown, hashText(file.id));
    const before = present.find((one) => one.id === file.id && one.fileName === fileName);
    if (before === undefined || contentOf(before) !== contentOf(file)) {
      refuseLink(join(path, fileName), "file");
      writeFileAtomic(join(path, fileName), writeConfigFile(file), { mode: PRIVATE_FILE });
    }
    for (const old of present)
      if (old.id === file.id && old.fileName !== fileName && old.directory === directory)
        removeFile(join(path, old.fileName));
  }
}

function refuseLink(path: string, kind: "directory" | "file"): void {
  const stats = ignoreSystemError(() => lstatSync(path), null);
  if (stats === null || (kind === "directory" ? stats.isDirectory() : stats.isFile())) return;
  throw new UserError(t`${path} is something else than this machine wrote there`, { hint: `rm ${path}` });
}

export interface PastOfMachine extends PastChange {
  readonly machine: string;
  readonly service: Service | null;
}

/** What all machines changed, the oldest first: by their own clocks. Throws UserError. */
export async function readHistory(root: string): Promise<readonly PastOfMachine[]> {
  const { files } = await readFolder(root);
  const all = files.flatMap(({ history, id, machine }) =>
    history.map((one) => ({ ...one, machine: machine.name, service: serviceOf(id) })),
  );
  return all.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}
