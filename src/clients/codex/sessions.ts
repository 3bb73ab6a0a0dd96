// Codex's stored sessions, called rollouts: one directory a day, named after the local day on which the session began. A
// session that is resumed stays in its file. Reads the shapes of all versions, and trusts no field. Only reads.
import { isAbsolute, join } from "node:path";
import { onUserError } from "../../base/errors.ts";
import { isRecord, type JsonRecord, parseRecord, stringOr } from "../../base/json-value.ts";
import { listNames } from "../../base/files.ts";
import type { Paths } from "../../base/paths.ts";
import {
  END_BYTES,
  findInDirectories,
  findInLines,
  linesFromEnd,
  linesFromStart,
  parseLine,
  readFileEntry,
} from "../../sessions/files.ts";
import { readBranch, readTexts, readTimestamp, readUuid } from "../../sessions/record-text.ts";
import type {
  ByteSource,
  FactReader,
  MutableFacts,
  ParentSession,
  ProviderChange,
  ResumableSession,
  ResumeWords,
  Session,
  SessionFacts,
  SessionFile,
  SessionFormat,
} from "../../sessions/session.ts";
import { OWN_PROVIDER } from "./own-provider.ts";
import { createItemReader } from "./session-items.ts";

const UUID_LENGTH = 36;
const MILLISECOND_DIGITS = 12;
const DAY_MS = 86_400_000;
/** More bytes than come before the instructions in the first line. */
const META_BYTES = 2048;
/** How many lines may come before the one that says what the session is. */
const MAX_LINES_BEFORE_META = 20;
const INSTRUCTIONS_MARK = ',"base_instructions":';
/** Records that hold the directory of the turn that begins. */
const TURN_MARKS = ['"turn_context"', '"thread_settings_applied"'];
const TOOL_MARKS = ["workdir", '"working_directory"'];
const META_MARKS = ['"session_meta"', '"instructions":'];
const NO_ORIGIN = { branch: null, commit: null, repository: null };
/** Sessions without a person. */
const HELPER_SOURCES = new Set(["subagent", "thread_title", "memory_consolidation"]);

export function codexSessions(paths: Paths): SessionFormat {
  const sessions = join(paths.codexHome, "sessions");
  const archive = join(paths.codexHome, "archived_sessions");
  const list = (directory: string): SessionFile[] =>
    listNames(directory).flatMap((name) => (isRollout(name) ? (readEntry(directory, name) ?? []) : []));
  const readEntry = (directory: string, name: string): SessionFile | null =>
    readFileEntry(directory, name, {
      format,
      id: idOf(name),
      isArchived: directory === archive,
      isSubagent: false,
    });
  function* listAll(): Generator<string> {
    yield archive;
    yield* listDays(sessions);
    yield sessions;
  }
  const findIn = (directories: Iterable<string>, ids: ReadonlySet<string>): Generator<SessionFile> =>
    findInDirectories(directories, ids, idOf, readEntry);
  const format: SessionFormat = {
    service: "codex",
    promptHistory: join(paths.codexHome, "history.jsonl"),
    *list() {
      for (const day of listDays(sessions)) yield list(day);
      // Until summer 2025 there were no directories for days.
      yield list(sessions);
    },
    listArchived: () => list(archive),
    findByIds: (ids) =>
      findIn(new Set([...ids].flatMap((id) => daysOf(id).map((day) => join(sessions, day)))), ids),
    findElsewhere: (ids) => findIn(listAll(), ids),
    readSession,
    createFactReader,
    createItemReader,
    readSent(record) {
      const { payload, type } = record;
      if (type === "response_item") return { input: [payload] };
      // Until summer 2025 the items stood there by themselves.
      return payload === undefined && typeof type === "string" ? { input: [record] } : null;
    },
    directories: {
      marks: [...TURN_MARKS, ...META_MARKS],
      read: (record) => readTurn(record)?.cwd ?? readMeta(record)?.cwd ?? null,
      readFork: (record) => readMeta(record)?.forkedFrom ?? null,
    },
    readParent,
    resume,
    readOrigin: (source) => readFirstMeta(source, { isWhole: true })?.origin ?? NO_ORIGIN,
    findProviderChange: (facts) => findProviderChange(paths, facts),
  };
  return format;
}

