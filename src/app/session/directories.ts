// Joins the request log with the sessions' files: the log knows a session's id, its file knows the directory.
import type { Paths } from "../../base/paths.ts";
import { readSessionDirectories } from "../../sessions/find.ts";
import type { LogRecord } from "../../log/record.ts";
import type { KeyOf } from "../../usage/groups.ts";
import { loadFormats } from "./formats.ts";

/** No directory begins so. */
const SESSION = "session:";

/** Groups by directory; where an entry has none, by its session until `nameDirectories` has looked. */
export const directoryOrSession: KeyOf = ({ cwd, session_id: session }) => {
  if (cwd) return cwd;
  return session ? SESSION + session : null;
};

/** The same, but for what was of a project of config.json. */
export const projectOrDirectory: KeyOf = (record) => record.project || directoryOrSession(record);

/** From such a group to its directory; null where it is not known. Looks for all at once. */
export async function nameDirectories(
  paths: Paths,
  keys: Iterable<string | null>,
): Promise<(key: string | null) => string | null> {
  const ids = [...keys].flatMap((key) => sessionOf(key) ?? []);
  const directories = await findDirectories(paths, ids);
  return (key) => {
    const session = sessionOf(key);
    return session === null ? key : (directories.get(session) ?? null);
  };
}

/** Where each request was made: the directory that its record names, else that of its session. */
export async function locateRecords(
  paths: Paths,
  records: readonly LogRecord[],
): Promise<(record: LogRecord) => string | undefined> {
  const ids = records.flatMap(({ cwd, session_id: id }) => (!cwd && id ? [id] : []));
  const directories = await findDirectories(paths, ids);
  return ({ cwd, session_id: id }) => cwd || (id === undefined ? undefined : directories.get(id));
}

async function findDirectories(paths: Paths, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  return ids.length === 0 ? new Map() : readSessionDirectories(await loadFormats(paths), new Set(ids));
}

function sessionOf(key: string | null): string | null {
  return key?.startsWith(SESSION) === true ? key.slice(SESSION.length) : null;
}
