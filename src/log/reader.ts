// Reads requests.jsonl and its rotated files: all of it from the oldest entry, or from the newest one back. Constant memory.
// A line that is no entry is skipped and counted: a torn one, or another program's. Lines are in no certain order: logs are
// joined, clocks are wrong. So what is too old is passed over by its time, which is the first field of a line.
import { type FileHandle, open } from "node:fs/promises";
import { UserError, errorCode } from "../base/errors.ts";
import { describe, realPath } from "../base/files.ts";
import { t } from "../base/text.ts";
import { type LogRecord, readRecord } from "./record.ts";
import { KEPT_FILES, isEndless, rotatedPath } from "./rotation.ts";

/** A line as it is stored, and parsed. */
export interface StoredEntry {
  readonly raw: string;
  readonly record: LogRecord;
}

export interface ReadLogOptions {
  /** Called for each stretch that holds no entry. */
  readonly onBadLine?: () => void;
  /** ms since 1970: older entries are not wanted. Most of them are passed over unread, but not all. */
  readonly since?: number | undefined;
}

export interface ScanLogOptions extends ReadLogOptions {
  /** Oldest first. A log may have millions: keep no record. */
  readonly onRecord: (record: LogRecord) => void;
  /** Bytes that have been read, and that there are. */
  readonly onProgress?: (read: number, total: number) => void;
}

const SCANNED_BYTES = 256 * 1024;
const BLOCK_BYTES = 1024 * 1024;
/** A longer line is not one of ours. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const MAX_FILES = 1000;
const NEWLINE = 0x0a;
/** A file that was not written to for so long before a time has nothing of then: clocks are wrong by hours, seldom by more. */
const CLOCK_SLACK_MS = 86_400_000;

/**
 * Goes once over all entries, oldest first. A log that does not exist has none. A file that is written to meanwhile is
 * read as far as it went when reading began. Throws UserError when a file is there and cannot be read.
 */
export async function scanLog(path: string, options: ScanLogOptions): Promise<void> {
  const { onRecord, onBadLine, onProgress, since } = options;
  const opened = await openLogFiles(path);
  const files = opened.filter((file) => mayHold(file, since));
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  const onLine = (line: string): void => {
    const entry = parseLine(line, onBadLine);
    if (entry !== null) onRecord(entry.record);
  };
  const onRead = (bytes: number): void => onProgress?.((done += bytes), total);
  try {
    for (const file of files.toReversed()) await scanFile(file, { onLine, onTail: onLine, onRead, since });
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    await closeAll(opened);
  }
}

/** The same entries from the newest back, a batch at a time. With `since`, a mebibyte without any is an empty batch. */
export async function* readLogBackward(
  path: string,
  { onBadLine, since }: ReadLogOptions = {},
): AsyncGenerator<StoredEntry[]> {
  const files = await openLogFiles(path);
  try {
    for (const file of files) {
      if (!mayHold(file, since)) continue;
      for await (const lines of linesBackward(file, since)) {
        const entries = parseLines(lines, onBadLine);
        if (entries.length > 0 || since !== undefined) yield entries;
      }
    }
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    await closeAll(files);
  }
}

/** About when the log begins, ms; null for one that may still have all that was ever written to it. Throws UserError. */
export async function findLogStart(path: string): Promise<number | null> {
  const oldest = rotatedPath(realPath(path), KEPT_FILES);
  const handle = await openOrNull(oldest).catch((error: unknown) => {
    throw unreadable(oldest, error);
  });
  if (handle === null) return null;
  try {
    return await readFirstTime(handle);
  } finally {
    await handle.close();
  }
}

/** The time of its first entry, ms, whether or not there were older ones; null for a log without one. Throws UserError. */
export async function findFirstTime(path: string): Promise<number | null> {
  const files = await openLogFiles(path);
  try {
    for (const { handle } of files.toReversed()) {
      const time = await readFirstTime(handle);
      if (time !== null) return time;
    }
    return null;
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    await closeAll(files);
  }
}

async function readFirstTime(handle: FileHandle): Promise<number | null> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(SCANNED_BYTES), 0, SCANNED_BYTES, 0);
  const [first] = parseLines(decodeLines([buffer.subarray(0, bytesRead)], undefined));
  return first?.record.timestamp_ms ?? null;
}

/** One line of the log; null when it holds no entry. */
export function parseLine(line: string, onBadLine?: () => void): StoredEntry | null {
  // Blocks that the system had not written before a power loss read as NULs.
  const raw = line.startsWith("\0") ? line.replace(LEADING_NULS, "") : line;
  try {
    const record = readRecord(JSON.parse(raw));
    if (record !== null) return { raw, record };
  } catch {
    // Told below, as JSON that is no entry.
  }
  if (line.trim() !== "") onBadLine?.();
  return null;
}

export function parseLines(lines: readonly string[], onBadLine?: () => void): StoredEntry[] {
  return lines.map((line) => parseLine(line, onBadLine)).filter((entry) => entry !== null);
}

function mayHold({ mtimeMs }: LogFile, since: number | undefined): boolean {
  return since === undefined || mtimeMs >= since - CLOCK_SLACK_MS;
}

/** How each line of ours begins. */
const TIME_FIELD = Buffer.from('{"timestamp_ms":');
const ZERO = 0x30;
const COMMA = 0x2c;
const MOST_DIGITS = 15;

