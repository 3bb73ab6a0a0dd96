// Where a session belongs: the latest directory that its file records. Only reads, and only the ends of the file.
import { errorCode } from "../base/errors.ts";
import { mayBeClaudePlace, readClaudeCwd } from "./claude-records.ts";
import {
  type CodexMeta,
  cutCodexMeta,
  mayBeCodexTurn,
  readCodexMeta,
  readCodexTurn,
  readToldCwd,
} from "./codex-records.ts";
import { type ByteSource, linesFromEnd, linesFromStart, openSource, parseLine } from "./file-ends.ts";
import type { SessionFile, SessionPlace } from "./session.ts";

/** The first line is about 22 KB, the first prompt was seen at 97 KB. */
export const MOST_AT_AN_END = 1024 * 1024;
/** More than stands before the instructions in the first line. */
const META_BYTES = 2048;
/** How many lines may stand before the one that says what the session is. */
const MOST_LINES_BEFORE_META = 20;

/** Never throws: a file that cannot be read is a session that nothing is known of. */
export function readPlace(file: SessionFile): SessionPlace {
  try {
    using source = openSource(file.path, file.bytes);
    return file.service === "codex" ? readCodexPlace(file, source) : readClaudePlace(file, source);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return { file, cwd: null, isSubagent: file.isSubagent };
  }
}

/** The record at the start of a rollout that says what it is. */
function readMeta(source: ByteSource): CodexMeta | null {
  const cut = cutCodexMeta(source.read(0, META_BYTES).toString("utf8"));
  if (cut !== null) return readCodexMeta(cut);
  let seen = 0;
  for (const line of linesFromStart(source, MOST_AT_AN_END)) {
    const record = parseLine(line);
    const meta = record === null ? null : readCodexMeta(record);
    if (meta !== null) return meta;
    if (++seen >= MOST_LINES_BEFORE_META) return null;
  }
  return null;
}

function readCodexPlace(file: SessionFile, source: ByteSource): SessionPlace {
  const meta = readMeta(source);
  const cwd = latestCodexCwd(source) ?? meta?.cwd ?? toldCwd(source);
  return { file, cwd, isSubagent: meta?.isSubagent === true };
}

function latestCodexCwd(source: ByteSource): string | null {
  for (const line of linesFromEnd(source, MOST_AT_AN_END)) {
    if (!mayBeCodexTurn(line)) continue;
    const record = parseLine(line);
    const cwd = record === null ? null : (readCodexTurn(record)?.cwd ?? null);
    if (cwd !== null) return cwd;
  }
  return null;
}

/** Rollouts of summer 2025 have the directory only in what the model was told. */
function toldCwd(source: ByteSource): string | null {
  for (const line of linesFromStart(source, MOST_AT_AN_END)) {
    if (!line.includes("environment_context")) continue;
    const record = parseLine(line);
    const cwd = record === null ? null : readToldCwd(record);
    if (cwd !== null) return cwd;
  }
  return null;
}

function readClaudePlace(file: SessionFile, source: ByteSource): SessionPlace {
  for (const lines of [linesFromEnd, linesFromStart]) {
    for (const line of lines(source, MOST_AT_AN_END)) {
      if (!mayBeClaudePlace(line)) continue;
      const record = parseLine(line);
      const cwd = record === null ? null : readClaudeCwd(record);
      if (cwd !== null) return { file, cwd, isSubagent: file.isSubagent };
    }
  }
  return { file, cwd: null, isSubagent: file.isSubagent };
}