function* listDays(sessions: string): Generator<string> {
  for (const year of listLatest(sessions)) {
    for (const month of listLatest(join(sessions, year))) {
      for (const day of listLatest(join(sessions, year, month))) yield join(sessions, year, month, day);
    }
  }
}

/** Names with dates in them, the latest first. */
function listLatest(directory: string): string[] {
  return listNames(directory).sort().reverse();
}

function isRollout(name: string): boolean {
  return name.startsWith("rollout-") && (name.endsWith(".jsonl") || name.endsWith(".jsonl.zst"));
}

function idOf(name: string): string | null {
  if (!isRollout(name)) return null;
  const end = name.lastIndexOf(".jsonl");
  return readUuid(name.slice(end - UUID_LENGTH, end));
}

/**
 * An id of version 7 holds the ms since 1970 at which it was made (RFC 9562 5.7). The directories are named in local time, of
 * which it says nothing: its day, and those beside it. None for ids of other versions.
 */
function daysOf(id: string): string[] {
  if (id[14] !== "7") return [];
  const time = Number.parseInt(id.replaceAll("-", "").slice(0, MILLISECOND_DIGITS), 16);
  return [0, -DAY_MS, DAY_MS].map((offset) =>
    new Date(time + offset).toISOString().slice(0, 10).replaceAll("-", "/"),
  );
}

function readSession(file: SessionFile, source: ByteSource): Omit<Session, "updatedAt"> {
  const meta = readFirstMeta(source);
  const cwd =
    findInLines(linesFromEnd(source, END_BYTES), TURN_MARKS, (record) => readTurn(record)?.cwd ?? null) ??
    meta?.cwd ??
    // Rollouts of summer 2025 have the directory only in a message to the model, those of spring only where a tool was run.
    findInLines(linesFromStart(source, END_BYTES), ["environment_context"], readEnvironmentCwd) ??
    findInLines(linesFromStart(source, END_BYTES), TOOL_MARKS, readToolCwd);
  return { file, cwd, isSubagent: meta?.isSubagent === true };
}

type Meta = NonNullable<ReturnType<typeof readMeta>>;

/** The record at the start of a rollout that says what it is. */
function readFirstMeta(source: ByteSource, { isWhole = false } = {}): Meta | null {
  const cut = isWhole ? null : cutMeta(source.read(0, META_BYTES).toString("utf8"));
  if (cut !== null) return readMeta(cut);
  for (const line of linesFromStart(source, END_BYTES).take(MAX_LINES_BEFORE_META)) {
    const record = parseLine(line);
    const meta = record === null ? null : readMeta(record);
    if (meta !== null) return meta;
  }
  return null;
}

/**
 * The first record of a rollout as far as it says what the session is: before its 22 KB of instructions, after which only
 * the branch follows. Null where it is not written so.
 */
function cutMeta(start: string): JsonRecord | null {
  const end = start.indexOf(INSTRUCTIONS_MARK);
  return end < 0 ? null : parseRecord(`${start.slice(0, end)}}}`);
}

/** Null for any other record than the one that a session begins with. */
function readMeta(record: JsonRecord) {
  const payload = record["type"] === "session_meta" ? record["payload"] : record;
  if (!isRecord(payload)) return null;
  // Before October 2025 the first line was the bare object.
  const isBare = record["type"] === undefined && readUuid(record["id"]) !== null;
  if (payload === record && !isBare) return null;
  const git = isRecord(payload["git"]) ? payload["git"] : {};
  const source = payload["source"];
  return {
    cwd: stringOr(payload["cwd"], null),
    isSubagent:
      isRecord(source) ||
      [source, payload["thread_source"]].some((value) => HELPER_SOURCES.has(stringOr(value, ""))),
    startedAt: readTimestamp(payload["timestamp"]),
    provider: stringOr(payload["model_provider"], null),
    origin: {
      branch: readBranch(git["branch"]),
      commit: stringOr(git["commit_hash"], null),
      repository: stringOr(git["repository_url"], null),
    },
    forkedFrom: readUuid(payload["forked_from_id"]),
  };
}

