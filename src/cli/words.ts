// Words for people, on stderr: what was done, what to type next, what went wrong. Never data.
// Lets no control character through but its own colours.
import { type ConsolaReporter, createConsola } from "consola/core";
import type { Env } from "../base/env.ts";
import { showPathsIn } from "../base/paths.ts";
import { type Text, asCalled, t as text } from "../base/text.ts";
import { tell } from "./language.ts";
import { type Colour, type Data, makeHarmless, paintText } from "./output.ts";
import type { Prompts } from "./prompts.ts";
import type { Terminal } from "./terminal.ts";
import { cutColumns } from "./layout.ts";

export interface Words {
  /** What was done, what to type next. */
  readonly note: (text: string) => void;
  readonly warn: (text: string) => void;
  /** "error: ..." with what to type under it. */
  readonly error: (text: string, hint?: string) => void;
  /** A line that the next one replaces; "" removes it. Nothing where stderr is no terminal. */
  readonly passing: (text: string) => void;
  /** A yes-or-no question; false without a terminal. */
  readonly confirm: (question: string) => Promise<boolean>;
  /** Takes the terminal over for questions until it is disposed of. Only where `isInteractive` is true. */
  readonly openPrompts: () => Promise<Prompts>;
}

/** For a log that runs: lines as wide as stderr, and where the last one can be written over. */
export interface Surface {
  readonly paint: Data["paint"];
  /** Shortens the paths in a text. */
  readonly tidy: (text: string) => string;
  /** Columns, as they are now. */
  readonly width: () => number;
  readonly print: (line: string) => void;
  /** Null where it is no terminal, or one that cannot move its cursor. */
  readonly replace: ((line: string) => void) | null;
  /** Nobody gets to see what is printed. */
  readonly leadsNowhere: boolean;
}

export interface OnSurface {
  readonly surface: Surface;
  /** Rings the bell of the terminal; false where stderr is none. */
  readonly ring: () => boolean;
}

interface Label {
  readonly text: Text;
  readonly colour: Colour;
}

const LABELS: Readonly<Record<string, Label>> = {
  warn: { text: text`warning: `, colour: "yellow" },
  error: { text: text`error: `, colour: "red" },
};
const EVERYTHING = 5;

/** `env`: whose home directory is shortened to `~` in every message. */
export function createWords(
  terminal: Pick<Terminal, "stderr" | "isInteractive">,
  env: Env = {},
): Words & OnSurface {
  const { stderr } = terminal;
  const show = (words: string): string => makeHarmless(asCalled(showPathsIn(words, env)), stderr.hasColours);
  const reporter: ConsolaReporter = {
    log({ type, args }) {
      const text = show(args.join(" "));
      const label = LABELS[type];
      stderr.write(`${label === undefined ? text : withLabel(label, text)}\n`);
    },
  };
  /** On a terminal the lines are aligned under the label, broken between words only: a path stays whole. */
  const withLabel = ({ colour, text }: Label, words: string): string => {
    const label = tell(text);
    const indent = " ".repeat(Bun.stringWidth(label));
    const width = (stderr.columns ?? Infinity) - indent.length;
    const lines = width < Infinity ? Bun.wrapAnsi(words, Math.max(1, width)) : words;
    return paintText(stderr.hasColours, colour, label) + lines.replaceAll("\n", `\n${indent}`);
  };
  // Left to itself, consola holds back the same line said five times within a second.
  const consola = createConsola({ level: EVERYTHING, throttle: -1, reporters: [reporter] });
  const canMove = stderr.columns !== undefined && env["TERM"] !== "dumb";
  return {
    surface: {
      paint: (colour, text) => paintText(stderr.hasColours, colour, text),
      tidy: (text) => showPathsIn(text, env),
      width: () => stderr.width,
      print: (line) => stderr.write(`${show(line)}\n`),
      // Up to the line, and over it.
      leadsNowhere: stderr.leadsNowhere === true,
      replace: canMove ? (line) => stderr.write(`\u001b[1A\r${show(line)}\u001b[K\n`) : null,
    },
    note: (text) => consola.log(text),
    warn: (text) => consola.warn(text),
    error(text, hint) {
      consola.error(text);
      if (hint !== undefined) consola.log(hint.replace(/^/gm, "  "));
    },
    ring() {
      if (stderr.columns === undefined) return false;
      stderr.write("\u0007");
      return true;
    },
    passing(text) {
      if (stderr.columns === undefined) return;
      const line = cutColumns(show(text), stderr.columns - 1);
      stderr.write(`\r${line}\u001b[K`);
    },
    openPrompts: async () => await (await import("./prompts.ts")).openPrompts(stderr, show),
    async confirm(question) {
      if (!terminal.isInteractive) return false;
      stderr.write(`${show(question)} [y/N] `);
      for await (const answer of console) return /^\s*y(es)?\s*$/i.test(answer);
      stderr.write("\n");
      return false;
    },
  };
}
