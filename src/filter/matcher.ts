// What a redaction rule is, and where it matches in a decoded text: a literal by index, a pattern by a linear-time engine.
// Knows nothing of JSON and replaces nothing.
// Pure.
import type { RE2JS } from "re2js";
import type { Service } from "../base/service.ts";
import type { FindBound } from "./nested-values.ts";
import { type Tree, readPattern } from "./pattern-tree.ts";

export interface Rule {
  readonly op: "replace" | "remove";
  /** Literal text, or a pattern in RE2 syntax. Never empty. */
  readonly source: string;
  /** Inserted as it is; "" for `remove`, and where a placeholder is inserted instead. */
  readonly target: string;
  /** Each hit becomes a placeholder, which answers give back. */
  readonly restore: boolean;
  readonly regex: boolean;
  readonly ignoreCase: boolean;
  readonly services: readonly Service[];
  /** How it is called in counts; absent: by its number in the file. Never a part of what it finds. */
  readonly name?: string | undefined;
  /** The pack that it comes from. */
  readonly pack?: string | undefined;
}

export interface Matcher {
  readonly rule: Rule;
  /** Its place in the file, from 0. */
  readonly index: number;
  /**
   * The text as this rule compares it: folded for `ignore_case`, else the text itself. Same length, so that offsets in
   * one are offsets in the other.
   */
  readonly view: (text: string) => string;
  /**
   * Matches from left to right that do not overlap, as start, end, start, end. None is empty. `deadline` is asked
   * between two matches of a pattern: each search is linear, but a pattern that looks far ahead makes their sum
   * quadratic. `findBound` is asked about each match of a pattern.
   */
  readonly find: (text: string, deadline: Deadline, findBound?: FindBound) => number[];
  /** Of a pattern: what it matches, roughly. Null: not known. */
  readonly readTree?: () => Tree | null;
}

/** Throws once the time for patterns is used up. */
export type Deadline = () => void;

export function makeMatcher(rule: Rule, index: number): Matcher {
  if (rule.regex) return patternMatcher(rule, index);
  const view = rule.ignoreCase ? fold : identity;
  const needle = view(rule.source);
  return { rule, index, view, find: (text) => findLiteral(view(text), needle) };
}

/**
 * A literal as it stands, and in Unicode's other normal forms (UAX 15): file names of macOS are decomposed, what is typed is composed.
 * All count as the one rule.
 */
export function spellingsOf(matcher: Matcher): readonly Matcher[] {
  const { index, rule } = matcher;
  // oxlint-disable-next-line no-control-regex -- the ASCII range is the point
  if (rule.regex || /^[\u0000-\u007f]*$/.test(rule.source)) return [matcher];
  const forms = new Set([rule.source.normalize("NFC"), rule.source.normalize("NFD")]);
  forms.delete(rule.source);
  return [matcher, ...[...forms].map((source) => makeMatcher({ ...rule, source }, index))];
}

/** Compiles a rule's pattern (RE2 syntax: no look-around, no back-references). Throws RE2JS's own error. */
export function compilePattern(source: string, ignoreCase: boolean): RE2JS {
  // Loaded by the first pattern: few have one, and a start would wait 1.5 ms for it.
  const { RE2JS } = require("re2js") as typeof import("re2js");
  return RE2JS.compile(source, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
}

/** The text with the ranges (start, end, start, end) replaced. */
export function replaceRanges(
  text: string,
  ranges: readonly number[],
  target: string | ((text: string, start: number, end: number) => string),
): string {
  const parts: string[] = [];
  let from = 0;
  for (let index = 0; index < ranges.length; index += 2) {
    const [start, end] = [ranges[index] ?? from, ranges[index + 1] ?? from];
    parts.push(text.slice(from, start), typeof target === "string" ? target : target(text, start, end));
    from = end;
  }
  parts.push(text.slice(from));
  return parts.join("");
}

/**
 * Removes a literal until none is left, in one pass: what is before and after a removed piece is matched again
 * ("ab" out of "aabb" leaves nothing). Knuth-Morris-Pratt over a stack of the characters kept so far, so that a
 * hostile text costs its length and not its square. `view` is the text as compared, `needle` likewise.
 */
export function removeAll(text: string, view: string, needle: string): string {
  const failure = failureTable(needle);
  const units = new Uint16Array(text.length);
  const progress = needle.length < 2 ** 16 ? new Uint16Array(text.length) : new Uint32Array(text.length);
  let size = 0;
  let matched = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = view.charCodeAt(index);
    while (matched > 0 && needle.charCodeAt(matched) !== code) matched = failure[matched - 1] ?? 0;
    if (needle.charCodeAt(matched) === code) matched += 1;
    units[size] = text.charCodeAt(index);
    progress[size] = matched;
    size += 1;
    if (matched === needle.length) {
      size -= needle.length;
      matched = size === 0 ? 0 : (progress[size - 1] ?? 0);
    }
  }
  return Buffer.from(units.buffer, 0, size * 2).toString("utf16le");
}

function identity(text: string): string {
  return text;
}

function findLiteral(text: string, needle: string): number[] {
  const ranges: number[] = [];
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length)) {
    ranges.push(at, at + needle.length);
  }
  return ranges;
}

function patternMatcher(rule: Rule, index: number): Matcher {
  const pattern = compilePattern(rule.source, rule.ignoreCase);
  const find = (text: string, deadline: Deadline, findBound?: FindBound): number[] => {
    deadline();
    const ranges: number[] = [];
    const search = pattern.matcher(text);
    let found = search.find();
    while (found) {
      deadline();
      const [start, end] = [search.start(), search.end()];
      const bound = end > start ? (findBound?.(start, end) ?? null) : null;
      const matchEnd = bound?.end ?? end;
      if (matchEnd > start) ranges.push(start, matchEnd);
      found = bound === null ? search.find() : search.find(bound.resume);
    }
    deadline();
    return ranges;
  };
  return { rule, index, view: identity, find, readTree: () => readPattern(rule.source, rule.ignoreCase) };
}

/** For each prefix of the needle: the length of its longest proper suffix that is a prefix too. */
function failureTable(needle: string): Uint32Array {
  const table = new Uint32Array(needle.length);
  let matched = 0;
  for (let index = 1; index < needle.length; index += 1) {
    while (matched > 0 && needle[matched] !== needle[index]) matched = table[matched - 1] ?? 0;
    if (needle[matched] === needle[index]) matched += 1;
    table[index] = matched;
  }
  return table;
}

/** A letter beyond ASCII that has another case. */
const CASED = /(?![A-Za-z])\p{Changes_When_Casemapped}/gu;

/**
 * Lower case of the same length as the text. A letter whose lower case is longer ("İ") or falls into ASCII (the Kelvin
 * sign) stays as it is, and a letter never depends on its neighbours (final sigma), unlike in toLowerCase() of the whole.
 */
export function fold(text: string): string {
  // oxlint-disable-next-line no-control-regex -- the ASCII range is the point
  if (/^[\u0000-\u007f]*$/.test(text)) return text.toLowerCase();
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()).replace(CASED, foldLetter);
}

function foldLetter(letter: string): string {
  const lower = letter.toUpperCase().toLowerCase();
  return lower.length === letter.length && lower > "\u007f" ? lower : letter;
}
