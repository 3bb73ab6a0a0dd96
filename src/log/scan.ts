// Goes once over all of requests.jsonl, oldest first, for reports: fast, and in constant memory.
// Gives only the fields that reports read; for whole entries there is reader.ts.
import { createLineScanner, SCAN_MARGIN, type LineScanner } from "./line-scanner.ts";
import { type LogFile, MAX_LINE_BYTES, openLogFiles, unreadable } from "./log-files.ts";
import { parseLine } from "./reader.ts";

export interface ScanOptions {
  /** Fields as they were found: they may be missing or of other types. */
  readonly onEntry: (fields: Readonly<Record<string, unknown>>) => void;
  /** Called for each stretch that holds no entry. */
  readonly onBadLine: () => void;
  /** Bytes that have been read, and that there are. */
  readonly onProgress?: (read: number, total: number) => void;
}

const BLOCK_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

/** A log that does not exist has no entries. Throws UserError when a file is there and cannot be read. */
export async function scanLog(path: string, options: ScanOptions): Promise<void> {
  const files = await openLogFiles(path);
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const lines = createLineFeed(options);
  let read = 0;
  try {
    for (const file of files.toReversed()) {
      for await (const length of feed(file, lines)) options.onProgress?.((read += length), total);
    }
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    await Promise.all(files.map(({ handle }) => handle.close()));
  }
}

/** As far as the file went when it was opened. */
async function* feed({ handle, size }: LogFile, lines: LineFeed): AsyncGenerator<number> {
  for (let at = 0; at < size;) {
    const { bytes, offset, length } = lines.room();
    const { bytesRead } = await handle.read(bytes, offset, Math.min(length, size - at), at);
    if (bytesRead === 0) break;
    at += bytesRead;
    lines.filled(bytesRead);
    yield bytesRead;
  }
  lines.finish();
}

interface LineFeed {
  /** Where the next bytes go. */
  readonly room: () => { readonly bytes: Buffer; readonly offset: number; readonly length: number };
  readonly filled: (length: number) => void;
  /** The file is over: what is left is a line. */
  readonly finish: () => void;
}

function createLineFeed({ onEntry, onBadLine }: ScanOptions): LineFeed {
  let block = Buffer.alloc(BLOCK_BYTES + SCAN_MARGIN);
  let scanner: LineScanner = createLineScanner(block);
  /** Bytes of a line whose end has not been read yet, at the beginning of the block. */
  let held = 0;

  function visit(end: number): void {
    for (let at = 0; at < end;) {
      const scanned = scanner.scan(at);
      if (scanned !== null) {
        onEntry(scanned);
        at = scanner.next();
        continue;
      }
      const lineEnd = block.indexOf(NEWLINE, at);
      const line = block.toString("utf8", at, lineEnd);
      const parsed = parseLine(line);
      if (parsed !== null) onEntry(parsed.fields);
      else if (line.trim() !== "") onBadLine();
      at = lineEnd + 1;
    }
  }

  function makeRoom(): void {
    const capacity = block.length - SCAN_MARGIN;
    if (held < capacity) return;
    if (capacity >= MAX_LINE_BYTES) {
      // No parser takes this for the beginning of a line.
      held = block.write("?");
      return;
    }
    const larger = Buffer.alloc(capacity * 2 + SCAN_MARGIN);
    block.copy(larger, 0, 0, held);
    block = larger;
    scanner = createLineScanner(block);
  }

  return {
    room() {
      makeRoom();
      return { bytes: block, offset: held, length: block.length - SCAN_MARGIN - held };
    },
    filled(length) {
      const filled = held + length;
      const end = block.subarray(0, filled).lastIndexOf(NEWLINE) + 1;
      visit(end);
      block.copyWithin(0, end, filled);
      held = filled - end;
    },
    finish() {
      block[held] = NEWLINE;
      visit(held === 0 ? 0 : held + 1);
      held = 0;
    },
  };
}
