// The whole conversation of a session, read line by line however long its file is. Only reads.
import { statSync } from "node:fs";
import { UserError, errorCode } from "../base/errors.ts";
import { describe } from "../base/files.ts";
import { t } from "../base/language.ts";
import { findRollouts } from "./codex-files.ts";
import { readHistoryBase } from "./codex-records.ts";
import { linesFromStart, openSource, parseLine } from "./file-ends.ts";
import { createItemReader, type ItemReader } from "./items.ts";
import type { SessionHomes, SessionPlace, TranscriptItem } from "./session.ts";

/** A fork of a fork of a fork: no real history is deeper, and one that goes in circles ends. */
const MOST_PARENTS = 20;

/**
 * The items from first to last. A fork of Codex has only its own turns in its file: what it goes on from is read from
 * the other file, as far as that had come. Throws UserError for a file that cannot be read.
 */
export function* readTranscript(homes: SessionHomes, place: SessionPlace): Generator<TranscriptItem> {
  const { path } = place.file;
  try {
    yield* readPart(homes, { path, end: Infinity, items: createItemReader(place), depth: 0 });
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

function* readPart(homes: SessionHomes, { path, end, items, depth }: Part): Generator<TranscriptItem> {
  using source = openSource(path, statSync(path).size);
  let isFirst = true;
  for (const line of linesFromStart(source, Math.min(end, source.bytes))) {
    const record = parseLine(line);
    if (record === null) continue;
    const base = isFirst && depth < MOST_PARENTS ? readHistoryBase(record) : null;
    isFirst = false;
    const [parent] = base === null ? [] : findRollouts(homes.codexHome, new Set([base.id]));
    if (parent !== undefined && base !== null)
      yield* readPart(homes, { path: parent.path, end: base.endByte, items, depth: depth + 1 });
    yield* items.read(record);
  }
}
