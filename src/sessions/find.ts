// Finds sessions: by a query from the latest change to the oldest, or by id. Only reads.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { ignoreSystemError } from "../base/errors.ts";
import { lookAt } from "../base/files.ts";
import { readFacts, readSession } from "./facts.ts";
import { END_BYTES, hasMark, linesFromEnd, linesFromStart, openSource, parseLine } from "./files.ts";
import type { Origin, Project } from "./project.ts";
import { readUuid } from "./record-text.ts";
import type { Session, SessionFacts, SessionFile, SessionFormat } from "./session.ts";

export interface SessionQuery {
  /** Of the clients whose sessions are wanted. */
  readonly formats: readonly SessionFormat[];
  /** Null for the sessions of all projects. */
  readonly project: Project | null;
  /** Only those changed since, wall clock in ms; null for all. */
  readonly since: number | null;
  readonly includesSubagents: boolean;
  readonly includesArchived: boolean;
  /** How many files of a client are read. Those left out are the ones begun longest ago. */
  readonly maxFiles: number;
  /** Ids of sessions whose files are read besides, however long ago they began. */
  readonly recentIds: ReadonlySet<string>;
}

/**
 * So many files are read before any session is given, whatever their times are: a tree that was unpacked has those of the
 * archive, or all one. Takes about 10 ms.
 */
const ALWAYS_READ = 256;
/** Fewer letters are the beginning of too many ids. */
const MIN_LETTERS = 4;
/** Of a whole id that no session has, so many letters are taken to be right. */
const MISTYPED_LETTERS = 8;
const MAX_NEAR = 3;
/** Hundreds of prompts or requests. */
const TAIL_BYTES = 128 * 1024;
/** In prompt histories and in the request log: different clients spell the name differently. */
const SESSION_ID = /"session(?:_id|Id)":"([0-9a-f-]{36})"/g;

/**
 * The latest first, by their one clock. A file is hardly ever older than what is in it: once so many are read, no more are
 * than may come before what is asked for. The caller's iterating decides how many that is.
 */
export function* findSessions(query: SessionQuery): Generator<Session> {
  const files = listFiles(query);
  /** Read and not yet given, the latest last. */
  let waiting: Session[] = [];
  let latest = -Infinity;
  for (const [count, file] of files.entries()) {
    if (count >= ALWAYS_READ && latest >= file.modifiedAt) {
      waiting.sort(byTime);
      for (
        let next = waiting.at(-1);
        next !== undefined && next.updatedAt >= file.modifiedAt;
        next = waiting.at(-1)
      ) {
        waiting.pop();
        yield next;
      }
      latest = waiting.at(-1)?.updatedAt ?? -Infinity;
    }
    if (count >= ALWAYS_READ && query.since !== null && file.modifiedAt < query.since) break;
    const session = readWanted(file, query);
    if (session === null) continue;
    waiting.push(session);
    latest = Math.max(latest, session.updatedAt);
  }
  yield* waiting.sort(byTime).reverse();
}

/** Null for a session that is not asked for. */
function readWanted(file: SessionFile, { includesSubagents, project, since }: SessionQuery): Session | null {
  const session = readSession(file);
  if (session.isSubagent && !includesSubagents) return null;
  if (since !== null && session.updatedAt < since) return null;
  return project === null || isIn(project, session) ? session : null;
}

function isIn(project: Project, { cwd, file }: Session): boolean {
  if (cwd === null) return false;
  return project.rootOf(cwd) !== null || project.hadTree(cwd, () => readOrigin(file));
}

function readOrigin({ format, path, bytes }: SessionFile): Origin {
  const read = (): Origin => {
    using source = openSource(path, bytes);
    return format.readOrigin(source);
  };
  return ignoreSystemError(read, { branch: null, commit: null, repository: null });
}

/** Copied files share one time: then the later name counts as later, which holds the later start. */
function byTime(one: Session, other: Session): number {
  return one.updatedAt - other.updatedAt || (one.file.path < other.file.path ? -1 : 1);
}

/** The latest session of a query in which something was asked; null where there is none. All files are read before that is said. */
export function findLatest(query: SessionQuery): SessionFacts | null {
  for (const maxFiles of new Set([query.maxFiles, Infinity])) {
    for (const session of findSessions({ ...query, maxFiles })) {
      const facts = readFacts(session);
      if (!facts.isLocalOnly) return facts;
    }
  }
  return null;
}

function listFiles(query: SessionQuery): SessionFile[] {
  const files: SessionFile[] = [];
  for (const format of query.formats) {
    let left = query.maxFiles;
    const add = (batch: Iterable<SessionFile>): void => {
      for (const file of batch) files.push(file);
    };
    for (const batch of format.list(query)) {
      add(batch);
      left -= batch.length;
      if (left <= 0) break;
    }
    if (left <= 0) add(format.findByIds(query.recentIds));
    if (query.includesArchived) add(format.listArchived());
  }
  files.sort((one, other) => other.modifiedAt - one.modifiedAt || (one.path < other.path ? 1 : -1));
  // A rollout may be there twice for a moment: plain and compressed.
  const ids = new Set<string>();
  return files.filter(({ id }) => id === null || (!ids.has(id) && ids.add(id)));
}

