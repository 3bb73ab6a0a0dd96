// Points a client at the proxy, and restores it. The order of its steps is what makes a crash harmless:
// the journal is written before the client's file and removed after it, all under one lock between processes.
// Decides nothing about the content of a file.
import { quoteWord } from "../../base/paths.ts";
import { basename, dirname, join } from "node:path";
import { UserError, onUserError } from "../../base/errors.ts";
import { resolvePaths } from "../../base/paths.ts";
import { joinTexts, t, type Text } from "../../base/text.ts";
import { realPath, removeFile, statOrNull } from "../../base/files.ts";
import { removeLeftovers } from "../../base/leftovers.ts";
import { withLock } from "../../base/lock.ts";
import { type ProcessIdentity, isRunning } from "../../base/process-identity.ts";
import { CLIENT_NAME, SERVICE_FACTS, type Service } from "../../base/service.ts";
import { hashText } from "../../base/secrets.ts";
import {
  type ClientFile,
  MadeElsewhere,
  WrittenMeanwhile,
  isReadByOthers,
  makeDirectoryOf,
  readClientFile,
  removeClientFile,
  removeDirectoryOf,
  writeClientFile,
} from "./client-file.ts";
import { copyPathFor, healInterrupted } from "./in-place.ts";
import {
  type Journal,
  type Owner,
  findJournalPath,
  listJournals,
  readJournal,
  writeJournal,
} from "./journal.ts";
import {
  type KeyChange,
  type SwitchEditor,
  type SwitchGoal,
  type SwitchTarget,
  type Undone,
  isSamePath,
  showKey,
} from "../client.ts";
import { listRelativeHome } from "../override.ts";
import { CLIENTS } from "../registry.ts";
import { readSwitchStatus } from "./status.ts";

export interface SwitchedOn {
  readonly file: string;
  readonly port: number;
  readonly changes: readonly KeyChange[];
  /** False where the file said all of it already. */
  readonly isWritten: boolean;
  /** Keys of an earlier switch that were changed since: their new values are kept for `off`. */
  readonly overwritten: readonly Undone[];
  /** Who restores it. May be another than asked for: a running proxy keeps what it has switched. */
  readonly owner: Owner;
  readonly created: Journal["created"];
}

export interface SwitchedOff {
  readonly file: string;
  /** Empty when the client was not switched. */
  readonly keys: readonly Undone[];
  /** Somebody wrote the file since it was switched; those edits are kept. */
  readonly isEdited: boolean;
  readonly isFileRemoved: boolean;
  /** A running proxy that had switched it, and continues without it. */
  readonly runningOwner: ProcessIdentity | null;
  /** The journal could not be used; what could be recognised was restored. */
  readonly journalProblem: Text | string | null;
}

const MOST_TRIES = 3;

/**
 * Points the client at the proxy; again, or at another port, is fine.
 * Throws UserError with nothing changed: the file cannot be edited, or a running proxy holds the switch.
 */
export async function switchOn(target: SwitchTarget, goal: SwitchGoal, owner: Owner): Promise<SwitchedOn> {
  return await underLock(target, async (editor, path) => {
    const { journal: known } = await readJournal(path);
    const keeper = chooseOwner(target, known, { owner, port: goal.port });
    refuseUnusedHome(target, dirname(editor.file));
    if (goal.clientToken != null && isReadByOthers(editor.file))
      throw new UserError(t`${editor.file} can be read by other users, and would hold the client token`, {
        hint: `chmod go-r ${quoteWord(editor.file)}`,
      });
    return await tryAgain(async () => {
      const file = await readClientFile(editor.file);
      const undone = editor.clean(file.text, known?.changes ?? null);
      const refusal = goal.isForced === true ? null : editor.findRefusal(undone.text);
      const edit = await editor.edit(undone.text, goal);
      if (refusal !== null) throw refusal;
      const isDirectoryNew = statOrNull(dirname(editor.file)) === null;
      const journal = {
        service: target.service,
        file: editor.file,
        port: goal.port,
        owner: keeper,
        changes: withOlder(edit.changes, known?.changes ?? []),
        hash: hashText(edit.text),
        created: {
          file: file.bytes === null || known?.created.file === true,
          directory: isDirectoryNew || known?.created.directory === true,
        },
      };
      try {
        writeJournal(path, journal);
        if (isDirectoryNew) makeDirectoryOf(editor.file);
        if (edit.text !== file.text) await writeClientFile(file, edit.text, copyPathFor(path));
      } catch (error) {
        if (await undoWrite(file, edit.text, copyPathFor(path))) quietly(() => restoreJournal(path, known));
        if (isDirectoryNew) quietly(() => removeDirectoryOf(editor.file));
        throw error instanceof MadeElsewhere ? withWayAround(error, target, goal, edit.changes) : error;
      }
      const overwritten = undone.keys.filter(({ kind }) => kind === "changed");
      return { ...journal, changes: edit.changes, isWritten: edit.text !== file.text, overwritten };
    });
  });
}

