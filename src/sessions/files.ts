// Lists session files, and reads lines from both ends of one without what is between. Only reads.
import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { sep } from "node:path";
import { errorCode } from "../base/errors.ts";
import { listNames } from "../base/files.ts";
import { parseRecord, type JsonRecord } from "../base/json-value.ts";
import type { ByteSource, SessionFile } from "./session.ts";

/** How much is read at either end of a file. The first line is about 22 KB, the first prompt was seen at 97 KB. */
export const END_BYTES = 1024 * 1024;

const FIRST_STEP = 16 * 1024;
const STEP_FACTOR = 4;
const MAX_STEP = 1024 * 1024;
const MAX_LINE = 8 * 1024 * 1024;
/** A compressed session cannot be entered in its middle: one that holds more is listed by its name alone. */
const MAX_DECOMPRESSED = 64 * 1024 * 1024;
const NEWLINE = 10;
const STAT_OPTIONS = { throwIfNoEntry: false } as const;

/** Null for what is no file, or cannot be read. Years of history are 50,000 files: little is done for each. */
export function readFileEntry(
  directory: string,
  name: string,
  { format, id, isArchived, isSubagent }: Pick<SessionFile, "format" | "id" | "isArchived" | "isSubagent">,
): SessionFile | null {
  const path = directory + sep + name;
  try {
    const found = statSync(path, STAT_OPTIONS);
    if (found === undefined || !found.isFile()) return null;
    return { format, path, id, modifiedAt: found.mtimeMs, bytes: found.size, isArchived, isSubagent };
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return null;
  }
}

/** Of the files in these directories those of the ids; no directory is read when all are found. */
export function* findInDirectories(
  directories: Iterable<string>,
  ids: ReadonlySet<string>,
  idOf: (name: string) => string | null,
  readEntry: (directory: string, name: string) => SessionFile | null,
): Generator<SessionFile> {
  const wanted = new Set(ids);
  for (const directory of directories) {
    if (wanted.size === 0) return;
    for (const name of listNames(directory)) {
      const id = idOf(name);
      const file = id !== null && wanted.has(id) ? readEntry(directory, name) : null;
      if (id === null || file === null) continue;
      wanted.delete(id);
      yield file;
    }
  }
}

/** Throws system errors, and zlib's for a broken compressed file. */
export function openSource(path: string, bytes: number): ByteSource {
  if (path.endsWith(".zst")) {
    // Bun's own has no output limit. Loaded for the first such file: it takes 3 ms.
    const { zstdDecompressSync } = process.getBuiltinModule("node:zlib");
    const content = zstdDecompressSync(readFileSync(path), { maxOutputLength: MAX_DECOMPRESSED });
    return {
      bytes: content.length,
      read: (position, length) => content.subarray(position, position + length),
      [Symbol.dispose]() {},
    };
  }
  const fd = openSync(path, "r");
  return {
    bytes,
    read(position, length, room) {
      const wanted = Math.max(0, Math.min(length, bytes - position));
      const buffer = room !== undefined && room.length >= wanted ? room : Buffer.allocUnsafe(wanted);
      return buffer.subarray(0, readSync(fd, buffer, 0, wanted, position));
    },
    [Symbol.dispose]() {
      closeSync(fd);
    },
  };
}

/**
 * Complete lines from the start, as long as they begin and end within `limit` bytes. Lines longer than any that a client
 * writes are passed over, as is what has no lines at all. A line is good until the next one is asked for.
 */
export function* linesFromStart(source: ByteSource, limit: number): Generator<Buffer> {
  const end = Math.min(limit, source.bytes);
  /** The line that no block has ended yet, put together only when it is whole. */
  let parts: Buffer[] = [];
  let length = 0;
  let position = 0;
  let room: Buffer | undefined;
  for (let step = FIRST_STEP; position < end; step = Math.min(step * STEP_FACTOR, MAX_STEP)) {
    const wanted = Math.min(step, end - position);
    if (room === undefined || room.length < wanted) room = Buffer.allocUnsafe(wanted);
    const block = source.read(position, wanted, room);
    if (block.length === 0) break;
    position += block.length;
    let start = 0;
    for (let stop = block.indexOf(NEWLINE); stop >= 0; stop = block.indexOf(NEWLINE, start)) {
      const rest = block.subarray(start, stop);
      length += rest.length;
      if (length > 0 && length <= MAX_LINE) yield parts.length === 0 ? rest : Buffer.concat([...parts, rest]);
      parts = [];
      length = 0;
      start = stop + 1;
    }
    length += block.length - start;
    if (length > MAX_LINE) parts = [];
    else if (start < block.length) parts.push(Buffer.from(block.subarray(start)));
  }
  // The last line of a file that is not being written may lack its end.
  if (position >= source.bytes && length > 0 && length <= MAX_LINE) yield Buffer.concat(parts);
}

/** Lines from the last to the first that begin within the last `limit` bytes. The last one may be half-written. */
export function* linesFromEnd(source: ByteSource, limit: number): Generator<Buffer> {
  let carry: Buffer = Buffer.alloc(0);
  let position = source.bytes;
  const stop = Math.max(0, source.bytes - limit);
  for (let step = FIRST_STEP; position > stop; step *= STEP_FACTOR) {
    const start = Math.max(stop, position - step);
    const block = source.read(start, position - start);
    // The file was cut meanwhile: what is left of it does not fit together.
    if (block.length < position - start) return;
    position = start;
    carry = carry.length === 0 ? block : Buffer.concat([block, carry]);
    let end = carry.length;
    while (end > 0) {
      const before = carry.lastIndexOf(NEWLINE, end - 1);
      if (before < 0) break;
      if (end - before > 1) yield carry.subarray(before + 1, end);
      end = before;
    }
    carry = carry.subarray(0, end);
  }
  if (position === 0 && carry.length > 0) yield carry;
}

/** The object in a line; null for a torn line or anything else. */
export function parseLine(line: Buffer): JsonRecord | null {
  return parseRecord(line.toString("utf8"));
}

/** Whether a line may be of interest: most lines are never parsed. */
export function hasMark(line: Buffer, marks: readonly string[]): boolean {
  return marks.some((mark) => line.includes(mark));
}

/** The first that `read` finds in the records of these lines. Lines without any of the marks are not parsed. */
export function findInLines<T>(
  lines: Iterable<Buffer>,
  marks: readonly string[],
  read: (record: JsonRecord) => T | null,
): T | null {
  for (const line of lines) {
    const record = hasMark(line, marks) ? parseLine(line) : null;
    const found = record === null ? null : read(record);
    if (found !== null) return found;
  }
  return null;
}
