// Packs: rules that come with the program, for well-known shapes of secrets and personal data. Each is a file of data in packs/.
// A pattern is read alike by RE2 and by the language's own engine, and is tried only around one of its anchors.
// Pure.
import { type Text, t } from "../base/text.ts";
import type { FindBound } from "./nested-values.ts";
import { type Deadline, type Matcher, type Rule, fold } from "./matcher.ts";
import { type Tree, readPattern } from "./pattern-tree.ts";

export const PACK_NAMES = ["secrets", "emails", "ip-private", "home-paths", "git-remotes"] as const;
export type PackName = (typeof PACK_NAMES)[number];

export const PACK_WORDS: Readonly<Record<PackName, Text>> = {
  secrets: t`keys, tokens, private keys, passwords in addresses`,
  emails: t`e-mail addresses`,
  "ip-private": t`addresses of private networks`,
  "home-paths": t`user names in paths`,
  "git-remotes": t`addresses of git repositories`,
};

export interface Pack {
  /** What a match is replaced by; absent: made of the name of its pattern. */
  readonly target?: string;
  readonly unless?: readonly string[];
  readonly min_entropy?: number;
  readonly patterns: readonly PackPattern[];
}

export interface PackPattern {
  readonly name: string;
  /** In the syntax that RE2 and JavaScript share. What its group matches is replaced; without one, all of it. */
  readonly pattern: string;
  /** Each match has one of these: it begins with it, or at most `before` characters before it. */
  readonly anchors: readonly string[];
  readonly before?: number;
  readonly ignore_case?: boolean;
  /** What the text before and behind a match must not look like. */
  readonly not_after?: string;
  readonly not_before?: string;
  /** What a value must have in it, and must not: placeholders, names, well-known examples. */
  readonly needs?: string;
  readonly unless?: readonly string[];
  /** Bits a character, by the characters of the value. */
  readonly min_entropy?: number;
  /** Where the shape is described. */
  readonly source: string;
  /** "{A36}": so many characters of a set, see docs/filter.md. */
  readonly examples: readonly string[];
}

/** Read when a rule asks for one. */
export function loadPack(name: PackName): Pack {
  switch (name) {
    case "secrets":
      return require("./packs/secrets.json") as Pack;
    case "emails":
      return require("./packs/emails.json") as Pack;
    case "ip-private":
      return require("./packs/ip-private.json") as Pack;
    case "home-paths":
      return require("./packs/home-paths.json") as Pack;
    case "git-remotes":
      return require("./packs/git-remotes.json") as Pack;
  }
}

/** What replaces the matches of a pattern. */
export function targetOf(pack: PackName, { target }: Pack, pattern: PackPattern): string {
  if (target !== undefined) return target;
  const name = pack === "secrets" ? pattern.name : pack === "emails" ? "email" : pack;
  return `[REDACTED_${name.toUpperCase().replaceAll("-", "_")}]`;
}

/** A pattern of a pack; `rule.source` is its pattern. */
export function makePackMatcher(rule: Rule, index: number, { pack, pattern }: PackRule): Matcher {
  let made: ((text: string, deadline: Deadline) => number[]) | undefined;
  const find = (text: string, deadline: Deadline, findBound?: FindBound): number[] => {
    const ranges = (made ??= compile(pack, pattern))(text, deadline);
    return findBound === undefined ? ranges : bounded(ranges, findBound);
  };
  const readTree = (): Tree | null => readPattern(pattern.pattern, rule.ignoreCase);
  return { rule, index, view: (text) => text, find, readTree };
}

export interface PackRule {
  readonly pack: Pack;
  readonly pattern: PackPattern;
}

function bounded(ranges: readonly number[], findBound: FindBound): number[] {
  const kept: number[] = [];
  for (let at = 0; at < ranges.length; at += 2) {
    const [start = 0, end = 0] = [ranges[at], ranges[at + 1]];
    const bound = findBound(start, end);
    const until = bound?.end ?? end;
    if (until > start) kept.push(start, until);
  }
  return kept;
}

/** Characters around a match that decide whether it is one. */
const CONTEXT = 256;
/** So many more characters of base64 around a match: it is a piece of a picture. */
const BLOB = 160;
/** One character so many times in a row is nobody's secret, in a value that is not a whole block. */
const RUN = 8;
const LONGEST_WITH_RUN = 200;

