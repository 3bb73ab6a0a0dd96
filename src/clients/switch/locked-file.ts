// What every change of a client's file needs, of a switch and of a status line below it: the lock, healing first, another try where
// the client writes too, and the way back after a failure. Decides nothing about what is changed.
import { basename, dirname, join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { realPath, removeFile, statOrNull } from "../../base/files.ts";
import { removeLeftovers } from "../../base/leftovers.ts";
import { withLock } from "../../base/lock.ts";
import { SERVICE_FACTS } from "../../base/service.ts";
import { t } from "../../base/text.ts";
import { type KeyChange, type SwitchTarget, isSamePath } from "../client.ts";
import { listRelativeHome } from "../override.ts";
import {
  type ClientFile,
  WrittenMeanwhile,
  readClientFile,
  removeClientFile,
  writeClientFile,
} from "./client-file.ts";
import { copyPathFor, healInterrupted } from "./in-place.ts";
import { type Journal, type LineJournal, findJournalPath, writeJournal } from "./journal.ts";

const MOST_TRIES = 3;

/** `work` gets where the journal of the file's switch is, or would be. */
export async function underLock<T>(
  target: SwitchTarget,
  file: string,
  work: (journal: string) => Promise<T>,
): Promise<T> {
  return await withLock(join(target.paths.run, "switch.lock"), async () => {
    const journal = await findJournalPath(target.paths, target.service, file);
    const copy = copyPathFor(journal);
    for (const path of [journal, copy, realPath(file)])
      removeLeftovers(dirname(path), { name: basename(path), isLocked: true });
    await healInterrupted(copy);
    return await work(journal);
  });
}

/** Starts over when the client has written its file in between. */
export async function tryAgain<T>(work: () => Promise<T>): Promise<T> {
  for (let left = MOST_TRIES; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof WrittenMeanwhile) || left === 0) throw error;
    }
  }
}

/** A name that no shell has expanded, or a blank one, where nothing shows that the client was ever used with it. */
export function refuseUnusedHome({ env, service }: SwitchTarget, home: string): void {
  const [found] = listRelativeHome(service, home, { env, platform: process.platform });
  const isBlank = (env[SERVICE_FACTS[service].home.variable] ?? "").trim() === "";
  if (found === undefined || (!isBlank && statOrNull(home) !== null)) return;
  throw new UserError(t`${found.where} ${found.what}`, { hint: found.hint });
}

/** True when the file was removed. */
export async function restoreFile(
  file: ClientFile,
  {
    copy,
    known,
    text,
  }: {
    readonly text: string;
    readonly known: Pick<LineJournal, "created"> | null;
    readonly copy: string;
  },
): Promise<boolean> {
  if (file.bytes !== null && text === "" && known?.created.file === true) {
    removeClientFile(file);
    return true;
  }
  if (text !== file.text) await writeClientFile(file, text, copy);
  return false;
}

/** A crash may have left the file as an older switch wrote it: its changes stay known until `off`. */
export function withOlder(changes: readonly KeyChange[], older: readonly KeyChange[]): KeyChange[] {
  const isNew = (old: KeyChange): boolean =>
    !changes.some((change) => change.value === old.value && isSamePath(change.path, old.path));
  return [...changes, ...older.filter(isNew)];
}

/**
 * After a failure: the disk may have refused when the new text was in place already. False when that text is still there,
 * and the journal is needed.
 */
export async function undoWrite(file: ClientFile, written: string, copy: string): Promise<boolean> {
  const read = (): Promise<ClientFile> => readClientFile({ encodings: file.encodings, file: file.path });
  const isInPlace = async (): Promise<boolean> => {
    const now = await read();
    return now.bytes !== null && now.text === written && written !== file.text;
  };
  try {
    if (!(await isInPlace())) return true;
    const now = await read();
    if (file.bytes === null) removeClientFile(now);
    else await writeClientFile(now, file.text, copy);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
  return !(await isInPlace());
}

export function restoreJournal(path: string, known: Journal | LineJournal | null): void {
  if (known === null) removeFile(path);
  else writeJournal(path, known);
}

/** Tidies up after a failure. Where that fails too, nothing is worse: a journal may well know more than it needs to. */
export function quietly(tidy: () => void): void {
  try {
    tidy();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
}
