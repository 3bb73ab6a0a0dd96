// Reads requests.jsonl and the files put away before it, in either direction, in constant memory.
// What cannot be read is skipped and counted: lines of older and newer versions, torn ones, other people's.
import type { FileHandle } from "node:fs/promises";
import { isRecord } from "../base/json-value.ts";
import { type LogFile, MAX_LINE_BYTES, openLogFiles, unreadable } from "./log-files.ts";

/** A line as it was found. Fields may be missing, of other types, or unknown here. */
export interface StoredEntry {
  readonly raw: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface ReadLogOptions {
  readonly order: "oldest-first" | "newest-first";
  /** Called for each stretch that holds no entry. */
  readonly onBadLine?: () => void;
}

const BLOCK_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * All entries, a batch at a time. A log that does not exist has none. A file that is written to meanwhile is read as
 * far as it went when reading began. Throws UserError when a file is there and cannot be read.
 */
export async function* readLog(path: string, options: ReadLogOptions): AsyncGenerator<StoredEntry[]> {
  const files = await openLogFiles(path);
  const isForward = options.order === "oldest-first";
  try {
    for (const file of isForward ? files.toReversed() : files) {
      for await (const lines of isForward ? linesForward(file) : linesBackward(file)) {
        const entries: StoredEntry[] = [];
        for (const line of lines) {
          const entry = parseLine(line);
          if (entry !== null) entries.push(entry);
          else if (line.trim() !== "") options.onBadLine?.();
        }
        if (entries.length > 0) yield entries;
      }
    }
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    await Promise.all(files.map(({ handle }) => handle.close()));
  }
}

/** One line of the log; null when it holds no entry. */
export function parseLine(line: string): StoredEntry | null {
  // Blocks that the system had not written before a power loss read as NULs.
  const raw = line.startsWith("\0") ? line.replace(LEADING_NULS, "") : line;
  try {
    const fields: unknown = JSON.parse(raw);
    return isRecord(fields) && typeof fields["timestamp_ms"] === "number" ? { raw, fields } : null;
  } catch {
    return null;
  }
}

// oxlint-disable-next-line no-control-regex -- NULs are what is looked for
const LEADING_NULS = /^\0+/;

async function* linesForward({ handle, size }: LogFile): AsyncGenerator<string[]> {
  let rest: Buffer = Buffer.alloc(0);
  for (let at = 0; at < size;) {
    const block = await readAt(handle, at, Math.min(BLOCK_BYTES, size - at));
    if (block.length === 0) break;
    at += block.length;
    const end = block.lastIndexOf(NEWLINE);
    if (end >= 0) yield decodeLines([rest, block.subarray(0, end)]);
    rest = end >= 0 ? block.subarray(end + 1) : join([rest, block]);
  }
  if (rest.length > 0) yield decodeLines([rest]);
}

async function* linesBackward({ handle, size }: LogFile): AsyncGenerator<string[]> {
  let rest: Buffer = Buffer.alloc(0);
  for (let at = size; at > 0;) {
    const length = Math.min(BLOCK_BYTES, at);
    const block = await readAt(handle, at - length, length);
    if (block.length < length) break;
    at -= length;
    const start = block.indexOf(NEWLINE);
    if (start >= 0) yield decodeLines([block.subarray(start + 1), rest]).reverse();
    rest = start >= 0 ? block.subarray(0, start) : join([block, rest]);
  }
  if (rest.length > 0) yield decodeLines([rest]);
}

/** A part of a line, or, where it grows too long to be one, something that no parser will take for one. */
function join(parts: readonly Buffer[]): Buffer {
  const whole = Buffer.concat(parts);
  return whole.length > MAX_LINE_BYTES ? Buffer.from("?") : whole;
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

function decodeLines(parts: readonly Buffer[]): string[] {
  return Buffer.concat(parts).toString("utf8").split("\n");
}
