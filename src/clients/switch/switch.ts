// Points a client at the proxy, and restores it. The order of its steps is what makes a crash harmless:
// the journal is written before the client's file and removed after it, all under one lock between processes.
// Decides nothing about the content of a file.
import { dirname } from "node:path";
import { UserError, onUserError } from "../../base/errors.ts";
import { resolvePaths } from "../../base/paths.ts";
import { quoteWord } from "../../base/shell.ts";
import { joinTexts, t, type Text } from "../../base/text.ts";
import { realPath, removeFile, statOrNull } from "../../base/files.ts";
import { type ProcessIdentity, isRunning } from "../../base/process-identity.ts";
import { CLIENT_NAME, SERVICE_FACTS, type Service } from "../../base/service.ts";
import { hashText } from "../../base/secrets.ts";
import {
  MadeElsewhere,
  isReadByOthers,
  makeDirectoryOf,
  readClientFile,
  removeDirectoryOf,
  writeClientFile,
} from "./client-file.ts";
import { copyPathFor } from "./in-place.ts";
import {
  type Journal,
  type Owner,
  findLeftBehind,
  listJournals,
  readJournal,
  writeJournal,
} from "./journal.ts";
import {
  quietly,
  refuseUnusedHome,
  restoreFile,
  restoreJournal,
  tryAgain,
  underLock,
  undoWrite,
  withOlder,
} from "./locked-file.ts";
import {
  type KeyChange,
  type SwitchEditor,
  type SwitchGoal,
  type SwitchTarget,
  type Undone,
  showKey,
} from "../client.ts";
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
  readonly real?: string | undefined;
}

export interface SwitchedOff {
  readonly file: string;
  /** Empty when the client was not switched. */
  readonly keys: readonly Undone[];
  /** Somebody wrote the file since it was switched; those edits are kept. */
  readonly isEdited: boolean;
  readonly isFileRemoved: boolean;
  /** It was switched, and is gone. */
  readonly isFileGone: boolean;
  /** What was restored in another file, which the client's file led to when it was switched; null where it is the same. */
  readonly leftBehind: { readonly file: string; readonly keys: readonly Undone[] } | null;
  /** A running proxy that had switched it, and continues without it. */
  readonly runningOwner: ProcessIdentity | null;
  /** The journal could not be used; what could be recognised was restored. */
  readonly journalProblem: Text | string | null;
}

/**
 * Points the client at the proxy; again, or at another port, is fine.
 * Throws UserError with nothing changed: the file cannot be edited, or a running proxy holds the switch.
 */
