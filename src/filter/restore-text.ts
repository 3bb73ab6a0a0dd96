// Puts values back in the place of their placeholders, with as many escapes as the JSON in strings around each one wants.
// The text may come in pieces that are cut anywhere.
// Pure.
import type { Book, Placeholder } from "./placeholders.ts";

/** A part of a text that is replaced. */
export interface Insertion {
  readonly start: number;
  readonly end: number;
  readonly placeholder: Placeholder;
  /** The value as it is written there. */
  readonly text: string;
}

/** The insertions of a whole text, in order. */
export function findInsertions(book: Book, text: string): Insertion[] {
  const mentions = book.find(text);
  if (mentions.length === 0) return [];
  const quoting = book.hasSpecial ? new Quoting() : null;
  let fed = 0;
  return mentions.map(({ end, placeholder, start }) => {
    quoting?.feed(text.slice(fed, start));
    fed = start;
    return { start, end, placeholder, text: spell(placeholder, quoting?.level ?? 0) };
  });
}

/** The text with its values; the same string without a placeholder. `onHit` hears of each. */
export function restoreText(book: Book, text: string, onHit: (() => void) | null = null): string {
  const insertions = findInsertions(book, text);
  if (insertions.length === 0) return text;
  let restored = "";
  let from = 0;
  for (const { end, start, text: value } of insertions) {
    restored += text.slice(from, start) + value;
    from = end;
    onHit?.();
  }
  return restored + text.slice(from);
}

/** A value as it is written in so many levels of JSON strings. */
export function spell({ isPlain, isVerbatim, value }: Placeholder, level: number): string {
  if (isPlain || isVerbatim) return value;
  let text = value;
  for (let depth = 0; depth < level; depth += 1) text = JSON.stringify(text).slice(1, -1);
  return text;
}

/** What may be between the strings of JSON. */
const STRUCTURE = /^[\s{}[\],:0-9+\-.eEtrufalsn]*$/;
/** In a string. */
// oxlint-disable-next-line no-control-regex -- they end it
const MEANS_SOMETHING = /[\u0000-\u001f"\\]/g;
/** The letters of escapes that are no longer. */
const SIMPLE = /^["\\/bfnrt]$/;
const SHORT: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

function nextOf(text: string, from: number): number {
  MEANS_SOMETHING.lastIndex = from;
  return MEANS_SOMETHING.exec(text)?.index ?? text.length;
}

/**
 * How many JSON strings are around the end of a text that comes in pieces. A text counts as JSON from its first character on,
 * until something shows that it is none.
 */
export class Quoting {
  private is: "unknown" | "json" | "text" = "unknown";
  private depth = 0;
  private isOver = false;
  /** What is in the string that is open. */
  private inner: Quoting | null = null;
  /** An escape that is cut through, from its backslash on. */
  private escape = "";

  /** It is no JSON, whatever comes. */
  get isPlain(): boolean {
    return this.is === "text";
  }

  get level(): number {
    return this.is === "json" && this.inner !== null ? 1 + this.inner.level : 0;
  }

  feed(text: string): void {
    let at = 0;
    if (this.is === "unknown") {
      at = text.search(/\S/);
      if (at < 0) return;
      this.is = /[[{"]/.test(text.charAt(at)) ? "json" : "text";
    }
    while (this.is === "json" && at < text.length) {
      at = this.inner === null ? this.readStructure(text, at) : this.readString(text, at, this.inner);
    }
  }

  private readStructure(text: string, from: number): number {
    const quote = text.indexOf('"', from);
    const end = quote < 0 ? text.length : quote;
    const between = text.slice(from, end);
    if (!STRUCTURE.test(between)) return this.isText(text);
    for (const char of between) {
      if (/\s/.test(char)) continue;
      if (this.isOver) return this.isText(text);
      if (char === "{" || char === "[") this.depth += 1;
      else if (char === "}" || char === "]") this.depth -= 1;
      if (this.depth <= 0) this.isOver = true;
    }
    if (quote < 0) return end;
    if (this.isOver) return this.isText(text);
    this.inner = new Quoting();
    return quote + 1;
  }

  private isText(text: string): number {
    this.is = "text";
    this.inner = null;
    return text.length;
  }

  private readString(text: string, from: number, inner: Quoting): number {
    if (this.escape !== "") return this.readEscape(text, from, inner);
    let at = nextOf(text, from);
    // In a text that is no JSON nothing counts but its end.
    if (inner.is === "text")
      while (text.charAt(at) === "\\" && SIMPLE.test(text.charAt(at + 1))) at = nextOf(text, at + 2);
    else if (at > from) inner.feed(text.slice(from, at));
    if (at === text.length) return at;
    const char = text.charAt(at);
    if (char < " ") return this.isText(text);
    if (char === "\\") this.escape = "\\";
    else {
      this.inner = null;
      this.isOver = this.depth === 0;
    }
    return at + 1;
  }

  private readEscape(text: string, from: number, inner: Quoting): number {
    this.escape += text.charAt(from);
    const letter = this.escape.charAt(1);
    if (letter === "u") {
      if (!/^\\u[0-9a-f]{0,4}$/i.test(this.escape)) return this.isText(text);
      if (this.escape.length < 6) return from + 1;
      inner.feed(String.fromCharCode(Number.parseInt(this.escape.slice(2), 16)));
    } else if (SIMPLE.test(letter)) inner.feed(SHORT[letter] ?? letter);
    else return this.isText(text);
    this.escape = "";
    return from + 1;
  }
}
