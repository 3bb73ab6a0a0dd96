// The standard streams: what they are connected to, and text onto them, whole and at once.
import { fstatSync, statSync, write as writeInBackground, writeSync } from "node:fs";
import { type Env, readVariable } from "../base/env.ts";
import { errorCode } from "../base/errors.ts";
import { withoutSigns } from "../base/terminal-text.ts";

export interface TerminalStream {
  /** Columns of the terminal that the stream is; undefined for anything else. */
  readonly columns: number | undefined;
  /** Into how many columns a text is wrapped: those of the terminal, or what is usual. */
  readonly width: number;
  readonly hasColours: boolean;
  /** It keeps nothing, and nobody reads it. Default: somebody does. */
  readonly leadsNowhere?: boolean;
  readonly write: (text: string) => void;
}

export interface Terminal {
  /** A person sits at both ends: questions may be asked. */
  readonly isInteractive: boolean;
  readonly stdout: TerminalStream;
  readonly stderr: TerminalStream;
  /**
   * From now on writing happens in the background: a terminal that is paused, or a pipe that nobody reads, keeps no work waiting. The
   * function that it returns resolves when all is written, or nobody has read for a moment.
   */
  readonly writeBehind: () => () => Promise<void>;
}

/** Thrown through a command when the reader of its data is gone (`| head`). */
export class ClosedPipe extends Error {
  override readonly name = "ClosedPipe";
}

/** Thrown through a command when its data cannot be written, as on a full disk: its cause is what the system says. */
export class UnwrittenData extends Error {
  override readonly name = "UnwrittenData";
}

/** For what is no terminal, and for one that says 0: in a container, a CI job, a fresh pseudo-terminal. */
const USUAL_COLUMNS = 80;
/** How long to wait for a reader that is slower than we are, ms. */
const SLOW_READER_WAIT_MS = 1;

export function openTerminal(env: Env): Terminal {
  const stdout = openStream(1, env, (error) => {
    throw CLOSED.has(errorCode(error) ?? "") ? new ClosedPipe() : new UnwrittenData("", { cause: error });
  });
  // Messages that nobody gets are no reason to stop working.
  const stderr = openStream(2, env, () => {});
  return {
    get isInteractive() {
      return isTerminal(0) && isTerminal(2);
    },
    stdout,
    stderr,
    writeBehind() {
      const drains = [stdout, stderr].map((stream) => stream.writeBehind());
      return async () => void (await Promise.all(drains.map((drain) => drain())));
    },
  };
}

/** What a command draws on that takes the whole of it. */
export interface Canvas {
  readonly hasColours: boolean;
  /** Without our own signs where there is no Unicode. */
  readonly show: (text: string) => string;
  /** In the background. Resolves when it is written, or nobody reads any more. */
  readonly write: (text: string) => Promise<void>;
}

/** Null where keys cannot be read, or the whole of stdout cannot be drawn on. */
export function openCanvas(env: Env): Canvas | null {
  if (!isTerminal(0) || !isTerminal(1) || env["TERM"] === "dumb") return null;
  const hasSigns = hasUnicode(env);
  return {
    hasColours: wantsColour(env) ?? true,
    show: (text) => (hasSigns ? text : withoutSigns(text)),
    write: (text) => writeAll(1, Buffer.from(text)).catch(() => {}),
  };
}

interface OpenStream extends TerminalStream {
  readonly writeBehind: Terminal["writeBehind"];
}

function openStream(fd: 1 | 2, env: Env, onFailure: (error: unknown) => void): OpenStream {
  const hasSigns = hasUnicode(env);
  const wanted = wantedColumns(env);
  const wantsColours = wantsColour(env);
  let backlog: Backlog | null = null;
  return {
    get columns() {
      return isTerminal(fd) ? (wanted ?? (STREAMS[fd]().columns || USUAL_COLUMNS)) : undefined;
    },
    get width() {
      return this.columns ?? wanted ?? USUAL_COLUMNS;
    },
    get hasColours() {
      return wantsColours ?? isTerminal(fd);
    },
    get leadsNowhere() {
      return isNullDevice(fd);
    },
    write(text) {
      // Data that goes to a program stays what it is.
      const shown = hasSigns || (fd === 1 && !isTerminal(fd)) ? text : withoutSigns(text);
      if (backlog !== null) return backlog.add(shown);
      try {
        writeWhole(fd, shown);
      } catch (error) {
        onFailure(error);
      }
    },
    writeBehind() {
      const own = (backlog ??= createBacklog(fd));
      return () => own.drain();
    },
  };
}

