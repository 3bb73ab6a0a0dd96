// Data for stdout: lines, tables and JSON, coloured where colours are welcome. The words beside it are in words.ts.
// Lets no control character through but its own colours. Masks nothing: whoever makes the data does.
import { isRecord } from "../base/json-value.ts";
import { inEnglish, isText } from "../base/text.ts";
import { escapeHarmful, printable } from "../base/terminal-text.ts";
import { alignRows } from "./layout.ts";
import type { Terminal } from "./terminal.ts";

export type Colour = "red" | "green" | "yellow" | "cyan" | "bold" | "dim";

export interface Data {
  /** Columns of the terminal, or what is usual where there is none. */
  readonly width: number;
  /** Whether stdout is a terminal, where a line must not be wider than `width`. */
  readonly isTerminal: boolean;
  /** One line, or several. */
  readonly line: (text?: string) => void;
  readonly json: (value: unknown) => void;
  /** Rows under their headings, aligned by display width; on a terminal, cut to its width. */
  readonly table: (headings: readonly string[], rows: readonly (readonly string[])[]) => void;
  /** Colours a text that goes to stdout. */
  readonly paint: (colour: Colour, text: string) => string;
}

/** A text and the colour to show it in. */
export interface ColouredText {
  readonly words: string;
  readonly colour: Colour;
}

const CODES: Readonly<Record<Colour, readonly [start: number, end: number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
  bold: [1, 22],
  dim: [2, 22],
};
// oxlint-disable-next-line no-control-regex -- our own colours are escape sequences
const OWN_CODES = /(\u001b\[(?:3[1236]|39|1|2|22)m)/;

export function createData({ stdout }: Pick<Terminal, "stdout">): Data {
  const paint: Data["paint"] = (colour, text) => paintText(stdout.hasColours, colour, text);
  const line: Data["line"] = (text = "") => stdout.write(`${makeHarmless(text, stdout.hasColours)}\n`);
  return {
    get width() {
      return stdout.width;
    },
    get isTerminal() {
      return stdout.columns !== undefined;
    },
    line,
    json: (value) => stdout.write(`${makeJson(value)}\n`),
    table(headings, rows) {
      const titles = headings.map((text) => paint("dim", text));
      line(alignRows([titles, ...rows], stdout.columns).join("\n"));
    },
    paint,
  };
}

export function paintText(hasColours: boolean, colour: Colour, text: string): string {
  const [start, end] = CODES[colour];
  return hasColours && text !== "" ? `\u001b[${start}m${text}\u001b[${end}m` : text;
}

/** Text of any origin as a terminal may have it: no control character but, if wanted, our own colours. */
export function makeHarmless(text: string, hasColours: boolean): string {
  if (!hasColours) return printable(text);
  return text
    .split(OWN_CODES)
    .map((part, index) => (index % 2 === 1 ? part : printable(part)))
    .join("");
}

/**
 * Indented JSON, or on one line with 0. Texts are in English; what says the same as data, `<name>_text` and `<name>_data`, is left out. What could
 * steer a terminal is escaped, so that the value stays what it is.
 */
export function makeJson(value: unknown, indent = 2): string {
  const english = (name: string, part: unknown): unknown => {
    if (isRecord(part) && /_(?:text|data)$/.test(name)) return undefined;
    return isText(part) ? inEnglish(part) : part;
  };
  return escapeHarmful(JSON.stringify(value, english, indent));
}