/** The way for a client whose file we may not change. */
export function runInstead(service: Service): Text {
  return t`without changing its files: ch run -- ${SERVICE_FACTS[service].command}`;
}

/** The same can be said where the file is made: in a home-manager module, a dotfiles repository, an image. */
function withWayAround(
  { cause, text }: MadeElsewhere,
  { service }: SwitchTarget,
  { clientToken }: SwitchGoal,
  changes: readonly KeyChange[],
): UserError {
  // An address with a token in it is for no screen.
  const options =
    clientToken == null
      ? changes.map(({ path, value }) => `${showKey(path)} = ${JSON.stringify(value)}`)
      : [];
  return new UserError(text, {
    hint: joinTexts(
      [runInstead(service), ...(options.length === 0 ? [] : [t`or where it is made: ${options.join(", ")}`])],
      "\n",
    ),
    cause,
  });
}

/**
 * Restores the client. With `onlyFor`, does so only where that owner holds the switch, and else returns null; `remembered`
 * replaces a journal that was lost meanwhile.
 * Throws UserError with nothing changed when the file cannot be edited.
 */
export async function switchOff(
  target: SwitchTarget,
  onlyFor?: Owner,
  remembered?: Pick<SwitchedOn, "changes" | "created">,
): Promise<SwitchedOff | null> {
  return await underLock(target, async (editor, path) => {
    const { journal, problem } = await readJournal(path);
    const known = journal ?? remembered ?? null;
    const isOthers = journal !== null && onlyFor !== undefined && !isSameOwner(journal.owner, onlyFor);
    if (isOthers || (onlyFor !== undefined && known === null)) return null;
    const result = await tryAgain(async () => {
      const file = await readClientFile(editor.file);
      const undo =
        file.bytes === null ? { text: "", keys: [] } : await editor.undo(file.text, known?.changes ?? null);
      // Without its journal a switch may have been ended by hand, and the file is the user's.
      if (onlyFor !== undefined && journal === null && !undo.keys.some(({ kind }) => kind === "restored"))
        return null;
      const isFileRemoved = await restoreFile(file, { text: undo.text, known, copy: copyPathFor(path) });
      return { file, keys: undo.keys, isFileRemoved };
    });
    if (result === null) return null;
    if (known?.created.directory === true) removeDirectoryOf(editor.file);
    removeFile(path);
    const { file, keys, isFileRemoved } = result;
    return {
      file: editor.file,
      keys,
      isFileRemoved,
      isEdited: journal !== null && file.bytes !== null && hashText(file.text) !== journal.hash,
      runningOwner: journal === null ? null : runningOwner(journal.owner, onlyFor),
      journalProblem: problem,
    };
  });
}

/**
 * Before anything reads the client's file: a write that was interrupted is healed, and the switch of a proxy that died is
 * undone. Gives the file that needed it, or null.
 */
export async function repairDeadSwitch(target: SwitchTarget): Promise<string | null> {
  const { file, isInterrupted, isOwnerDead } = await readSwitchStatus(target);
  if (isOwnerDead) await switchOff(target);
  // Taking the lock heals.
  else if (isInterrupted) await underLock(target, () => Promise.resolve());
  return isOwnerDead || isInterrupted ? file : null;
}

export interface Healed {
  readonly service: Service;
  readonly file: string;
  /** Of the proxy that left it so; null where only a write was interrupted. */
  readonly pid: number | null;
}

/**
 * As `repairDeadSwitch`, of every client and every home of it that a switch is noted for. One that cannot be repaired keeps none of the others
 * from it; why is told by whoever needs it next.
 */
export async function repairDeadSwitches(
  { env, paths }: Omit<SwitchTarget, "service">,
  except: readonly Service[] = [],
): Promise<Healed[]> {
  const healed: Healed[] = [];
  for (const { file, owner, service } of await listJournals(paths)) {
    const { file: own } = await CLIENTS[service].createEditor({ service, env, paths });
    if (except.includes(service) && realPath(own) === realPath(file)) continue;
    const repaired = await repairDeadSwitch(targetOf({ service, file }, { env, paths })).catch(
      onUserError(() => null),
    );
    if (repaired !== null) healed.push({ service, file, pid: owner.kind === "process" ? owner.pid : null });
  }
  return healed;
}

