// The whole conversation of a session, read line by line however long its file is. Only reads.
import { statSync } from "node:fs";
import type { JsonRecord } from "../base/json-value.ts";
import { UserError, errorCode } from "../base/errors.ts";
import { describe } from "../base/files.ts";
import { t } from "../base/text.ts";
import { linesFromStart, openSource, parseLine } from "./files.ts";
import { findFiles } from "./find.ts";
import type { Session, SessionFormat, TranscriptItem } from "./session.ts";

/** No real chain of forks is longer, and one that goes in circles ends. */
const MAX_PARENTS = 20;

/** The items from first to last. Throws UserError for a file that cannot be read. */
export function* readTranscript({ file }: Pick<Session, "file">): Generator<TranscriptItem> {
  const items = file.format.createItemReader(file);
  for (const record of readRecords({ file })) yield* items.read(record);
}

/**
 * The records from first to last. Of a fork whose file has only its own turns, what comes before is read from its parent's
 * file, up to the fork. Throws UserError for a file that cannot be read.
 */
export function* readRecords({ file }: Pick<Session, "file">): Generator<JsonRecord> {
  const { format, path } = file;
  try {
    yield* readPart(format, { path, end: Infinity, depth: 0 });
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    throw new UserError(t`cannot read ${path}: ${describe(error)}`, { cause: error });
  }
}

interface Part {
  readonly path: string;
  /** Bytes of the file that belong to the conversation. */
  readonly end: number;
  readonly depth: number;
}

function* readPart(format: SessionFormat, { path, end, depth }: Part): Generator<JsonRecord> {
  using source = openSource(path, statSync(path).size);
  let isFirst = true;
  for (const line of linesFromStart(source, Math.min(end, source.bytes))) {
    const record = parseLine(line);
    if (record === null) continue;
    const parent = isFirst && depth < MAX_PARENTS ? (format.readParent?.(record) ?? null) : null;
    isFirst = false;
    const [file] = parent === null ? [] : findFiles([format], [parent.id]);
    if (file !== undefined && parent !== null)
      yield* readPart(format, { path: file.path, end: parent.endByte, depth: depth + 1 });
    yield record;
  }
}
