// A terminal that is taken over as a whole: the other screen, raw keys, and only what differs is written. Given back as it was
// at every end: on purpose, by a signal, on a bug, and while the program is suspended.
import { writeSync } from "node:fs";
import { cutKeys, readRawKeys } from "./keys.ts";
import { usageError } from "./args.ts";
import type { Env } from "../base/env.ts";
import { t } from "./language.ts";
import { makeHarmless } from "./output.ts";
import { type Canvas, openCanvas } from "./terminal.ts";

/** https://invisible-island.net/xterm/ctlseqs/ctlseqs.html: the other screen, no cursor, no line that goes on in the next one. */
const ENTER = "\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[H\u001b[2J";
const LEAVE = "\u001b[?7h\u001b[?25h\u001b[?1049l";
/** One frame is shown as a whole, where the terminal can: https://gist.github.com/christianparpart/d8a62cc1ab659194337d73e399004036 */
const BEGIN_FRAME = "\u001b[?2026h";
const END_FRAME = "\u001b[?2026l";
const SUSPEND = "\u001a";
/** What follows an Esc at once belongs to it. */
const ESCAPE_WAIT_MS = 40;
/** A terminal that is paused takes nothing: whoever ends does not wait longer for it. */
const LAST_WRITE_MS = 300;
const USUAL = { columns: 80, rows: 24 } as const;

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

export interface FullScreen {
  readonly size: () => ScreenSize;
  /** Shows these lines, each no wider than the screen. Returns at once; of frames that come too fast the last one is shown. */
  readonly draw: (lines: readonly string[]) => void;
  /** Gives the terminal back. Later calls do nothing. */
  readonly close: () => Promise<void>;
}

export interface FullScreenOptions {
  /** A key, as the terminal sends it: a character, or an escape sequence. Not Ctrl+Z, which suspends. */
  readonly onKey: (key: string) => void;
  /** The screen is empty, or has another size: everything is to be drawn. */
  readonly onResize: () => void;
}

/** Throws UserError where there is no terminal for it. `instead`: what to type then. */
export function requireCanvas(env: Env, instead: string): Canvas {
  const canvas = openCanvas(env);
  if (canvas !== null) return canvas;
  throw usageError(t`the live view needs a terminal for what it shows and for its keys`, instead);
}

export function openFullScreen(canvas: Canvas, { onKey, onResize }: FullScreenOptions): FullScreen {
  let shown: string[] = [];
  let wanted: readonly string[] | null = null;
  let writing: Promise<void> | null = null;
  let isOpen = false;
  let keys: Disposable | null = null;
  let undecided = "";
  let escape: Timer | undefined;

  const size = (): ScreenSize => ({
    columns: process.stdout.columns || USUAL.columns,
    rows: process.stdout.rows || USUAL.rows,
  });
  const writeOn = async (): Promise<void> => {
    while (wanted !== null && isOpen) {
      const text = makeFrame(wanted);
      wanted = null;
      if (text !== "") await canvas.write(text);
    }
  };
  const writeSoon = (): void => {
    if (!isOpen || wanted === null || writing !== null) return;
    writing = writeOn().then(() => {
      writing = null;
      writeSoon();
    });
  };
  const makeFrame = (lines: readonly string[]): string => {
    const { columns, rows } = size();
    const next = Array.from({ length: rows }, (_, row) =>
      canvas.show(makeHarmless(lines[row] ?? "", canvas.hasColours)),
    );
    const changed = next.flatMap((line, row) =>
      line === (shown[row] ?? "")
        ? []
        : // In the last column it would erase what stands there.
          [`\u001b[${row + 1};1H${line}\u001b[0m${Bun.stringWidth(line) < columns ? "\u001b[K" : ""}`],
    );
    shown = next;
    return changed.length === 0 ? "" : BEGIN_FRAME + changed.join("") + END_FRAME;
  };
  const take = (text: string): void => {
    for (const { kind, text: piece } of cutKeys(text).pieces) {
      for (const key of kind === "text" ? piece : [piece]) {
        if (key === SUSPEND) suspend();
        else if (isOpen) onKey(key);
      }
    }
  };
  const decoder = new TextDecoder();
  const read = (bytes: Uint8Array): void => {
    const text = undecided + decoder.decode(bytes, { stream: true });
    clearTimeout(escape);
    // oxlint-disable-next-line no-control-regex -- keys are control characters
    undecided = /\u001b(?:\[[\d;]*|O)?$/.exec(text)?.[0] ?? "";
    if (undecided !== "")
      escape = setTimeout(() => {
        const rest = undecided;
        undecided = "";
        take(rest);
      }, ESCAPE_WAIT_MS);
    const whole = text.slice(0, text.length - undecided.length);
    if (whole !== "") take(whole);
  };

  const enter = (): void => {
    if (isOpen) return;
    isOpen = true;
    shown = [];
    keys = readRawKeys(read);
    void canvas.write(ENTER).then(onResize);
  };
  /** Also while a frame is on its way, which the terminal may not take. */
  const leave = (): void => {
    if (!isOpen) return;
    isOpen = false;
    clearTimeout(escape);
    try {
      keys?.[Symbol.dispose]();
    } catch {
      // The terminal is gone.
    }
    keys = null;
    try {
      writeSync(1, LEAVE);
    } catch {
      // As above, or it takes nothing.
    }
  };
  const drained = async (): Promise<void> => {
    wanted = null;
    await Promise.race([writing ?? Promise.resolve(), Bun.sleep(LAST_WRITE_MS)]);
  };
  const onStop = (): void => suspend();
  const suspend = (): void => {
    if (!isOpen) return;
    void drained().then(() => {
      leave();
      process.off("SIGTSTP", onStop);
      // As the terminal itself would: all of the job.
      process.kill(0, "SIGTSTP");
    });
  };
  const onContinue = (): void => {
    process.off("SIGTSTP", onStop);
    process.on("SIGTSTP", onStop);
    // Whoever stopped it may have used the terminal meanwhile.
    leave();
    enter();
  };
  const onSize = (): void => {
    shown = [];
    if (isOpen) void canvas.write("\u001b[2J").then(onResize);
  };
  process.on("exit", leave);
  process.stdout.on("resize", onSize);
  if (process.platform !== "win32") {
    process.on("SIGTSTP", onStop);
    process.on("SIGCONT", onContinue);
  }
  enter();
  return {
    size,
    draw(lines) {
      wanted = lines;
      writeSoon();
    },
    async close() {
      await drained();
      leave();
      process.off("exit", leave);
      process.off("SIGTSTP", onStop);
      process.off("SIGCONT", onContinue);
      process.stdout.off("resize", onSize);
    },
  };
}
