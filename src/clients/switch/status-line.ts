// Puts our status line into a client's file, and takes it out again, as carefully as a switch is made, which may be on top of it:
// journals first, then the file, all under the same lock. Either can be undone first.
import { basename, dirname } from "node:path";
import { UserError } from "../../base/errors.ts";
import { removeFile, statOrNull } from "../../base/files.ts";
import { removeLeftovers } from "../../base/leftovers.ts";
import { hashText } from "../../base/secrets.ts";
import { CLIENT_NAME } from "../../base/service.ts";
import { type Text, t } from "../../base/text.ts";
import {
  type KeyChange,
  type LineEdit,
  type LineOptions,
  type StatusLineEditor,
  type SwitchTarget,
  type Undone,
  showKey,
} from "../client.ts";
import { CLIENTS } from "../registry.ts";
import {
  MadeElsewhere,
  makeDirectoryOf,
  readClientFile,
  removeDirectoryOf,
  writeClientFile,
} from "./client-file.ts";
import { copyPathFor } from "./in-place.ts";
import {
  type Journal,
  type LineJournal,
  findLineJournalPath,
  readJournal,
  readLineJournal,
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

export interface LineInstalled {
  readonly file: string;
  /** False where it was there already. */
  readonly isWritten: boolean;
  readonly isFileNew: boolean;
  /** The command whose lines go first. */
  readonly wrapped: string | null;
  /** Why the client would not show it. */
  readonly remark: Text | null;
}

export interface LineRemoved {
  readonly file: string;
  /** Empty when it was not there. */
  readonly keys: readonly Undone[];
  readonly isFileRemoved: boolean;
  /** The journal could not be used; what could be recognised was restored. */
  readonly journalProblem: Text | string | null;
}

/** Throws UserError with nothing changed: the file cannot be edited, or the client shows no line of another program. */
export async function installStatusLine(
  target: SwitchTarget,
  line: Omit<LineOptions, "changes">,
): Promise<LineInstalled> {
  return await underLineLock(target, async ({ editor, known, journal: path, switchJournal }) => {
    refuseUnusedHome(target, dirname(editor.file));
    return await tryAgain(async () => {
      const file = await readClientFile(editor);
      const { journal: switched } = await readJournal(switchJournal);
      const change = (clean: string): LineEdit =>
        editor.install(clean, { ...line, changes: known?.changes ?? null });
      const { above, edit, text } = changeBelow(editor, { source: file.text, switched, change });
      const { changes, remark = null, wrapped } = edit;
      if (changes === null) return { file: editor.file, isWritten: false, isFileNew: false, wrapped, remark };
      const isDirectoryNew = statOrNull(dirname(editor.file)) === null;
      const created = {
        file: file.bytes === null || switched?.created.file === true || known?.created.file === true,
        directory:
          isDirectoryNew || switched?.created.directory === true || known?.created.directory === true,
      };
      try {
        const own = withOlder(changes, known?.changes ?? []);
        writeJournal(path, { service: target.service, file: editor.file, changes: own, created });
        if (isDirectoryNew) makeDirectoryOf(editor.file);
        await writeBoth({ file, text, switchJournal, switched, above }, () =>
          writeClientFile(file, text, copyPathFor(switchJournal)),
        );
      } catch (error) {
        if (await undoWrite(file, text, copyPathFor(switchJournal))) {
          quietly(() => restoreJournal(path, known));
          if (switched !== null) quietly(() => restoreJournal(switchJournal, switched));
        }
        if (isDirectoryNew) quietly(() => removeDirectoryOf(editor.file));
        throw error instanceof MadeElsewhere ? withWayAround(error, changes) : error;
      }
      return { file: editor.file, isWritten: true, isFileNew: file.bytes === null, wrapped, remark };
    });
  });
}

/** Throws UserError with nothing changed when the file cannot be edited. */
export async function uninstallStatusLine(target: SwitchTarget): Promise<LineRemoved> {
  return await underLineLock(target, async ({ editor, known, journal: path, problem, switchJournal }) => {
    const result = await tryAgain(async () => {
      const file = await readClientFile(editor);
      const { journal: read } = await readJournal(switchJournal);
      if (file.bytes === null) return { keys: [], isFileRemoved: false };
      const either = (name: "file" | "directory"): boolean =>
        read?.created[name] === true || known?.created[name] === true;
      const created = { file: either("file"), directory: either("directory") };
      const switched = read === null ? null : { ...read, created };
      const change = (clean: string) => editor.uninstall(clean, known?.changes ?? null);
      const { above, edit, text } = changeBelow(editor, { source: file.text, switched, change });
      let isFileRemoved = false;
      const copy = copyPathFor(switchJournal);
      try {
        if (text !== file.text)
          await writeBoth({ file, text, switchJournal, switched, above }, async () => {
            isFileRemoved = await restoreFile(file, { text, known: { created }, copy });
          });
      } catch (error) {
        if ((await undoWrite(file, text, copy)) && read !== null)
          quietly(() => restoreJournal(switchJournal, read));
        throw error;
      }
      if (isFileRemoved && created.directory) removeDirectoryOf(editor.file);
      return { keys: edit.keys, isFileRemoved };
    });
    removeFile(path);
    return { file: editor.file, ...result, journalProblem: problem };
  });
}

interface UnderLock {
  readonly editor: StatusLineEditor;
  readonly known: LineJournal | null;
  /** Why what it knew is lost. */
  readonly problem: Text | string | null;
  readonly journal: string;
  readonly switchJournal: string;
}

async function underLineLock<T>(target: SwitchTarget, work: (around: UnderLock) => Promise<T>): Promise<T> {
  const { paths, service } = target;
  const editor = await CLIENTS[service].createLineEditor?.(target);
  if (editor === undefined) throw new UserError(t`${CLIENT_NAME[service]} shows no line of another program`);
  return await underLock(target, editor.file, async (switchJournal) => {
    const journal = await findLineJournalPath(paths, service, editor.file);
    removeLeftovers(dirname(journal), { name: basename(journal), isLocked: true });
    const { journal: known, problem } = await readLineJournal(journal);
    return await work({ editor, known, problem, journal, switchJournal });
  });
}

/** The text with a change below its switch, and what the switch is above that; null where there is none. */
function changeBelow<T extends { readonly text: string }>(
  editor: StatusLineEditor,
  {
    change,
    source,
    switched,
  }: {
    readonly source: string;
    readonly switched: Journal | null;
    readonly change: (clean: string) => T;
  },
): { readonly edit: T; readonly text: string; readonly above: readonly KeyChange[] | null } {
  if (switched === null) {
    const edit = change(source);
    return { edit, text: edit.text, above: null };
  }
  let edit: T | undefined;
  const whole = editor.below(source, switched.changes, (clean) => (edit = change(clean)).text);
  if (edit === undefined) throw new TypeError("a change below a switch was not asked for");
  return { edit, text: whole.text, above: whole.changes };
}

interface Rewrite {
  readonly file: { readonly text: string };
  readonly text: string;
  readonly switchJournal: string;
  readonly switched: Journal | null;
  readonly above: readonly KeyChange[] | null;
}

/** Until the file is written, the journal of the switch on top knows both its texts: a crash may leave either. */
async function writeBoth(
  { above, file, switched, switchJournal, text }: Rewrite,
  write: () => Promise<void>,
): Promise<void> {
  if (switched === null || above === null || above.length === 0) return await write();
  writeJournal(switchJournal, { ...switched, changes: [...above, ...switched.changes] });
  await write();
  const isAsWritten = hashText(file.text) === switched.hash;
  quietly(() =>
    writeJournal(switchJournal, {
      ...switched,
      changes: withOlder(above, switched.changes),
      hash: isAsWritten ? hashText(text) : switched.hash,
    }),
  );
}

/**
 * The same can be said where the file is made: in a home-manager module, a dotfiles repository, an image. What a wrapped command holds is for
 * no screen.
 */
function withWayAround({ cause, text }: MadeElsewhere, changes: readonly KeyChange[]): UserError {
  const [command = ""] = (changes[0]?.value ?? "").split(" --wrap ");
  const option = `${showKey(["statusLine", "command"])} = ${JSON.stringify(command)}`;
  return new UserError(text, { hint: t`where it is made: ${option}`, cause });
}
