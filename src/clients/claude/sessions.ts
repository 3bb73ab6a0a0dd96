// Claude Code's stored sessions, called transcripts: one directory a project, named after the path in which the session
// began. The name of a directory cannot be turned back into a path. Trusts no field. Only reads.
import { join } from "node:path";
import { isRecord, type JsonRecord, stringOr } from "../../base/json-value.ts";
import { listNames } from "../../base/files.ts";
import type { Paths } from "../../base/paths.ts";
import {
  findInDirectories,
  END_BYTES,
  findInLines,
  linesFromEnd,
  linesFromStart,
  readFileEntry,
} from "../../sessions/files.ts";
import {
  readBranch,
  readTexts,
  readTimestamp,
  readTyped,
  readUuid,
  summarizeToolInput,
} from "../../sessions/record-text.ts";
import type {
  ByteSource,
  FactReader,
  ItemReader,
  ListScope,
  MutableFacts,
  Session,
  SessionFile,
  SessionFormat,
  TranscriptItem,
} from "../../sessions/session.ts";

const EXTENSION = ".jsonl";
/** Before Claude Code had a directory for them, sub-agents were beside the sessions. */
const OLD_SUBAGENT = /^agent-.*\.jsonl$/;
const CWD_MARKS = ['"cwd":', '"relocatedCwd":'];
const FACT_MARKS = ['"custom-title"', '"queue-operation"'];
const SIDE_MARKS = ['"isSidechain":'];
const MESSAGE_MARKS = ['"type":"user"', '"type":"assistant"'];

export function claudeSessions({ claudeHome }: Paths): SessionFormat {
  const projects = join(claudeHome, "projects");
  /** Those of the project's trees and of what is below them come first. */
  const listProjects = ({ project }: Pick<ListScope, "project">): string[] => {
    const slugs = project?.roots.map(makeSlug) ?? [];
    const isNear = (name: string): boolean =>
      slugs.some((slug) => name === slug || name.startsWith(`${slug}-`));
    const names = listNames(projects);
    return [...names.filter(isNear), ...names.filter((name) => !isNear(name))].map((name) =>
      join(projects, name),
    );
  };
  /** Sub-agents have no id. */
  const readEntry = (directory: string, name: string, id = idOf(name)): SessionFile | null =>
    readFileEntry(directory, name, { format, id, isArchived: false, isSubagent: id === null });
  const listSubagents = (directory: string): (SessionFile | null)[] =>
    listNames(directory)
      .filter((name) => name.endsWith(EXTENSION))
      .map((name) => readEntry(directory, name, null));
  const list = (project: string, includesSubagents: boolean): SessionFile[] => {
    const files: (SessionFile | null)[] = [];
    for (const name of listNames(project)) {
      if (includesSubagents && !name.includes("."))
        files.push(...listSubagents(join(project, name, "subagents")));
      const id = idOf(name);
      if (id !== null || (includesSubagents && OLD_SUBAGENT.test(name))) files.push(readEntry(project, name));
    }
    return files.filter((file) => file !== null);
  };
  const format: SessionFormat = {
    service: "claude",
    promptHistory: join(claudeHome, "history.jsonl"),
    *list(scope) {
      for (const project of listProjects(scope)) yield list(project, scope.includesSubagents);
    },
    listArchived: () => [],
    findByIds: (ids) => findInDirectories(listProjects({ project: null }), ids, idOf, readEntry),
    readSession,
    createFactReader,
    createItemReader,
    readSent: ({ message }) => (isRecord(message) ? { messages: [message] } : null),
    directories: { marks: CWD_MARKS, read: readCwd },
    resume: (_session, id) => ({ before: [], command: `claude --resume ${id}`, ownProvider: null }),
    readOrigin: (source) => ({ branch: readLastBranch(source), commit: null, repository: null }),
  };
  return format;
}

/** The directory name for sessions that begin in this path. */
function makeSlug(path: string): string {
  return path.replace(/[^A-Za-z0-9]/g, "-");
}

function idOf(name: string): string | null {
  return name.endsWith(EXTENSION) ? readUuid(name.slice(0, -EXTENSION.length)) : null;
}

