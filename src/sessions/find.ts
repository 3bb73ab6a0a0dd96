// Sessions from the latest change to the oldest, as many as are asked for. Only reads.
import type { Service } from "../base/service.ts";
import { findTranscripts, listProjects, projectSlug, transcriptsIn } from "./claude-files.ts";
import { findRollouts, listArchivedRollouts, listRollouts } from "./codex-files.ts";
import { readPlace } from "./place.ts";
import type { Project } from "./project.ts";
import type { SessionFile, SessionHomes, SessionPlace } from "./session.ts";

export interface SessionQuery {
  readonly homes: SessionHomes;
  readonly services: readonly Service[];
  /** Null for the sessions of all projects. */
  readonly project: Project | null;
  /** Only those changed since, wall clock in ms; null for all. */
  readonly since: number | null;
  readonly includesSubagents: boolean;
  readonly includesArchived: boolean;
  /** How many files of a client are looked at. Those left out are the ones begun longest ago. */
  readonly mostFiles: number;
  /** Ids of sessions that are looked at besides, however long ago they began. */
  readonly hints: ReadonlySet<string>;
}

/** Looks into one file after the other, and only as far as the caller goes on. */
export function* findSessions(query: SessionQuery): Generator<SessionPlace> {
  const { project, since } = query;
  const seen = new Set<string>();
  for (const file of listFiles(query)) {
    if (since !== null && file.modifiedAt < since) return;
    // A rollout may be there twice for a moment: plain and compressed.
    if (file.id !== null && seen.has(file.id)) continue;
    if (file.id !== null) seen.add(file.id);
    const place = readPlace(file);
    if (place.isSubagent && !query.includesSubagents) continue;
    if (project !== null && (place.cwd === null || project.rootOf(place.cwd) === null)) continue;
    yield place;
  }
}

function listFiles(query: SessionQuery): SessionFile[] {
  const files: SessionFile[] = [];
  for (const service of query.services) {
    let left = query.mostFiles;
    const add = (batch: Iterable<SessionFile>): void => {
      for (const file of batch) files.push(file);
    };
    for (const batch of service === "codex" ? listRollouts(query.homes.codexHome) : transcripts(query)) {
      add(batch);
      left -= batch.length;
      if (left <= 0) break;
    }
    if (left <= 0) add(hintedFiles(query, service));
    if (service === "codex" && query.includesArchived) add(listArchivedRollouts(query.homes.codexHome));
  }
  // Copied files have one time: then the later name comes first, which has the later beginning in it.
  return files.sort((one, other) => other.modifiedAt - one.modifiedAt || (one.path < other.path ? 1 : -1));
}

function hintedFiles({ homes, hints }: SessionQuery, service: Service): Iterable<SessionFile> {
  return service === "codex"
    ? findRollouts(homes.codexHome, hints, false)
    : findTranscripts(homes.claudeHome, hints);
}

function* transcripts({ homes, includesSubagents, project }: SessionQuery): Generator<SessionFile[]> {
  const slugs = project?.roots.map(projectSlug) ?? [];
  for (const directory of listProjects(homes.claudeHome, slugs))
    yield transcriptsIn(directory, includesSubagents);
}