/** What a turn is done with. A resumed session's later turns may be in another directory. */
function readTurn(record: JsonRecord) {
  const payload = record["payload"];
  if (!isRecord(payload)) return null;
  const settings =
    record["type"] === "turn_context"
      ? payload
      : payload["type"] === "thread_settings_applied"
        ? payload["thread_settings"]
        : null;
  if (!isRecord(settings)) return null;
  return { cwd: stringOr(settings["cwd"], null), model: stringOr(settings["model"], null) };
}

/** The directory in the message with which Codex tells a model where it is. */
function readEnvironmentCwd(record: JsonRecord): string | null {
  const message = isRecord(record["payload"]) ? record["payload"] : record;
  const text = message["type"] === "message" ? readTexts(message["content"]) : "";
  const [, tagged, named] =
    /<environment_context>.*?(?:<cwd>([^<]+)<\/cwd>|^\s*Current working directory: ([^\n]+)$)/ms.exec(text) ??
    [];
  return tagged ?? named?.trim() ?? null;
}

/** The directory in which a command was run: the session's own, or one below it. */
function readToolCwd(record: JsonRecord): string | null {
  const call = isRecord(record["payload"]) ? record["payload"] : record;
  const written = call["arguments"] ?? call["action"];
  const input = typeof written === "string" ? parseRecord(written) : written;
  const cwd = isRecord(input) ? stringOr(input["workdir"] ?? input["working_directory"], "") : "";
  return isAbsolute(cwd) ? cwd : null;
}

function createFactReader(facts: MutableFacts): FactReader {
  let meta: Meta | null = null;
  return {
    marks: [...TURN_MARKS, ...META_MARKS],
    read(record) {
      facts.model = readTurn(record)?.model ?? facts.model;
      // A sub-agent's file may hold its parent's too: the first is its own.
      meta ??= readMeta(record);
      if (meta === null || facts.startedAt !== null) return;
      facts.startedAt = meta.startedAt;
      facts.provider = meta.provider;
      facts.branch = meta.origin.branch;
      facts.forkedFrom = meta.forkedFrom;
      facts.isFork = meta.forkedFrom !== null && !meta.isSubagent;
    },
  };
}

function readParent(record: JsonRecord): ParentSession | null {
  const payload = record["payload"];
  const base = isRecord(payload) && record["type"] === "session_meta" ? payload["history_base"] : null;
  if (!isRecord(base)) return null;
  const id = readUuid(base["thread_id"]);
  const endByte = base["end_byte_offset"];
  return id === null || typeof endByte !== "number" ? null : { id, endByte };
}

/** Behind a provider of our own a session can only be resumed with a proxy. */
function resume({ file, provider }: ResumableSession, id: string): ResumeWords {
  return {
    before: file.isArchived ? [`codex unarchive ${id}`] : [],
    command: `codex resume ${id}`,
    ownProvider: provider === OWN_PROVIDER ? OWN_PROVIDER : null,
  };
}

async function findProviderChange(paths: Paths, { provider }: SessionFacts): Promise<ProviderChange | null> {
  if (provider === null || provider === OWN_PROVIDER) return null;
  const { readCodexFacts } = await import("./facts.ts");
  // A config.toml that cannot be read is for doctor to report.
  const settings = await readCodexFacts(paths).catch(onUserError(() => null));
  if (settings === null || settings.activeId === provider) return null;
  const isStoredDefined = provider === "openai" || settings.providers.some(({ id }) => id === provider);
  return { stored: provider, configured: settings.activeId, isStoredDefined };
}