/** The client with the home that its file is in. */
function targetOf(
  { file, service }: Pick<Journal, "file" | "service">,
  { env, paths }: Omit<SwitchTarget, "service">,
) {
  const own = { ...env, [SERVICE_FACTS[service].home.variable]: dirname(file) };
  const { claudeHome, claudeSettings, codexAuth, codexConfig, codexHome } = resolvePaths(own);
  return {
    service,
    env: own,
    paths: { ...paths, claudeHome, claudeSettings, codexAuth, codexConfig, codexHome },
  };
}

/** A name that no shell has expanded, or a blank one, where nothing shows that the client was ever used with it. */
function refuseUnusedHome({ env, service }: SwitchTarget, home: string): void {
  const [found] = listRelativeHome(service, env, home);
  const isBlank = (env[SERVICE_FACTS[service].home.variable] ?? "").trim() === "";
  if (found === undefined || (!isBlank && statOrNull(home) !== null)) return;
  throw new UserError(t`${found.where} ${found.what}`, { hint: found.hint });
}

/** True when the file was removed. */
async function restoreFile(
  file: ClientFile,
  {
    copy,
    known,
    text,
  }: {
    readonly text: string;
    readonly known: Pick<Journal, "created"> | null;
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

async function underLock<T>(
  target: SwitchTarget,
  work: (editor: SwitchEditor, journal: string) => Promise<T>,
): Promise<T> {
  const editor = await CLIENTS[target.service].createEditor(target);
  return await withLock(join(target.paths.run, "switch.lock"), async () => {
    const journal = await findJournalPath(target.paths, target.service, editor.file);
    const copy = copyPathFor(journal);
    for (const path of [journal, copy, realPath(editor.file)])
      removeLeftovers(dirname(path), { name: basename(path), isLocked: true });
    await healInterrupted(copy);
    return await work(editor, journal);
  });
}

/** Starts over when the client has written its file in between. */
async function tryAgain<T>(work: () => Promise<T>): Promise<T> {
  for (let left = MOST_TRIES; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof WrittenMeanwhile) || left === 0) throw error;
    }
  }
}

/** A running proxy keeps what it has switched; what a person or a dead one has switched is taken over. */
function chooseOwner(
  { service }: SwitchTarget,
  known: Journal | null,
  asked: { readonly owner: Owner; readonly port: number },
): Owner {
  const holder = known === null ? null : runningOwner(known.owner, asked.owner);
  if (known === null || holder === null) return asked.owner;
  if (asked.owner.kind === "user" && known.port === asked.port) return known.owner;
  throw new UserError(
    t`${CLIENT_NAME[service]} is pointed at port ${known.port} by another codex-helper (pid ${holder.pid})`,
    {
      hint:
        asked.owner.kind === "user"
          ? t`stop it with Ctrl+C first, or: ch switch off --${service}`
          : `ch serve --${service} --no-switch --port ${asked.port}`,
    },
  );
}

/** The process that holds the switch, if it runs and is not the one who asks. */
function runningOwner(owner: Owner, asking: Owner | undefined): ProcessIdentity | null {
  if (owner.kind !== "process" || !isRunning(owner)) return null;
  return asking !== undefined && isSameOwner(owner, asking) ? null : owner;
}

function isSameOwner(one: Owner, other: Owner): boolean {
  if (one.kind === "user" || other.kind === "user") return one.kind === other.kind;
  return one.pid === other.pid && one.started === other.started;
}

/** A crash may have left the file as an older switch wrote it: its changes stay known until `off`. */
function withOlder(changes: readonly KeyChange[], older: readonly KeyChange[]): KeyChange[] {
  const isNew = (old: KeyChange): boolean =>
    !changes.some((change) => change.value === old.value && isSamePath(change.path, old.path));
  return [...changes, ...older.filter(isNew)];
}

/**
 * After a failure: the disk may have refused when the new text was in place already. False when that text is still there,
 * and the journal is needed.
 */
async function undoWrite(file: ClientFile, written: string, copy: string): Promise<boolean> {
  const isInPlace = async (): Promise<boolean> => {
    const now = await readClientFile(file.path);
    return now.bytes !== null && now.text === written && written !== file.text;
  };
  try {
    if (!(await isInPlace())) return true;
    const now = await readClientFile(file.path);
    if (file.bytes === null) removeClientFile(now);
    else await writeClientFile(now, file.text, copy);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
  return !(await isInPlace());
}

function restoreJournal(path: string, known: Journal | null): void {
  if (known === null) removeFile(path);
  else writeJournal(path, known);
}

/** Tidies up after a failure. Where that fails too, nothing is worse: a journal may well know more than it needs to. */
function quietly(tidy: () => void): void {
  try {
    tidy();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
}