function compile(pack: Pack, pattern: PackPattern): (text: string, deadline: Deadline) => number[] {
  const { anchors, before = 0, ignore_case: ignoresCase = false } = pattern;
  const flags = ignoresCase ? "i" : "";
  const words = ignoresCase ? [...new Set(anchors.map((word) => word.toLowerCase()))] : anchors;
  const isNear = before <= MOST_STARTS;
  const shape = new RegExp(pattern.pattern, `d${isNear ? "y" : "g"}${flags}`);
  const [after, behind] = [pattern.not_after, pattern.not_before].map(compileOptional);
  const needs = compileOptional(pattern.needs);
  const unless = [...(pack.unless ?? []), ...(pattern.unless ?? [])].map((one) => new RegExp(one));
  const least = pattern.min_entropy ?? pack.min_entropy ?? 0;

  /** The match that has the anchor in it. Those before it have been looked at. */
  const matchAt = (text: string, at: number, from: number): RegExpExecArray | null => {
    const first = Math.max(from, at - before);
    if (isNear) {
      for (shape.lastIndex = first; shape.lastIndex <= at;) {
        const start = shape.lastIndex;
        const match = shape.exec(text);
        if (match !== null && start + match[0].length > at) return match;
        shape.lastIndex = start + 1;
      }
      return null;
    }
    // No more than can belong to it: a search goes over all that it is given.
    const window = text.slice(0, Math.min(text.length, at + MOST_BEHIND));
    shape.lastIndex = first;
    for (let match = shape.exec(window); match !== null; match = shape.exec(window)) {
      if (match.index > at) return null;
      if (match.index + match[0].length > at) return match;
    }
    return null;
  };
  const isBehindOther = (text: string, at: number): boolean =>
    after?.test(text.slice(Math.max(0, at - CONTEXT), at)) === true;
  const isWanted = (text: string, start: number, end: number): boolean => {
    const value = text.slice(start, end);
    if (PLACEHOLDER.test(value)) return false;
    if (needs !== undefined && !needs.test(value)) return false;
    if (unless.some((one) => one.test(value))) return false;
    if (pack.min_entropy !== undefined && (hasRun(value) || isInBlob(text, start, end))) return false;
    return least === 0 || entropyOf(value) >= least;
  };
  return (text, deadline) => {
    const ranges: number[] = [];
    let done = 0;
    let refused = { until: 0, times: 0 };
    for (const at of findWords(ignoresCase ? lowerCase(text) : text, words)) {
      if (at < done || (at < refused.until && refused.times > MOST_REFUSED)) continue;
      deadline();
      if (before === 0 && isBehindOther(text, at)) continue;
      const match = matchAt(text, at, done);
      if (match === null) continue;
      const [start = 0, end = 0] =
        match.indices?.slice(1).find((one) => one !== undefined) ?? match.indices?.[0] ?? [];
      const [first, last] = [match.index, match.index + match[0].length];
      const isRefused =
        start < done ||
        (before > 0 && isBehindOther(text, first)) ||
        behind?.test(text.slice(last, last + CONTEXT)) === true ||
        !isWanted(text, start, end);
      if (isRefused) {
        const times = at < refused.until ? refused.times + 1 : 1;
        refused = { until: Math.max(refused.until, last), times };
        continue;
      }
      ranges.push(start, end);
      done = end;
    }
    return ranges;
  };
}

/** Of the same length: what is found in one is there in the other. */
function lowerCase(text: string): string {
  const lower = text.toLowerCase();
  return lower.length === text.length ? lower : fold(text);
}

/** Where each of the words begins, in order. */
function findWords(text: string, words: readonly string[]): number[] {
  const places: number[] = [];
  for (const word of words)
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) places.push(at);
  return places.sort((one, other) => one - other);
}

/** What a rule that restores has left there. */
const PLACEHOLDER = /chx[-_/][0-9a-f]{8}/i;
/** One that begins at most so far before it is tried at every place there. */
const MOST_STARTS = 64;
/** What would match from so many places and is not wanted is passed over: each of them may look to its end. */
const MOST_REFUSED = 8;
/** A match that begins farther before its anchor ends at most so far behind it. */
const MOST_BEHIND = 1024;

function compileOptional(source: string | undefined): RegExp | undefined {
  return source === undefined ? undefined : new RegExp(source);
}

function hasRun(value: string): boolean {
  if (value.length > LONGEST_WITH_RUN) return false;
  let run = 1;
  for (let at = 1; at < value.length; at += 1) {
    run = value.charCodeAt(at) === value.charCodeAt(at - 1) ? run + 1 : 1;
    if (run === RUN) return true;
  }
  return false;
}

function isInBlob(text: string, start: number, end: number): boolean {
  const before = /[A-Za-z0-9+/]*$/.exec(text.slice(Math.max(0, start - CONTEXT), start))?.[0].length ?? 0;
  const behind = /^[A-Za-z0-9+/]*/.exec(text.slice(end, end + CONTEXT))?.[0].length ?? 0;
  return before + behind > BLOB;
}

/** Shannon's, bits a character. */
function entropyOf(value: string): number {
  const counts = new Uint32Array(256);
  for (let at = 0; at < value.length; at += 1) {
    const unit = value.charCodeAt(at) & 255;
    counts[unit] = (counts[unit] ?? 0) + 1;
  }
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= (count / value.length) * Math.log2(count / value.length);
  return bits;
}
