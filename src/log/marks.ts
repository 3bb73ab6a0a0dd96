// Reads what was added to requests.jsonl since a mark: also after its files were rotated, cut, edited, replaced or removed.
import type { FileHandle } from "node:fs/promises";
import { type LogFile, closeAll, openLogFiles, parseLine, scanFile, unreadable } from "./reader.ts";

/** How far a file of the log was read, and how it is recognised: an inode's number is used again. */
export interface LogMark {
  readonly ino: number;
  /** Where the last line that was read ends. */
  readonly bytes: number;
  /** Of the first bytes, and of those before `bytes`. */
  readonly head: string;
  readonly tail: string;
}

export interface ReadSinceOptions {
  /** `isRescan`: no mark fits any more, or not for its file, so that the line may have been read before. */
  readonly onLine: (line: string, isRescan: boolean) => void;
  /** Wall clock, ms. In a rescan, files that nobody wrote to since are skipped. */
  readonly readAt: number | null;
  /** Nothing is read where there is more than this. */
  readonly mostBytes?: number | undefined;
}

/** A process may write to a file for a second after another one has rotated it. */
const MARKED_FILES = 2;
const PRINT_BYTES = 256;
/** Times of a file system may be coarse. */
const SLACK_MS = 2_000;

/**
 * Oldest line first. An unfinished line at the end counts once it is complete.
 * @returns the marks for the next time; null where there was too much. Throws UserError when the log cannot be read.
 */
export async function readLogSince(
  path: string,
  marks: readonly LogMark[],
  { mostBytes = Infinity, onLine, readAt }: ReadSinceOptions,
): Promise<LogMark[] | null> {
  const files = await openLogFiles(path);
  try {
    const found = await Promise.all(files.map((file) => findMark(file, marks)));
    const oldest = found.findLastIndex((mark) => mark !== undefined);
    const isRescan = oldest === -1;
    const parts = files
      .map((file, index) => ({ file, from: found[index]?.bytes ?? 0 }))
      .filter(({ file }, index) =>
        isRescan
          ? readAt === null || file.mtimeMs >= readAt - SLACK_MS
          : index <= oldest || isPutThere(file, readAt),
      );
    if (parts.reduce((sum, { file, from }) => sum + file.size - from, 0) > mostBytes) return null;
    const ends = new Map<LogFile, number>();
    for (const { file, from } of parts.toReversed()) {
      const mayBeKnown = isRescan || files.indexOf(file) > oldest;
      let isWhole = false;
      const end = await scanFile(file, {
        from,
        onLine: (line) => onLine(line, mayBeKnown),
        onTail(line) {
          isWhole = parseLine(line) !== null;
          if (isWhole) onLine(line, mayBeKnown);
        },
      });
      ends.set(file, isWhole ? file.size : end);
    }
    return await Promise.all(
      files.slice(0, MARKED_FILES).map((file) => makeMark(file, ends.get(file) ?? file.size)),
    );
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    await closeAll(files);
  }
}

/** A rotated file that is written to later than the log was read is another log's. */
function isPutThere({ mtimeMs }: LogFile, readAt: number | null): boolean {
  return readAt !== null && mtimeMs > readAt;
}

async function findMark(file: LogFile, marks: readonly LogMark[]): Promise<LogMark | undefined> {
  const mark = marks.find(({ bytes, ino }) => ino === file.ino && bytes <= file.size);
  if (mark === undefined) return undefined;
  const { head, tail } = await makeMark(file, mark.bytes);
  return head === mark.head && tail === mark.tail ? mark : undefined;
}

async function makeMark({ handle, ino }: LogFile, bytes: number): Promise<LogMark> {
  const length = Math.min(PRINT_BYTES, bytes);
  const [head, tail] = await Promise.all([
    fingerprint(handle, 0, length),
    fingerprint(handle, bytes - length, length),
  ]);
  return { ino, bytes, head, tail };
}

async function fingerprint(handle: FileHandle, position: number, length: number): Promise<string> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
  return Bun.hash(buffer.subarray(0, bytesRead)).toString(36);
}
