// The whole conversation of a session, read line by line however long its file is. Only reads.
import { statSync } from "node:fs";
import { UserError, errorCode } from "../base/errors.ts";
import { describe } from "../base/files.ts";
import { t } from "../base/text.ts";
import { linesFromStart, openSource, parseLine } from "./files.ts";
import { findFiles } from "./find.ts";
import type { ItemReader, Session, SessionFormat, TranscriptItem } from "./session.ts";

/** No real chain of forks is longer, and one that goes in circles ends. */
const MAX_PARENTS = 20;

/**
 * The items from first to last. Of a fork whose file has only its own turns, what comes before is read from its parent's
 * file, up to the fork. Throws UserError for a file that cannot be read.
 */
export function* readTranscript({ file }: Session): Generator<TranscriptItem> {
  const { format, path } = file;
  try {
    yield* readPart(format, { path, end: Infinity, items: format.createItemReader(file), depth: 0 });
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    throw new UserError(t`cannot read ${path}: ${describe(error)}`, { cause: error });
  }
}

interface Part {
  readonly path: string;
  /** Bytes of the file that belong to the conversation. */
  readonly end: number;
  readonly items: ItemReader;
  readonly depth: number;
}

function* readPart(format: SessionFormat, { path, end, items, depth }: Part): Generator<TranscriptItem> {
  using source = openSource(path, statSync(path).size);
  let isFirst = true;
  for (const line of linesFromStart(source, Math.min(end, source.bytes))) {
    const record = parseLine(line);
    if (record === null) continue;
    const parent = isFirst && depth < MAX_PARENTS ? (format.readParent?.(record) ?? null) : null;
    isFirst = false;
    const [file] = parent === null ? [] : findFiles([format], [parent.id]);
    if (file !== undefined && parent !== null)
      yield* readPart(format, { path: file.path, end: parent.endByte, items, depth: depth + 1 });
    yield* items.read(record);
  }
}
