// All that a list says of a session. Of a long file only both ends are read. Only reads.
import { errorCode } from "../base/errors.ts";
import { isRecord, type JsonRecord, stringOr } from "../base/json-value.ts";
import { type CodexMeta, mayBeCodexTurn, readCodexMeta, readCodexTurn } from "./codex-records.ts";
import { type ByteSource, linesFromEnd, linesFromStart, openSource, parseLine } from "./file-ends.ts";
import { createItemReader } from "./items.ts";
import { MOST_AT_AN_END } from "./place.ts";
import type { SessionFacts, SessionPlace } from "./session.ts";
import { readTimestamp } from "./timestamp.ts";
import { readUuid } from "./uuid.ts";

type Known = { -readonly [Name in keyof SessionFacts]: SessionFacts[Name] };
/** Looks at one record and notes what it says. */
type Observer = (record: JsonRecord) => void;

const TITLE_MARK = '"custom-title"';
const META_MARKS = ['"session_meta"', '"instructions":'];

/** Never throws: of a file that cannot be read, what its name says is known. */
export function readFacts(place: SessionPlace): SessionFacts {
  const known: Known = {
    ...place,
    startedAt: null,
    updatedAt: place.file.modifiedAt,
    firstPrompt: null,
    title: null,
    branch: null,
    model: null,
    provider: null,
    turns: 0,
    isLeastTurns: false,
    isFork: false,
    forkedFrom: null,
  };
  try {
    using source = openSource(place.file.path, place.file.bytes);
    known.isLeastTurns = source.bytes > 2 * MOST_AT_AN_END;
    observeLines(place, source, known);
    known.updatedAt = readLastTime(source) ?? known.updatedAt;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
  return known;
}

function observeLines(place: SessionPlace, source: ByteSource, known: Known): void {
  const items = createItemReader(place);
  const isCodex = place.file.service === "codex";
  const observe = isCodex ? observeCodex(known) : observeClaude(known);
  const mayTell = (line: Buffer): boolean =>
    items.mayBeMessage(line) ||
    (isCodex
      ? mayBeCodexTurn(line) || META_MARKS.some((mark) => line.includes(mark))
      : line.includes(TITLE_MARK) || line.includes('"queue-operation"'));
  for (const line of bothEnds(source)) {
    if (!mayTell(line)) continue;
    const record = parseLine(line);
    if (record === null) continue;
    observe(record);
    for (const item of items.read(record)) {
      if (item.kind !== "prompt") continue;
      known.turns += 1;
      known.firstPrompt ??= item.text;
    }
  }
}

function* bothEnds(source: ByteSource): Generator<Buffer> {
  if (source.bytes <= 2 * MOST_AT_AN_END) return yield* linesFromStart(source, source.bytes);
  yield* linesFromStart(source, MOST_AT_AN_END);
  yield* [...linesFromEnd(source, MOST_AT_AN_END)].reverse();
}

function observeCodex(known: Known): Observer {
  let meta: CodexMeta | null = null;
  return (record) => {
    known.model = readCodexTurn(record)?.model ?? known.model;
    // A sub-agent's file may hold its parent's too: the first is its own.
    meta ??= readCodexMeta(record);
    if (meta === null || known.startedAt !== null) return;
    known.startedAt = meta.startedAt;
    known.provider = meta.provider;
    known.branch = meta.branch;
    known.forkedFrom = meta.forkedFrom;
    known.isFork = meta.forkedFrom !== null && !meta.isSubagent;
  };
}

function observeClaude(known: Known): Observer {
  let queuedAt: number | null = null;
  return (record) => {
    const at = readTimestamp(record["timestamp"]);
    if (record["type"] === "custom-title") known.title = stringOr(record["customTitle"], null);
    if (record["type"] === "queue-operation") queuedAt ??= at;
    const message = record["message"];
    if (!isRecord(message)) return;
    known.branch = stringOr(record["gitBranch"], null) ?? known.branch;
    if (record["type"] === "assistant") known.model = stringOr(message["model"], null) ?? known.model;
    if (known.startedAt !== null || at === null) return;
    known.startedAt = at;
    const from = record["forkedFrom"];
    known.forkedFrom = isRecord(from) ? readUuid(from["sessionId"]) : null;
    // A fork begins with the new prompt that was queued, and copies the older conversation behind it.
    known.isFork = known.forkedFrom !== null || (queuedAt !== null && at < queuedAt);
  };
}

function readLastTime(source: ByteSource): number | null {
  for (const line of linesFromEnd(source, MOST_AT_AN_END)) {
    if (!line.includes('"timestamp":')) continue;
    const at = readTimestamp(parseLine(line)?.["timestamp"]);
    if (at !== null) return at;
  }
  return null;
}
