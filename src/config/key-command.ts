// The command of the user's that prints a key: its shape in our files, what is wrong with one, and how it is shown.
// Pure.
import * as z from "zod/mini";
import { later } from "../base/later.ts";
import { maskText } from "../base/secrets.ts";
import { oneLine } from "../base/terminal-text.ts";
import { type Text, t } from "../base/text.ts";
import type { KeySource } from "../base/upstream.ts";
import { maybe } from "./schema-words.ts";

/** A key that is refused is asked for anew at once: this is for one that changes before it is. */
const USUAL_TTL_SECS = 3600;

/** Program and arguments. A text would need a shell. */
export const commandSchema = (prints: string) =>
  maybe(
    later(() => z.array(z.string().check(z.maxLength(8192))).check(z.minLength(1), z.maxLength(64))),
    `Program and arguments that print ${prints}, run without a shell: \`["op", "read", "op://vault/item/key"]\`.`,
  );

/** Thirty days. */
export const LONGEST_TTL_SECS = 2_592_000;

export const commandTtlSchema = () =>
  maybe(
    later(() => z.number().check(z.minimum(1), z.maximum(LONGEST_TTL_SECS))),
    `Seconds for which a key that a command printed is used. Default ${USUAL_TTL_SECS}.`,
  );

export function makeKeySource(words: readonly string[], ttlSecs: number | null | undefined): KeySource {
  return { words, ttlMs: (ttlSecs ?? USUAL_TTL_SECS) * 1_000 };
}

const PATH = /[\\/]/;
const ABSOLUTE = /^(?:\/|[a-z]:[\\/]|\\\\)/i;

/** Why it cannot be run as it is meant, or null. */
export function problemOfCommand([program = "", ...others]: readonly string[]): Text | null {
  if (program.trim() === "") return t`names no program`;
  if ([program, ...others].some((word) => word.includes("\0"))) return t`contains a NUL character`;
  if (others.includes("…")) return t`is masked`;
  if (ABSOLUTE.test(program)) return null;
  if (others.length === 0 && /\S\s+\S/.test(program))
    return t`must have the program and each argument as a word of its own: no shell splits them`;
  // What is below the current directory is another program in every project.
  return PATH.test(program) ? t`must begin with a program on PATH, or with an absolute path` : null;
}

/** What only a shell would take for more than a word; null where there is nothing of it. */
export function shellWordOf([, ...others]: readonly string[]): string | null {
  return (
    others.find((word) =>
      /^(?:\||\|\||&&|&|;|[12]?>>?|<)$|^\$\(.*\)$|^`.*`$|^~\/|^\$\{?\w+\}?$/s.test(word),
    ) ?? null
  );
}

/** "op": the last part of its path. */
export function programOf({ words: [program = ""] }: Pick<KeySource, "words">): string {
  return maskWord(program.split(PATH).at(-1) ?? program);
}

export function maskWord(word: string): string {
  return maskText(oneLine(word));
}

/** As it could be typed; what looks like a secret is masked. */
export function showCommand(words: readonly string[]): string {
  return words
    .map(maskWord)
    .map((word) => (/^[\w@%+=:,./#\\…-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ");
}

const WORD_PART = /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\([\s'"\\])|(\s+)|([^\s'"])/gsy;

/** The words of a line that a person typed, with quotes as in a shell and nothing else of one; null for an open quote. */
export function splitWords(line: string): string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let end = 0;
  for (const [part, single, double, escaped, blank, plain] of line.trim().matchAll(WORD_PART)) {
    end += part.length;
    if (blank === undefined)
      word = (word ?? "") + (single ?? double?.replace(/\\(["\\])/g, "$1") ?? escaped ?? plain ?? "");
    else if (word !== null) {
      words.push(word);
      word = null;
    }
  }
  if (word !== null) words.push(word);
  return end === line.trim().length ? words : null;
}
