// Lists directories and looks at files, where any of them may be missing, unreadable or gone in the next moment.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "../base/errors.ts";
import type { SessionFile } from "./session.ts";

/** The names in a directory, the greatest first: with dates in them, the newest. Empty where it cannot be listed. */
export function listNames(directory: string): string[] {
  try {
    return readdirSync(directory).sort().reverse();
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
  const path = join(directory, name);
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined || !found.isFile()) return null;
    return { ...facts, path, modifiedAt: found.mtimeMs, bytes: found.size };
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return null;
  }
}
