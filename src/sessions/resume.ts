// The command that resumes a session, to be copied into a shell: nothing gets in but a UUID and a quoted path. Only reads.
import { lookAt, realPath } from "../base/files.ts";
import { inShell } from "../base/shell.ts";
import { printable } from "../base/terminal-text.ts";
import { readUuid } from "./record-text.ts";
import type { ResumableSession } from "./session.ts";

/** Does the client come to a proxy by itself? */
export interface Switched {
  readonly isOn: boolean;
  /** The keys of its file that say so. */
  readonly keys: readonly { readonly path: readonly string[] }[];
}

/** The command to type in `current`, with `cd` where the session was in another directory. Null where there is none. */
export function makeResumeFrom(
  session: ResumableSession,
  current: string,
  switched: Switched,
): string | null {
  const { cwd } = session;
  const isElsewhere =
    cwd !== null && lookAt(cwd)?.isDirectory() === true && realPath(cwd) !== realPath(current);
  return makeResumeCommand(session, isElsewhere ? cwd : null, switched);
}

/**
 * Null for a session that has no id of its own to resume by. `directory` is where to go first, null to stay; one whose
 * name could steer a terminal is left out: a client started elsewhere asks, or says where it was.
 */
export function makeResumeCommand(
  session: ResumableSession,
  directory: string | null,
  { isOn, keys }: Switched,
): string | null {
  const { file, isSubagent } = session;
  const id = readUuid(file.id);
  if (id === null || isSubagent) return null;
  const isSafe = directory !== null && printable(directory) === directory && !/[\n\t]/.test(directory);
  const { chain, enter } = inShell();
  const change = isSafe ? [enter(directory)] : [];
  const { before, command, ownProvider } = file.format.resume(session, id);
  const comesHere = isOn && (ownProvider === null || keys.some(({ path }) => path.includes(ownProvider)));
  return chain([...change, ...before, comesHere ? command : `ch run -- ${command}`]);
}
