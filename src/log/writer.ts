// Appends to requests.jsonl: one line, one write, also with several processes writing. Rotates by size.
// A request never fails because of its log line: a problem is reported once, through a callback.
import { closeSync, fstatSync, openSync, readSync, type Stats, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { UserError } from "../base/errors.ts";
import { PRIVATE_FILE, describe, ensurePrivateDirectory, resolveLink, setMode } from "../base/files.ts";
import { type Text, t } from "../base/text.ts";
import { type LogEntry, makeLogLine } from "./entry.ts";
import { KEPT_FILES, isEndless, rotateLog } from "./rotation.ts";

export interface LogWriterOptions {
  /** Called when lines begin to be lost, with their number once they are written again, and when a full file cannot be rotated. */
  readonly onTrouble: (words: Text) => void;
  /** A line that would make the file larger starts a new one. Default 50 MiB. */
  readonly maxBytes?: number;
  /** How many full files are kept beside the current one. Default 10. */
  readonly keep?: number;
  /** Monotonic clock, ms. */
  readonly monotonic?: () => number;
}

interface OpenLog {
  readonly fd: number;
  /** Behind all links. */
  readonly path: string;
  /** Not a device that keeps nothing. */
  readonly isFile: boolean;
  /** Where the file ended after our last write. */
  end: number;
  /** Nobody else had written to it when we last looked: until then, and up to that length, its end is taken for known. */
  alone: { readonly until: number; readonly bytes: number } | null;
  /** When we last looked whether the path still leads to this file. */
  lookedAt: number;
  rotateAtBytes: number;
}

const DEFAULT_MAX_BYTES = 50 * 1024 * 1024;
/** A look at the path costs as much as the write. Until the next one, lines go into the file that was moved away. */
const LOOK_INTERVAL_MS = 1000;
/** To ask the file costs more than the write: where no other process writes, it is asked once in so long, and so much of a full file. */
const ALONE_MS = 250;
const ALONE_SHARE = 0.01;
const ROTATION_RETRY_SHARE = 0.02;
/** Nearly all lines fit: no character takes more than three bytes. */
const BUFFER_BYTES = 16 * 1024;
const NEWLINE = 0x0a;
const TORN_AFTER_MS = 5;

/** Opens nothing before the first line. The directory is made 0700, the file 0600. */
export function createLogWriter(path: string, options: LogWriterOptions) {
  const { onTrouble, maxBytes = DEFAULT_MAX_BYTES, keep = KEPT_FILES } = options;
  const monotonic = options.monotonic ?? (() => performance.now());
  const encoder = new TextEncoder();
  const buffer = new Uint8Array(BUFFER_BYTES);
  let log: OpenLog | null = null;
  let lostLines = 0;
  /** A full file could not be rotated, and that has been reported. */
  let isStuck = false;

  /** The next line opens the file again. */
  function close(): void {
    const last = log;
    log = null;
    if (last !== null) closeSync(last.fd);
  }

  function closeQuietly(): void {
    try {
      close();
    } catch {
      // The first problem has been reported.
    }
  }

  function reopen(): OpenLog {
    close();
    return (log = { ...open(path), end: 0, alone: null, lookedAt: monotonic(), rotateAtBytes: maxBytes });
  }

  /** The file to write to, with its present size. */
  function ready(lineBytes: number): { to: OpenLog; size: number } {
    const to = log ?? reopen();
    const now = monotonic();
    const { alone, end } = to;
    if (alone !== null && now < alone.until && end + lineBytes <= alone.bytes) return { to, size: end };
    const stats = fstatSync(to.fd);
    const bytes = Math.min(to.rotateAtBytes, end + maxBytes * ALONE_SHARE);
    to.alone = stats.size === end ? { until: now + ALONE_MS, bytes } : null;
    if (stats.nlink === 0 || hasMoved(to, stats)) return fresh();
    if (stats.size === 0 || stats.size + lineBytes <= to.rotateAtBytes) return { to, size: stats.size };
    try {
      rotateLog(to.path, stats.ino, keep);
    } catch (error) {
      to.rotateAtBytes = stats.size + Math.ceil(maxBytes * ROTATION_RETRY_SHARE);
      // The lock's only error without a cause: another process is just doing it.
      const isBusy = error instanceof UserError && error.cause === undefined;
      if (!isBusy && !isStuck) onTrouble(t`cannot rotate ${path}: ${describe(error)}; it keeps growing`);
      isStuck ||= !isBusy;
      return { to, size: stats.size };
    }
    isStuck = false;
    return fresh();
  }

  function fresh(): { to: OpenLog; size: number } {
    const to = reopen();
    return { to, size: fstatSync(to.fd).size };
  }

  function hasMoved(to: OpenLog, stats: Stats): boolean {
    const now = monotonic();
    if (now - to.lookedAt < LOOK_INTERVAL_MS) return false;
    to.lookedAt = now;
    return statSync(to.path, { throwIfNoEntry: false })?.ino !== stats.ino;
  }

  /** Until the next line. */
  function encode(line: string): Uint8Array {
    if (line.length * 3 > BUFFER_BYTES) return encoder.encode(line);
    return buffer.subarray(0, encoder.encodeInto(line, buffer).written);
  }

  function write(line: Uint8Array): void {
    const { to, size } = ready(line.length);
    const isTorn = size !== to.end && endsTorn(to.fd, size);
    const bytes = isTorn ? Buffer.concat([Uint8Array.of(NEWLINE), line]) : line;
    for (let written = 0; written < bytes.length;) written += writeSync(to.fd, bytes, written);
    to.end = size + bytes.length;
  }

  return {
    /** Writes one line at once, and says whether it can be read again. Never throws. */
    append(entry: LogEntry): boolean {
      try {
        write(encode(makeLogLine(entry)));
      } catch (error) {
        lostLines += 1;
        if (lostLines === 1) onTrouble(t`cannot write ${path}: ${describe(error)}; requests are not logged`);
        closeQuietly();
        return false;
      }
      if (lostLines > 0)
        onTrouble(t`${path} can be written again; ${lostLines} requests are missing from it`);
      lostLines = 0;
      return log?.isFile === true;
    },
    close,
  };
}

function open(path: string): Pick<OpenLog, "fd" | "isFile" | "path"> {
  ensurePrivateDirectory(dirname(path));
  const target = resolveLink(path);
  if (isEndless(target)) throw new UserError(t`it is not a file`);
  const fd = openSync(target, "a+", PRIVATE_FILE);
  const stats = fstatSync(fd);
  if (stats.isFile() && (stats.mode & 0o077) !== 0) setMode(fd, PRIVATE_FILE);
  return { fd, path: target, isFile: stats.isFile() };
}

/**
 * Whether another process has died in the middle of its line. One that is just writing looks the same for a moment: a
 * file grows page by page.
 */
function endsTorn(fd: number, size: number): boolean {
  if (endsWithNewline(fd, size)) return false;
  Bun.sleepSync(TORN_AFTER_MS);
  const later = fstatSync(fd).size;
  return later === size || endsTorn(fd, later);
}

function endsWithNewline(fd: number, size: number): boolean {
  const last = new Uint8Array(1);
  return size === 0 || readSync(fd, last, 0, 1, size - 1) === 0 || last[0] === NEWLINE;
}