/** False where there is none. */
function isNullDevice(fd: number): boolean {
  try {
    const { dev, ino } = statSync("/dev/null");
    const opened = fstatSync(fd);
    return opened.dev === dev && opened.ino === ino;
  } catch {
    return false;
  }
}

type Backlog = ReturnType<typeof createBacklog>;

/** Lines of a moment are written together. */
const TOGETHER_MS = 20;
/** What nobody has read by then is left out, until something is read again. */
const MOST_WAITING_CHARS = 4 * 2 ** 20;
const DRAIN_MS = 500;

function createBacklog(fd: 1 | 2) {
  let waiting: string[] = [];
  let chars = 0;
  let timer: Timer | null = null;
  let writing: Promise<void> | null = null;
  const writeOn = async (): Promise<void> => {
    while (waiting.length > 0) {
      const bytes = Buffer.from(waiting.join(""));
      waiting = [];
      chars = 0;
      // Whom nobody reads any more is no reason to stop working.
      await writeAll(fd, bytes).catch(() => {});
    }
    writing = null;
  };
  const start = (): void => {
    timer = null;
    writing ??= writeOn();
  };
  return {
    add(text: string): void {
      if (chars > MOST_WAITING_CHARS) return;
      waiting.push(text);
      chars += text.length;
      if (writing === null) timer ??= setTimeout(start, TOGETHER_MS);
    },
    async drain(): Promise<void> {
      if (timer !== null) clearTimeout(timer);
      start();
      await Promise.race([writing, Bun.sleep(DRAIN_MS)]);
    },
  };
}

/** In another thread. Rejects with what the system says. */
async function writeAll(fd: 1 | 2, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    writeInBackground(fd, bytes, at, (error, written) => {
      if (error === null) resolve(written);
      else if (errorCode(error) === "EAGAIN") resolve(0);
      else reject(error);
    });
    const written = await promise;
    if (written === 0) await Bun.sleep(TOGETHER_MS);
    at += written;
  }
}

const STREAMS = { 0: () => process.stdin, 1: () => process.stdout, 2: () => process.stderr } as const;

const known = new Map<keyof typeof STREAMS, boolean>();

/** Asks the file first: a stream takes 9 ms to make, and most of those that are not a terminal are no device either. */
function isTerminal(fd: keyof typeof STREAMS): boolean {
  return known.getOrInsertComputed(fd, () => {
    try {
      const stats = fstatSync(fd);
      return stats.isCharacterDevice() && stats.rdev !== nullDevice() && STREAMS[fd]().isTTY;
    } catch {
      return false;
    }
  });
}

/** Where a script or a service manager has its output thrown away. */
function nullDevice(): number | null {
  return process.platform === "win32" ? null : statSync("/dev/null").rdev;
}

/** What the person prefers (POSIX, Base Definitions 8.3) comes before what the terminal says of itself. */
function wantedColumns(env: Env): number | undefined {
  const [columns] = /^0*[1-9]\d{0,4}$/.exec(readVariable(env, "COLUMNS") ?? "") ?? [];
  return columns === undefined ? undefined : Number(columns);
}

/** As the C library chooses (POSIX, Base Definitions 8.2). Where nothing is set, most terminals have it all the same. */
export function hasUnicode(env: Env): boolean {
  const locale = ["LC_ALL", "LC_CTYPE", "LANG"].map((name) => readVariable(env, name)).find(Boolean);
  return locale === undefined || /utf-?8/i.test(locale);
}

/** https://no-color.org and the FORCE_COLOR convention; undefined where neither decides. */
function wantsColour(env: Env): boolean | undefined {
  if (readVariable(env, "NO_COLOR") !== undefined) return false;
  const forced = readVariable(env, "FORCE_COLOR");
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  return env["TERM"] === "dumb" ? false : undefined;
}

/**
 * EPIPE: the reader is gone; ECONNRESET: the same, of a socket in place of a pipe, with data left unread.
 * EIO: the terminal was closed. EBADF: the program was started without the stream.
 */
const CLOSED: ReadonlySet<string> = new Set(["EPIPE", "ECONNRESET", "EIO", "EBADF"]);

/** Throws what the system says when the reader has gone away, or there is no room. */
function writeWhole(fd: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if (errorCode(error) !== "EAGAIN") throw error;
      Bun.sleepSync(SLOW_READER_WAIT_MS);
    }
  }
}
