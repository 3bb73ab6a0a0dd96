// The transcript files of Claude Code: one directory a project, named after the path in which the session began.
// The name of a directory cannot be turned back into a path. Only reads.
import { join } from "node:path";
import { listNames, lookAt } from "./file-lists.ts";
import type { SessionFile } from "./session.ts";
import { readUuid } from "./uuid.ts";

const TRANSCRIPT = ".jsonl";
/** Before Claude Code had a directory for them, sub-agents lay beside the sessions. */
const OLD_SUBAGENT = /^agent-.*\.jsonl$/;

/** The directory name for sessions that begin in this path. */
export function projectSlug(path: string): string {
  return path.replace(/[^A-Za-z0-9]/g, "-");
}

/** Directories of projects; those of `slugs` and of what lies below them come first. */
export function listProjects(claudeHome: string, slugs: readonly string[]): string[] {
  const isNear = (name: string): boolean =>
    slugs.some((slug) => name === slug || name.startsWith(`${slug}-`));
  const names = listNames(join(claudeHome, "projects"));
  return [...names.filter(isNear), ...names.filter((name) => !isNear(name))].map((name) =>
    join(claudeHome, "projects", name),
  );
}

/** The sessions that began in a project. */
export function transcriptsIn(project: string, includesSubagents: boolean): SessionFile[] {
  const files: (SessionFile | null)[] = [];
  for (const name of listNames(project)) {
    const isSubagent = OLD_SUBAGENT.test(name);
    const id = name.endsWith(TRANSCRIPT) ? readUuid(name.slice(0, -TRANSCRIPT.length)) : null;
    if (includesSubagents && !name.includes("."))
      files.push(...subagentsIn(join(project, name, "subagents")));
    if (id === null && !(isSubagent && includesSubagents)) continue;
    files.push(lookAt(project, name, { service: "claude", id, isArchived: false, isSubagent }));
  }
  return files.filter((file) => file !== null);
}

/** The files of these sessions. */
export function* findTranscripts(claudeHome: string, ids: ReadonlySet<string>): Generator<SessionFile> {
  const wanted = new Set(ids);
  for (const project of listProjects(claudeHome, [])) {
    if (wanted.size === 0) return;
    for (const name of listNames(project)) {
      const id = name.endsWith(TRANSCRIPT) ? readUuid(name.slice(0, -TRANSCRIPT.length)) : null;
      if (id === null || !wanted.has(id)) continue;
      const file = lookAt(project, name, { service: "claude", id, isArchived: false, isSubagent: false });
      if (file === null) continue;
      wanted.delete(id);
      yield file;
    }
  }
}

function subagentsIn(directory: string): (SessionFile | null)[] {
  const facts = { service: "claude", id: null, isArchived: false, isSubagent: true } as const;
  const names = listNames(directory).filter((name) => name.endsWith(TRANSCRIPT));
  return names.map((name) => lookAt(directory, name, facts));
}
