// The directories that sessions are worked on in, for those who know only their ids. Only reads.
import { findTranscripts } from "./claude-files.ts";
import { findRollouts } from "./codex-files.ts";
import { readPlace } from "./place.ts";
import type { SessionHomes } from "./session.ts";
import { readUuid } from "./uuid.ts";

/**
 * The latest directory of each session, of either client. Ids are compared without regard to case; one that is no UUID,
 * that has no file or whose file says nothing is absent. Stops looking when all are found.
 */
export function readSessionDirectories(homes: SessionHomes, ids: Iterable<string>): Map<string, string> {
  const wanted = new Map<string, string>();
  for (const id of ids) {
    const uuid = readUuid(id);
    if (uuid !== null) wanted.set(uuid, id);
  }
  const directories = new Map<string, string>();
  const findAmong = [
    (left: ReadonlySet<string>) => findTranscripts(homes.claudeHome, left),
    (left: ReadonlySet<string>) => findRollouts(homes.codexHome, left),
  ];
  const left = new Set(wanted.keys());
  for (const find of findAmong) {
    for (const file of find(left)) {
      const { cwd } = readPlace(file);
      if (file.id === null) continue;
      left.delete(file.id);
      if (cwd !== null) directories.set(wanted.get(file.id) ?? file.id, cwd);
    }
  }
  return directories;
}
