// The rollout files of Codex: one directory a day, named after the local day on which the session began.
// A session that is resumed stays in its file. Only reads.
import { join } from "node:path";
import { listNames, lookAt } from "./file-lists.ts";
import type { SessionFile } from "./session.ts";
import { readUuid, uuidTime } from "./uuid.ts";

const UUID_LENGTH = 36;
const DAY_MS = 86_400_000;

/** All rollouts: those of one day, then of the day before; directories are read as they are come to. */
export function* listRollouts(codexHome: string): Generator<SessionFile[]> {
  for (const day of listDays(join(codexHome, "sessions"))) yield rolloutsIn(day, false);
}

export function listArchivedRollouts(codexHome: string): SessionFile[] {
  return rolloutsIn(join(codexHome, "archived_sessions"), true);
}

/**
 * The files of these sessions. An id tells on which day it was made; what is not found there is searched for everywhere,
 * if the search is to be thorough.
 */
export function* findRollouts(
  codexHome: string,
  ids: ReadonlySet<string>,
  isThorough = true,
): Generator<SessionFile> {
  const wanted = new Set(ids);
  const days = new Set([...ids].flatMap((id) => daysOf(id)));
  const sessions = join(codexHome, "sessions");
  const places = function* (): Generator<readonly [directory: string, isArchived: boolean]> {
    for (const day of days) yield [join(sessions, day), false];
    if (!isThorough) return;
    yield [join(codexHome, "archived_sessions"), true];
    for (const day of listDays(sessions)) yield [day, false];
  };
  for (const [directory, isArchived] of places()) {
    if (wanted.size === 0) return;
    for (const name of listNames(directory)) {
      const id = isRollout(name) ? idOf(name) : null;
      if (id === null || !wanted.delete(id)) continue;
      const file = lookAt(directory, name, { service: "codex", id, isArchived, isSubagent: false });
      if (file !== null) yield file;
    }
  }
}

function rolloutsIn(directory: string, isArchived: boolean): SessionFile[] {
  const files: SessionFile[] = [];
  for (const name of listNames(directory)) {
    if (!isRollout(name)) continue;
    const facts = { service: "codex", id: idOf(name), isArchived, isSubagent: false } as const;
    const file = lookAt(directory, name, facts);
    if (file !== null) files.push(file);
  }
  return files;
}

function* listDays(sessions: string): Generator<string> {
  for (const year of listLatest(sessions)) {
    for (const month of listLatest(join(sessions, year))) {
      for (const day of listLatest(join(sessions, year, month))) yield join(sessions, year, month, day);
    }
  }
}

/** Names with dates in them. */
function listLatest(directory: string): string[] {
  return listNames(directory).sort().reverse();
}

function isRollout(name: string): boolean {
  return name.startsWith("rollout-") && (name.endsWith(".jsonl") || name.endsWith(".jsonl.zst"));
}

function idOf(name: string): string | null {
  const end = name.lastIndexOf(".jsonl");
  return readUuid(name.slice(end - UUID_LENGTH, end));
}

/** The directories are named in local time, of which the id knows nothing: its day, and those beside it. */
function daysOf(id: string): string[] {
  const time = uuidTime(id);
  if (time === null) return [];
  return [0, -DAY_MS, DAY_MS].map((offset) =>
    new Date(time + offset).toISOString().slice(0, 10).replaceAll("-", "/"),
  );
}
