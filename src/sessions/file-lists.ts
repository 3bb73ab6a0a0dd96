// Lists directories and looks at files, where any of them may be missing, unreadable or gone in the next moment.
// Years of history are 50,000 files: what is done for each of them is kept small.
import { readdirSync, statSync } from "node:fs";
import { sep } from "node:path";
import { errorCode } from "../base/errors.ts";
import type { SessionFile } from "./session.ts";

const QUIETLY = { throwIfNoEntry: false } as const;

/** The names in a directory, in no order. Empty where it cannot be listed. */
export function listNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return [];
  }
}

/** Null for what is no file, or none that can be looked at. */
export function lookAt(
  directory: string,
  name: string,
  facts: Pick<SessionFile, "service" | "id" | "isArchived" | "isSubagent">,
): SessionFile | null {
  const path = directory + sep + name;
  try {
    const found = statSync(path, QUIETLY);
    if (found === undefined || !found.isFile()) return null;
    const { service, id, isArchived, isSubagent } = facts;
    return { service, path, id, modifiedAt: found.mtimeMs, bytes: found.size, isArchived, isSubagent };
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return null;
  }
}