/**
 * Ids of sessions that were used lately, whenever they began, from the ends of prompt histories and request logs. They
 * only say which files to read.
 */
export function readRecentIds(histories: readonly string[]): ReadonlySet<string> {
  const tails = histories.map((path) => ignoreSystemError(() => readTail(path), ""));
  return new Set(tails.flatMap((tail) => [...tail.matchAll(SESSION_ID)].map(([, id = ""]) => id)));
}

function readTail(path: string): string {
  // Opening a pipe would wait for a writer.
  if (lookAt(path)?.isFile() !== true) return "";
  const fd = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(TAIL_BYTES);
    const start = Math.max(0, fstatSync(fd).size - TAIL_BYTES);
    return buffer.toString("latin1", 0, readSync(fd, buffer, 0, TAIL_BYTES, start));
  } finally {
    closeSync(fd);
  }
}

export interface FoundById {
  /** Null where none or several have the id. */
  readonly session: Session | null;
  /** Ids that begin alike, at most three. */
  readonly near: readonly string[];
}

/** By an id or the beginning of one. Archived sessions and those of sub-agents are found too. */
export function findById(formats: readonly SessionFormat[], text: string): FoundById {
  const id = readUuid(text);
  const [exact] = id === null ? [] : findFiles(formats, [id]);
  if (exact !== undefined) return { session: readSession(exact), near: [] };
  const beginning = text.toLowerCase().slice(0, id === null ? undefined : MISTYPED_LETTERS);
  const alike = formats.flatMap((format) => filesLike(format, beginning));
  const [first] = alike;
  const isOne = id === null && first !== undefined && alike.every((file) => file.id === first.id);
  if (isOne) return { session: readSession(first), near: [] };
  return { session: null, near: [...new Set(alike.flatMap((file) => file.id ?? []))].slice(0, MAX_NEAR) };
}

function filesLike(format: SessionFormat, beginning: string): SessionFile[] {
  if (beginning.length < MIN_LETTERS) return [];
  const all = [...format.list({ project: null, includesSubagents: false }), format.listArchived()].flat();
  return all.filter((file) => file.id?.startsWith(beginning) === true);
}

/**
 * The latest directory of each session. Ids are compared without regard to case; one that is no UUID, that has no file or
 * whose file says nothing is absent. Stops when all are found.
 */
export function readSessionDirectories(
  formats: readonly SessionFormat[],
  ids: Iterable<string>,
): Map<string, string> {
  const wanted = new Map<string, string>();
  for (const id of ids) {
    const uuid = readUuid(id);
    if (uuid !== null) wanted.set(uuid, id);
  }
  const directories = new Map<string, string>();
  for (const file of findFiles(formats, wanted.keys())) {
    const { cwd } = readSession(file);
    if (cwd !== null && file.id !== null) directories.set(wanted.get(file.id) ?? file.id, cwd);
  }
  return directories;
}

/** Of a very long file so much is read from its start. */
const WHOLE_BYTES = 16 * 1024 * 1024;
const MOST_FORKS = 8;

/**
 * All directories that the session was in, the latest last, and those of the sessions that it was forked from. Only likely places
 * are looked in. Empty for an id that is no UUID, or of which there is no file.
 */
export function readDirectoriesOf(format: SessionFormat, id: string): readonly string[] {
  const directories = new Set<string>();
  let next = readUuid(id);
  for (let count = 0; next !== null && count < MOST_FORKS; count += 1) {
    const [file] = format.findByIds(new Set([next]));
    next = file === undefined ? null : ignoreSystemError(() => readAllDirectories(file, directories), null);
  }
  return [...directories];
}

/** @returns the id of the session that it was forked from */
function readAllDirectories({ bytes, format, path }: SessionFile, found: Set<string>): string | null {
  const { marks, read, readFork } = format.directories;
  using source = openSource(path, bytes);
  let fork: string | null = null;
  const note = (line: Buffer): void => {
    const record = hasMark(line, marks) ? parseLine(line) : null;
    if (record === null) return;
    const directory = read(record);
    // The latest is the last.
    if (directory !== null) found.delete(directory);
    if (directory !== null) found.add(directory);
    fork ??= readFork?.(record) ?? null;
  };
  for (const line of linesFromStart(source, WHOLE_BYTES)) note(line);
  if (bytes > WHOLE_BYTES) for (const line of [...linesFromEnd(source, END_BYTES)].reverse()) note(line);
  return fork;
}

/** The files of these ids (lower-case UUIDs): in the likely directories of all clients, then in all others. */
export function* findFiles(
  formats: readonly SessionFormat[],
  ids: Iterable<string>,
): Generator<SessionFile, void> {
  const left = new Set(ids);
  const finders = [
    ...formats.map(({ findByIds }) => findByIds),
    ...formats.flatMap(({ findElsewhere }) => findElsewhere ?? []),
  ];
  for (const find of finders) {
    for (const file of left.size === 0 ? [] : find(left)) {
      if (file.id !== null) left.delete(file.id);
      yield file;
    }
  }
}