export async function switchOn(target: SwitchTarget, goal: SwitchGoal, owner: Owner): Promise<SwitchedOn> {
  const editor = await CLIENTS[target.service].createEditor(target);
  return await underLock(target, editor.file, async (path) => {
    const { journal: known } = await readJournal(path);
    const keeper = chooseOwner(target, known, { owner, port: goal.port });
    refuseUnusedHome(target, dirname(editor.file));
    if (goal.clientToken != null && isReadByOthers(editor.file))
      throw new UserError(t`${editor.file} can be read by other users, and would hold the client token`, {
        hint: `chmod go-r ${quoteWord(editor.file)}`,
      });
    await restoreLeftBehind(target, known, path);
    return await tryAgain(async () => {
      const { edit, file, undone } = await withHint(
        [t`correct it, then: ch switch on --${target.service}`],
        () => makeEdit(editor, known, goal),
      );
      const isDirectoryNew = statOrNull(dirname(editor.file)) === null;
      const journal = {
        service: target.service,
        file: editor.file,
        port: goal.port,
        owner: keeper,
        real: realPath(editor.file),
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

async function makeEdit(editor: SwitchEditor, known: Journal | null, goal: SwitchGoal) {
  const file = await readClientFile(editor);
  const undone = editor.clean(file.text, known?.changes ?? null);
  const refusal = goal.isForced === true ? null : editor.findRefusal(undone.text);
  const edit = await editor.edit(undone.text, goal);
  if (refusal !== null) throw refusal;
  return { edit, file, undone };
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
  remembered?: Pick<SwitchedOn, "changes" | "created" | "real">,
): Promise<SwitchedOff | null> {
  const editor = await CLIENTS[target.service].createEditor(target);
  return await underLock(target, editor.file, async (path) => {
    const { journal, problem } = await readJournal(path);
    const known = journal ?? remembered ?? null;
    const isOthers = journal !== null && onlyFor !== undefined && !isSameOwner(journal.owner, onlyFor);
    if (isOthers || (onlyFor !== undefined && known === null)) return null;
    const result = await withHint(waysOff(target, journal === null ? null : path), () =>
      tryAgain(async () => {
        const file = await readClientFile(editor);
        const undo =
          file.bytes === null ? { text: "", keys: [] } : await editor.undo(file.text, known?.changes ?? null);
        // Without its journal a switch may have been ended by hand, and the file is the user's.
        if (onlyFor !== undefined && journal === null && !undo.keys.some(({ kind }) => kind === "restored"))
          return null;
        const isFileRemoved = await restoreFile(file, { text: undo.text, known, copy: copyPathFor(path) });
        return { file, keys: undo.keys, isFileRemoved };
      }),
    );
    if (result === null) return null;
    const leftBehind = await restoreLeftBehind(target, known, path);
    if (known?.created.directory === true) removeDirectoryOf(editor.file);
    removeFile(path);
    const { file, keys, isFileRemoved } = result;
    return {
      file: editor.file,
      keys,
      isFileRemoved,
      isFileGone: journal !== null && file.bytes === null,
      leftBehind,
      isEdited:
        journal !== null &&
        leftBehind === null &&
        file.bytes !== null &&
        hashText(file.text) !== journal.hash,
      runningOwner: journal === null ? null : runningOwner(journal.owner, onlyFor),
      journalProblem: problem,
    };
  });
}

/** What was switched in place of the client's file. Throws UserError with nothing changed when it cannot be edited. */
async function restoreLeftBehind(
  target: SwitchTarget,
  known: Pick<Journal, "changes" | "created" | "real"> | null,
  path: string,
): Promise<SwitchedOff["leftBehind"]> {
  const { file: usual } = await CLIENTS[target.service].createEditor(target);
  const left = findLeftBehind(known, usual);
  if (known === null || left === null) return null;
  const editor = await CLIENTS[target.service].createEditor({ ...target, file: left });
  return await withHint(waysOff(target, path), () =>
    tryAgain(async () => {
      const file = await readClientFile(editor);
      const { keys, text } = await editor.undo(file.text, known.changes);
      if (!keys.some(({ kind }) => kind === "restored")) return null;
      await restoreFile(file, { text, known, copy: copyPathFor(path) });
      return { file: left, keys };
    }),
  );
}

/** A file that has become invalid since it was switched is not touched: the person corrects it first. */
function waysOff({ service }: SwitchTarget, journal: string | null): readonly Text[] {
  const way = t`correct it, then: ch switch off --${service}`;
  return journal === null ? [way] : [way, t`what was there before: ${journal}`];
}

/** What to type where an error does not say it itself. */
async function withHint<T>(ways: readonly Text[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isBare =
      error instanceof UserError && error.hintText === undefined && !(error instanceof MadeElsewhere);
    throw isBare ? new UserError(error.text, { hint: joinTexts(ways, "\n"), cause: error }) : error;
  }
}

/**
 * Before anything reads the client's file: a write that was interrupted is healed, and the switch of a proxy that died is
 * undone. Gives the file that needed it, or null.
 */
export async function repairDeadSwitch(target: SwitchTarget): Promise<string | null> {
  const { file, isInterrupted, isOwnerDead } = await readSwitchStatus(target);
  if (isOwnerDead) await switchOff(target);
  // Taking the lock heals.
  else if (isInterrupted) await underLock(target, file, () => Promise.resolve());
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
