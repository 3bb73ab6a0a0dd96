// Finds a text behind JSON escapes: JSON quoted inside a tool's output or cut from a file is text to us, and its
// "\u002d" or "\/" is a "-" or "/" to whoever reads it.
// Pure.
import type { Matcher } from "./matcher.ts";

const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))/g;
/** Value of a hex digit by its code; undefined for all other codes. */
const HEX: readonly (number | undefined)[] = Array.from({ length: 128 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? undefined : value;
});
const SHORT_ESCAPES = ['"', "\\", "/", "b", "f", "n", "r", "t"];
const SHORT: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
/** JSON in JSON in JSON in JSON. Each level doubles the backslashes. */
const MAX_LEVELS = 4;

/** Code units that occur in the literal sources, in any case where case does not matter. */
export function sourceUnits(matchers: readonly Matcher[]): ReadonlySet<number> {
  const units = new Set<number>();
  for (const { rule } of matchers) {
    if (rule.regex) continue;
    const spellings = rule.ignoreCase
      ? [rule.source, rule.source.toLowerCase(), rule.source.toUpperCase()]
      : [rule.source];
    for (const spelling of spellings) {
      for (let index = 0; index < spelling.length; index += 1) units.add(spelling.charCodeAt(index));
    }
  }
  return units;
}

/** What an escape is itself made of: spelled as escapes, they become one when the outer level is decoded. */
const ESCAPE_UNITS = Buffer.from('\\"/bfnrtu0123456789abcdefABCDEF');

/** The units whose long escapes can lead to a match: none without units, else also those that make up escapes. */
export function withEscapeUnits(units: ReadonlySet<number>): ReadonlySet<number> {
  return units.size === 0 ? units : new Set([...units, ...ESCAPE_UNITS]);
}

/** Matches any escape that can lead to one of the units; matches nothing for none. */
export function makeEscapePattern(units: ReadonlySet<number>): RegExp {
  const spellings = [...withEscapeUnits(units)].map((unit) => `u${unit.toString(16).padStart(4, "0")}`);
  // The letter of a short escape is case-sensitive, the digits of a long one are not.
  const digits = spellings.map((spelling) =>
    spelling.replace(/(?!^)[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`),
  );
  const short = SHORT_ESCAPES.filter((letter) => units.has((SHORT[letter] ?? letter).charCodeAt(0)));
  const alternatives = [...digits, ...short.map((letter) => (letter === "\\" ? "\\\\" : letter))];
  return new RegExp(alternatives.length === 0 ? "(?!)" : `\\\\(?:${alternatives.join("|")})`);
}

/** The offset of the next long escape of one of the units, from an offset on; -1 for none. */
export function nextLongEscape(text: string, units: ReadonlySet<number>, from: number): number {
  if (units.size === 0) return -1;
  for (let at = text.indexOf("\\u", from); at >= 0; at = text.indexOf("\\u", at + 2)) {
    if (units.has(readHex(text, at + 2))) return at;
  }
  return -1;
}

/** The number that four hex digits stand for; NaN for anything else. By hand: colour codes are full of escapes. */
function readHex(text: string, from: number): number {
  let number = 0;
  for (let at = from; at < from + 4; at += 1) {
    number = number * 16 + (HEX[text.charCodeAt(at)] ?? Number.NaN);
  }
  return number;
}

/** Where a literal first shows after undoing escapes, at any level: ranges of the text itself; empty when nowhere. */
export function findBehindEscapes(text: string, find: (view: string) => number[]): number[] {
  const views = [text];
  for (let level = 1; level <= MAX_LEVELS; level += 1) {
    const inner = views[level - 1] ?? "";
    const view = inner.replace(ESCAPE, decodeEscape);
    if (view === inner) return [];
    const ranges = find(view);
    if (ranges.length > 0) return views.reduceRight((mapped, outer) => mapToEscaped(outer, mapped), ranges);
    views.push(view);
  }
  return [];
}

function decodeEscape(_escape: string, hex: string | undefined, letter: string | undefined): string {
  if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
  return SHORT[letter ?? ""] ?? letter ?? "";
}

/** Offsets (sorted) into the decoded text as offsets into `escaped`; between escapes, never inside one. */
export function mapToEscaped(escaped: string, offsets: readonly number[]): number[] {
  const mapped: number[] = [];
  // How many more characters the escaped text has had so far than the decoded one.
  let surplus = 0;
  const escapes = escaped.matchAll(ESCAPE);
  let next = escapes.next();
  for (const offset of offsets) {
    while (!next.done && next.value.index - surplus < offset) {
      surplus += next.value[0].length - 1;
      next = escapes.next();
    }
    mapped.push(offset + surplus);
  }
  return mapped;
}