function readSession(file: SessionFile, source: ByteSource): Omit<Session, "updatedAt"> {
  const cwd =
    findInLines(linesFromEnd(source, END_BYTES), CWD_MARKS, readCwd) ??
    findInLines(linesFromStart(source, END_BYTES), CWD_MARKS, readCwd);
  const isSubagent = file.isSubagent || isSidechainOnly(source);
  return { file: isSubagent === file.isSubagent ? file : { ...file, isSubagent }, cwd, isSubagent };
}

/** Older versions wrote a sub-agent's conversation into a file of its own that is named like a session's. */
function isSidechainOnly(source: ByteSource): boolean {
  const readSide = (record: JsonRecord): boolean | null =>
    typeof record["isSidechain"] === "boolean" ? record["isSidechain"] : null;
  if (findInLines(linesFromStart(source, END_BYTES), SIDE_MARKS, readSide) !== true) return false;
  const isMain = (record: JsonRecord): true | null => (readSide(record) === false ? true : null);
  return (
    findInLines(linesFromStart(source, END_BYTES), SIDE_MARKS, isMain) === null &&
    findInLines(linesFromEnd(source, END_BYTES), SIDE_MARKS, isMain) === null
  );
}

function readLastBranch(source: ByteSource): string | null {
  return findInLines(linesFromEnd(source, END_BYTES), ['"gitBranch":'], (record) =>
    readBranch(record["gitBranch"]),
  );
}

/** The directory that a record was written in, or that the session was moved to. */
function readCwd(record: JsonRecord): string | null {
  return stringOr(record[record["type"] === "relocated" ? "relocatedCwd" : "cwd"], null);
}

function createFactReader(facts: MutableFacts): FactReader {
  let queuedAt: number | null = null;
  return {
    marks: FACT_MARKS,
    read(record) {
      const at = readTimestamp(record["timestamp"]);
      if (record["type"] === "custom-title") facts.title = stringOr(record["customTitle"], null);
      if (record["type"] === "queue-operation") queuedAt ??= at;
      const message = record["message"];
      if (!isRecord(message)) return;
      if (record["gitBranch"] !== undefined) facts.branch = readBranch(record["gitBranch"]);
      if (record["type"] === "assistant") facts.model = stringOr(message["model"], null) ?? facts.model;
      if (facts.startedAt !== null || at === null) return;
      facts.startedAt = at;
      const from = record["forkedFrom"];
      facts.forkedFrom = isRecord(from) ? readUuid(from["sessionId"]) : null;
      // A fork begins with the new prompt that was queued, and copies the older conversation behind it.
      facts.isFork = facts.forkedFrom !== null || (queuedAt !== null && at < queuedAt);
    },
  };
}

function createItemReader({ isSubagent }: Pick<SessionFile, "isSubagent">): ItemReader {
  return { messageMarks: MESSAGE_MARKS, read: (record) => readItems(record, isSubagent) };
}

/** The items of a record. A sub-agent's, which older versions wrote among them, belong only to a sub-agent's file. */
function readItems(record: JsonRecord, isSubagent: boolean): TranscriptItem[] {
  const message = record["message"];
  if (!isRecord(message) || record["isMeta"] === true || record["isCompactSummary"] === true) return [];
  if ((record["isSidechain"] === true) !== isSubagent) return [];
  const at = readTimestamp(record["timestamp"]);
  const content = message["content"];
  const parts: readonly unknown[] =
    typeof content === "string" ? [{ type: "text", text: content }] : Array.isArray(content) ? content : [];
  const isUser = record["type"] === "user";
  if (!isUser && record["type"] !== "assistant") return [];
  return parts.flatMap((part) => {
    const item = isRecord(part) ? readPart(part, isUser) : null;
    return item === null || item.text === "" ? [] : [{ ...item, at }];
  });
}

function readPart(part: JsonRecord, isUser: boolean): Omit<TranscriptItem, "at"> | null {
  switch (part["type"]) {
    case "text": {
      const text = stringOr(part["text"], "");
      if (!isUser) return { kind: "answer", text };
      const typed = readTyped(text);
      return typed === null ? null : { kind: "prompt", ...typed };
    }
    case "tool_use":
      return { kind: "call", tool: stringOr(part["name"], "tool"), text: summarizeToolInput(part["input"]) };
    case "tool_result":
      return { kind: "output", text: readTexts(part["content"]) };
    default:
      return null;
  }
}
