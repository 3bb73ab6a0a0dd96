// The standard streams: what they are connected to, and text onto them, whole and at once.
import { writeSync } from "node:fs";
import { type Env, readVariable } from "../base/env.ts";
import { errorCode } from "../base/errors.ts";

export interface TerminalStream {
  /** Columns, where the stream is a terminal that knows them. */
  readonly columns: number | undefined;
  readonly hasColours: boolean;
  readonly write: (text: string) => void;
}

export interface Terminal {
  /** A person sits at both ends: questions may be asked. */
  readonly isInteractive: boolean;
  readonly stdout: TerminalStream;
  readonly stderr: TerminalStream;
}

/** Thrown through a command when nobody reads its data any more (`| head`). */
export class ClosedPipe extends Error {
  override readonly name = "ClosedPipe";
}

/** How long to wait for a reader that is slower than we are, ms. */
const SLOW_READER_WAIT_MS = 1;

export function openTerminal(env: Env): Terminal {
  const { stdin, stdout, stderr } = process;
  return {
    isInteractive: stdin.isTTY && stderr.isTTY,
    stdout: {
      columns: stdout.isTTY ? stdout.columns : undefined,
      hasColours: wantsColour(env, stdout.isTTY),
      write: (text) => {
        if (!writeWhole(1, text)) throw new ClosedPipe();
      },
    },
    stderr: {
      columns: stderr.isTTY ? stderr.columns : undefined,
      hasColours: wantsColour(env, stderr.isTTY),
      // Words that nobody can read are no reason to stop working.
      write: (text) => {
        writeWhole(2, text);
      },
    },
  };
}

/** https://no-color.org, the FORCE_COLOR convention, or whether it is a terminal. */
function wantsColour(env: Env, isTerminal: boolean): boolean {
  if (readVariable(env, "NO_COLOR") !== undefined) return false;
  const forced = readVariable(env, "FORCE_COLOR");
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  return isTerminal && env["TERM"] !== "dumb";
}

/** False when the reader has gone away. */
function writeWhole(fd: 1 | 2, text: string): boolean {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const code = errorCode(error);
      if (code === "EAGAIN") {
        Bun.sleepSync(SLOW_READER_WAIT_MS);
        continue;
      }
      // EIO: the terminal was closed. EBADF: the program was started without the stream.
      if (code === "EPIPE" || code === "EIO" || code === "EBADF") return false;
      throw error;
    }
  }
  return true;
}
