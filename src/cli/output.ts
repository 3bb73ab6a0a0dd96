// The only way to the terminal: data to stdout, words to stderr, colours where they are welcome.
// Secrets are masked by whoever makes the data; control characters are taken out here.
import { writeSync } from "node:fs";
import { type Env, readVariable } from "../base/env.ts";
import { errorCode } from "../base/errors.ts";

export type Colour = "red" | "green" | "yellow" | "cyan" | "bold" | "dim";

export interface Output {
  /** Columns of the terminal; 80 where there is none. */
  readonly width: number;
  /** Data. One line, or several. */
  line(text?: string): void;
  json(value: unknown): void;
  /** Rows under their headings, aligned by display width, the last column cut to the terminal. */
  table(headings: readonly string[], rows: readonly (readonly string[])[]): void;
  /** Words that are not data: what was done, what to type next. */
  note(text: string): void;
  warn(text: string): void;
  /** Colours a text that goes to stdout. */
  paint(colour: Colour, text: string): string;
  /** A yes-or-no question on the terminal; false where nobody can answer. */
  confirm(question: string): Promise<boolean>;
}

const CODES: Readonly<Record<Colour, readonly [number, number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
  bold: [1, 22],
  dim: [2, 22],
};

export interface OutputOptions {
  readonly env: Env;
  readonly isInteractive: boolean;
  readonly isTerminal: { readonly stdout: boolean; readonly stderr: boolean };
  readonly columns: number | undefined;
}

export function createOutput(options: OutputOptions): Output {
  const width = options.columns ?? 80;
  const colours = {
    stdout: wantsColour(options.env, options.isTerminal.stdout),
    stderr: wantsColour(options.env, options.isTerminal.stderr),
  };
  const paint = (on: boolean, colour: Colour, text: string): string => {
    const [start, end] = CODES[colour];
    return on ? `\u001b[${start}m${text}\u001b[${end}m` : text;
  };
  return {
    width,
    line: (text = "") => write(1, `${text}\n`),
    json: (value) => write(1, `${JSON.stringify(value, null, 2)}\n`),
    table(headings, rows) {
      for (const row of alignRows(
        [headings.map((text) => paint(colours.stdout, "dim", text)), ...rows],
        width,
      )) {
        write(1, `${row}\n`);
      }
    },
    note: (text) => write(2, `${text}\n`),
    warn: (text) => write(2, `${paint(colours.stderr, "yellow", "warning:")} ${text}\n`),
    paint: (colour, text) => paint(colours.stdout, colour, text),
    async confirm(question) {
      if (!options.isInteractive) return false;
      write(2, `${question} [y/N] `);
      for await (const answer of console) return /^\s*y(es)?\s*$/i.test(answer);
      return false;
    },
  };
}

/** https://no-color.org and the FORCE_COLOR convention; a terminal otherwise. */
function wantsColour(env: Env, isTerminal: boolean): boolean {
  if (readVariable(env, "NO_COLOR") !== undefined) return false;
  const forced = readVariable(env, "FORCE_COLOR");
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  return isTerminal && env["TERM"] !== "dumb";
}

/** Pads every column but the last to its widest cell; no line is wider than the terminal. */
export function alignRows(rows: readonly (readonly string[])[], width: number): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries())
      widths[column] = Math.max(widths[column] ?? 0, Bun.stringWidth(cell));
  }
  return rows.map((row) => {
    const cells = row.map((cell, column) =>
      column === row.length - 1 ? cell : cell + " ".repeat((widths[column] ?? 0) - Bun.stringWidth(cell)),
    );
    const line = cells.join("  ").trimEnd();
    return Bun.stringWidth(line) <= width ? line : `${Bun.sliceAnsi(line, 0, width - 1)}…`;
  });
}

/** Writes at once and whole. A reader that has gone away (`| head`) ends the program quietly. */
function write(fd: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if (errorCode(error) === "EAGAIN") continue;
      if (errorCode(error) === "EPIPE") throw new ClosedPipe();
      throw error;
    }
  }
}

/** Thrown through a command when nobody reads its output any more. */
export class ClosedPipe extends Error {}
