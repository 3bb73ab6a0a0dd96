// What is typed at the terminal, as one key after the other, for prompts that read a stream: keys that are typed ahead wait for
// the next prompt, and what is pasted arrives as one piece, however many lines it has.
import { PassThrough } from "node:stream";

/* oxlint-disable no-control-regex -- keys are control characters */

/** A paste without marks around it comes in several reads, which follow each other at once. */
const SETTLE_MS = 15;
/** A prompt waits for what may follow an Esc, as at the beginning of an arrow key, and then takes it for the key itself. */
const ESCAPE_WAIT_MS = 80;
/** https://invisible-island.net/xterm/ctlseqs/ctlseqs.html, bracketed paste mode. */
const PASTE_ON = "\u001b[?2004h";
const PASTE_OFF = "\u001b[?2004l";
const PIECES =
  /\u001b\[200~([\s\S]*?)\u001b\[201~|\u001b(?:\[[0-?]*[ -/]*[@-~]|O.)|[\u0000-\u001f\u007f]|[^\u0000-\u001f\u007f]+/g;
/** A line of some length with more after it: no one types that within a moment. */
const SEVERAL_LINES = /^[^\u0000-\u001f]{8,}[\r\n]+[^\u0000-\u001f]{2}/;
const INTERRUPT = "\u0003";
/** A line editor would stop reading at the end of input, and stop the whole program at Ctrl+Z. */
const END_OF_INPUT = "\u0004";
const SUSPEND = "\u001a";
const ESCAPE = "\u001b";

export interface Piece {
  readonly kind: "key" | "text";
  readonly text: string;
  /** A prompt before did not take it. */
  readonly hasWaited?: boolean;
}

/** Cuts what was read into keys and pieces of text. A paste that has not ended yet stays as `rest`. */
export function cutKeys(read: string): { readonly pieces: readonly Piece[]; readonly rest: string } {
  const open = read.lastIndexOf("\u001b[200~");
  const isOpen = open >= 0 && !read.includes("\u001b[201~", open);
  const whole = isOpen ? read.slice(0, open) : read;
  const rest = isOpen ? read.slice(open) : "";
  if (SEVERAL_LINES.test(whole)) {
    const text = whole.replace(/[\r\n]+$/, "");
    const end: Piece[] = text === whole ? [] : [{ kind: "key", text: "\r" }];
    return { pieces: [{ kind: "text", text }, ...end], rest };
  }
  const pieces = [...whole.matchAll(PIECES)].map(([all, pasted]): Piece => {
    if (pasted !== undefined) return { kind: "text", text: pasted };
    return { kind: all.length > 1 && !all.startsWith(ESCAPE) ? "text" : "key", text: all };
  });
  return { pieces, rest };
}

/** The terminal is raw until it is disposed of. */
export function readRawKeys(listener: (bytes: Uint8Array) => void): Disposable {
  const { stdin } = process;
  stdin.setRawMode(true);
  stdin.on("data", listener);
  stdin.resume();
  return {
    [Symbol.dispose]() {
      stdin.off("data", listener);
      stdin.pause();
      stdin.setRawMode(false);
    },
  };
}

export interface KeySource {
  readonly read: (listener: (bytes: Uint8Array) => void) => Disposable;
  readonly write: (text: string) => void;
}

interface KeyListener {
  /** For Ctrl+C and Esc while no prompt reads. */
  readonly interrupt: () => void;
  /** What a prompt gets in place of a piece of text; null where it takes none: the text then waits for one that does. */
  readonly show: (text: string, hasWaited: boolean) => string | null;
}

/** Takes the terminal over until it is disposed of. */
export function openKeys(terminal: KeySource, { interrupt, show }: KeyListener) {
  const queue: Piece[] = [];
  /** Texts that came while something was to be chosen: the rest of a paste, line by line. */
  let held: Piece[] = [];
  const decoder = new TextDecoder();
  let unread = "";
  let isReading = false;
  let timer: NodeJS.Timeout | undefined;
  let pump: NodeJS.Timeout | undefined;
  const pass = (): void => {
    pump = undefined;
    if (!isReading) return;
    const piece = queue.shift();
    if (piece === undefined) return;
    const text = piece.kind === "key" ? piece.text : show(piece.text, piece.hasWaited === true);
    if (text === null) held.push({ ...piece, hasWaited: true });
    else if (text !== "") stream.write(text);
    pump = setTimeout(pass, piece.text === ESCAPE ? ESCAPE_WAIT_MS : 0);
  };
  const wake = (): void => {
    pump ??= setTimeout(pass, 0);
  };
  /** As clack expects a terminal: it is raw for as long as a prompt reads. */
  const stream = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode(isOn: boolean) {
      isReading = isOn;
      if (!isOn) return;
      queue.unshift(...held);
      held = [];
      wake();
    },
  });
  const settle = (): void => {
    timer = undefined;
    const { pieces, rest } = cutKeys(unread);
    unread = rest;
    for (const read of pieces) {
      if (read.text === SUSPEND) continue;
      const piece = read.text === END_OF_INPUT ? { ...read, text: INTERRUPT } : read;
      if (!isReading && (piece.text === INTERRUPT || piece.text === ESCAPE)) interrupt();
      else queue.push(piece);
    }
    wake();
  };
  const reading = terminal.read((bytes) => {
    unread += decoder.decode(bytes, { stream: true });
    clearTimeout(timer);
    timer = setTimeout(settle, SETTLE_MS);
  });
  terminal.write(PASTE_ON);
  return {
    stream,
    [Symbol.dispose]() {
      clearTimeout(timer);
      clearTimeout(pump);
      reading[Symbol.dispose]();
      terminal.write(PASTE_OFF);
    },
  };
}
