// What the records of a Codex rollout say about their session, in the shapes of all versions. Believes no field.
// Pure.
import { isRecord, type JsonRecord, parseRecord, stringOr } from "../base/json-value.ts";
import { readTimestamp } from "./timestamp.ts";
import { readUuid } from "./uuid.ts";

export interface CodexMeta {
  readonly cwd: string | null;
  readonly isSubagent: boolean;
  readonly startedAt: number | null;
  readonly provider: string | null;
  readonly branch: string | null;
  readonly forkedFrom: string | null;
}

/** Sessions that no person speaks in. */
const HELPER_SOURCES = new Set(["subagent", "thread_title", "memory_consolidation"]);
const INSTRUCTIONS_MARK = ',"base_instructions":';
/** Records that hold the directory of the turn that begins. */
const TURN_MARKS = ['"turn_context"', '"thread_settings_applied"'];

/** The record that a session begins with; null for any other. */
export function readCodexMeta(record: JsonRecord): CodexMeta | null {
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
    branch: stringOr(git["branch"], null),
    forkedFrom: readUuid(payload["forked_from_id"]),
  };
}

/**
 * The first record of a rollout as far as it says what the session is: before its 22 KB of instructions, in which nothing
 * but the branch comes. Null where it is not written so.
 */
export function cutCodexMeta(start: string): JsonRecord | null {
  const end = start.indexOf(INSTRUCTIONS_MARK);
  return end < 0 ? null : parseRecord(`${start.slice(0, end)}}}`);
}

/** Whether a line may hold what `readCodexTurn` reads: most lines are never parsed. */
export function mayBeCodexTurn(line: Buffer): boolean {
  return TURN_MARKS.some((mark) => line.includes(mark));
}

export interface CodexTurn {
  readonly cwd: string | null;
  readonly model: string | null;
}

/** What a turn is done with. A resumed session's later turns may be done elsewhere. */
export function readCodexTurn(record: JsonRecord): CodexTurn | null {
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

export interface HistoryBase {
  readonly id: string;
  readonly endByte: number;
}

/** Of a fork: the rollout that it goes on from, and how much of it. */
export function readHistoryBase(record: JsonRecord): HistoryBase | null {
  const payload = record["payload"];
  const base = isRecord(payload) && record["type"] === "session_meta" ? payload["history_base"] : null;
  if (!isRecord(base)) return null;
  const id = readUuid(base["thread_id"]);
  const endByte = base["end_byte_offset"];
  return id === null || typeof endByte !== "number" ? null : { id, endByte };
}

/** The directory in the message with which Codex tells a model where it is. */
export function readToldCwd(record: JsonRecord): string | null {
  return /<environment_context>.*?<cwd>([^<]+)<\/cwd>/s.exec(messageText(record))?.[1] ?? null;
}

/** The text of a message record; empty for any other. */
function messageText(record: JsonRecord): string {
  const message = isRecord(record["payload"]) ? record["payload"] : record;
  const content: unknown = message["type"] === "message" ? message["content"] : [];
  if (!Array.isArray(content)) return "";
  return content.map((part) => (isRecord(part) ? stringOr(part["text"], "") : "")).join("\n");
}