/** Whether a line that begins at `start` is one of ours from before a time. */
function isBefore(block: Buffer, start: number, since: number): boolean {
  const from = start + TIME_FIELD.length;
  if (block.compare(TIME_FIELD, 0, TIME_FIELD.length, start, Math.min(from, block.length)) !== 0)
    return false;
  let time = 0;
  for (let at = from; at < from + MOST_DIGITS; at += 1) {
    const byte = block[at] ?? 0;
    if (byte === COMMA) return at > from && time < since;
    if (byte < ZERO || byte > ZERO + 9) return false;
    time = time * 10 + byte - ZERO;
  }
  return false;
}

// oxlint-disable-next-line no-control-regex -- NULs are what is looked for
const LEADING_NULS = /^\0+/;

/**
 * Newest first, so that a file that is rotated meanwhile is met twice rather than never; the second is dropped.
 * Throws UserError for one that is there and cannot be opened. The caller closes them.
 */
export async function openLogFiles(path: string) {
  const files: LogFile[] = [];
  const inodes = new Set<number>();
  // A log behind a link is rotated where it really is.
  const target = realPath(path);
  try {
    for (let number = 0; number < MAX_FILES; number += 1) {
      const handle = await openOrNull(number === 0 ? path : rotatedPath(target, number));
      if (handle === null && number > 0) break;
      if (handle === null) continue;
      const { ino, mtimeMs, size } = await handle.stat();
      if (inodes.has(ino)) {
        await handle.close();
        continue;
      }
      inodes.add(ino);
      files.push({ handle, ino, mtimeMs, size });
    }
  } catch (error) {
    await closeAll(files);
    throw unreadable(path, error);
  }
  return files;
}

export interface LogFile {
  readonly handle: FileHandle;
  readonly ino: number;
  readonly mtimeMs: number;
  /** When it was opened. */
  readonly size: number;
}

export async function closeAll(files: readonly LogFile[]): Promise<void> {
  await Promise.all(files.map(({ handle }) => handle.close()));
}

async function openOrNull(path: string): Promise<FileHandle | null> {
  if (isEndless(path)) throw new UserError(t`${path} is not a file`);
  try {
    return await open(path, "r");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  }
}

export function unreadable(path: string, error: unknown): unknown {
  return errorCode(error) === undefined
    ? error
    : new UserError(t`cannot read ${path}: ${describe(error)}`, { cause: error });
}

export interface ScanFileOptions {
  /** Bytes that are skipped. */
  readonly from?: number;
  readonly onLine: (line: string) => void;
  /** What follows the last line end. */
  readonly onTail: (line: string) => void;
  readonly onRead?: (bytes: number) => void;
  readonly since?: number | undefined;
}

/**
 * Decodes line by line out of one block: a batch of strings and parsed lines would take twice the memory.
 * @returns where the last line ends
 */
export async function scanFile(
  { handle, size }: Pick<LogFile, "handle" | "size">,
  { from = 0, onLine, onRead, onTail, since = 0 }: ScanFileOptions,
): Promise<number> {
  let block = Buffer.allocUnsafe(SCANNED_BYTES);
  /** Bytes of a line whose end has not been read yet, at the beginning of the block. */
  let held = 0;
  let at = from;
  while (at < size) {
    if (held >= MAX_LINE_BYTES) held = block.write(NO_LINE);
    if (held === block.length) block = Buffer.concat([block, Buffer.allocUnsafe(held)]);
    const { bytesRead } = await handle.read(block, held, Math.min(block.length - held, size - at), at);
    if (bytesRead === 0) break;
    at += bytesRead;
    const filled = block.subarray(0, held + bytesRead);
    let start = 0;
    for (let end = filled.indexOf(NEWLINE, held); end >= 0; end = filled.indexOf(NEWLINE, start)) {
      if (since === 0 || !isBefore(filled, start, since)) onLine(filled.toString("utf8", start, end));
      start = end + 1;
    }
    held = filled.length - start;
    filled.copyWithin(0, start);
    onRead?.(bytesRead);
  }
  if (held > 0) onTail(block.toString("utf8", 0, held));
  return at - held;
}

async function* linesBackward(
  { handle, size }: LogFile,
  since: number | undefined,
): AsyncGenerator<string[]> {
  /** Of a line whose beginning has not been read yet, in order. */
  let parts: Buffer[] = [];
  let held = 0;
  for (let at = size; at > 0;) {
    const length = Math.min(BLOCK_BYTES, at);
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, at - length);
    if (bytesRead < length) break;
    at -= length;
    const start = buffer.indexOf(NEWLINE);
    if (start >= 0) {
      yield decodeLines([buffer.subarray(start + 1), ...parts], since).reverse();
      [parts, held] = [[], 0];
    }
    const part = start >= 0 ? buffer.subarray(0, start) : buffer;
    held += part.length;
    // It grows too long to be a line.
    if (held > MAX_LINE_BYTES) [parts, held] = [[Buffer.from(NO_LINE)], NO_LINE.length];
    else parts.unshift(part);
  }
  if (held > 0) yield decodeLines(parts, since);
}

/** No parser takes this for a line, nor what follows it. */
const NO_LINE = "?";

function decodeLines(parts: readonly Buffer[], since: number | undefined): string[] {
  const block = Buffer.concat(parts);
  if (since === undefined) return block.toString("utf8").split("\n");
  const lines: string[] = [];
  for (let start = 0; start < block.length;) {
    const end = block.indexOf(NEWLINE, start);
    const next = end < 0 ? block.length : end;
    if (!isBefore(block, start, since)) lines.push(block.toString("utf8", start, next));
    start = next + 1;
  }
  return lines;
}
