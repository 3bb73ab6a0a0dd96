// Joins the request log with the sessions' files: the log knows a session's id, its file knows the directory.
import type { Paths } from "../../base/paths.ts";
import { readSessionDirectories } from "../../sessions/directories.ts";
import type { EntryFields, KeyOf } from "../../usage/groups.ts";

type Homes = Pick<Paths, "codexHome" | "claudeHome">;

/** No directory begins so. */
const SESSION = "session:";

/** Groups by directory; where an entry says none, by its session until `nameDirectories` has looked. */
export const directoryOrSession: KeyOf = ({ cwd, session_id: session }) => {
  if (isText(cwd)) return cwd;
  return isText(session) ? SESSION + session : null;
};

/** From such a group to its directory; null where nobody knows it. Looks for all at once. */
export function nameDirectories(
  homes: Homes,
  keys: Iterable<string | null>,
): (key: string | null) => string | null {
  const ids = [...keys].flatMap((key) =>
    key?.startsWith(SESSION) === true ? [key.slice(SESSION.length)] : [],
  );
  const directories = readSessionDirectories(homes, ids);
  return (key) =>
    key?.startsWith(SESSION) === true ? (directories.get(key.slice(SESSION.length)) ?? null) : key;
}

/** The same entries, with the directory of their session where they do not say it themselves. */
export function withDirectories(homes: Homes, entries: readonly EntryFields[]): EntryFields[] {
  const ids = entries.flatMap(({ cwd, session_id: id }) => (!isText(cwd) && isText(id) ? [id] : []));
  const directories = readSessionDirectories(homes, new Set(ids));
  return entries.map((fields) => {
    const cwd = isText(fields["cwd"]) ? undefined : directories.get(String(fields["session_id"]));
    return cwd === undefined ? fields : { ...fields, cwd };
  });
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
