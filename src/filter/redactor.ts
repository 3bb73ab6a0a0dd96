// The rules of one service with all that can be worked out before a request comes, and where in a JSON text they may match
// at all: told before anything is decoded.
// Pure.
import { makeEscapePattern, nextLongEscape, sourceUnits, withEscapeUnits } from "./escapes.ts";
import type { Matcher } from "./matcher.ts";
import { type Scanner, createScanner } from "./scanner.ts";

export type Redactor = ReturnType<typeof makeRedactor>;

/** What JSON never writes as a short escape, so that it shows as it is or as a long escape, however deep it is nested. */
// oxlint-disable-next-line no-control-regex -- control characters are the point
const PLAIN = /[^"\\/\u0000-\u001f]+/g;
/** Likewise, without the letters whose case is not found byte by byte. */
const PLAIN_ASCII = /[ !#-.0-[\]-~]+/g;

export function makeRedactor(matchers: readonly Matcher[]) {
  const needles = matchers.map(({ anchors, rule }) =>
    anchors !== undefined ? null : rule.regex ? "" : makeNeedle(rule.source, rule.ignoreCase),
  );
  const needlesWhere = (ignoreCase: boolean): string[] => [
    ...new Set(
      needles.flatMap((needle, index) =>
        needle !== null && needle !== "" && matchers[index]?.rule.ignoreCase === ignoreCase ? [needle] : [],
      ),
    ),
  ];
  const units = sourceUnits(matchers);
  const anchored = makeAnchored(matchers);
  return {
    matchers,
    /** Some hits become placeholders. */
    restores: matchers.some(({ rule }) => rule.restore),
    /** Any match shows one of these, or a long escape of one of `units`. Compared as they are. */
    needles: needlesWhere(false),
    /** Likewise, in lower-case ASCII, for rules that ignore case. */
    lowerNeedles: needlesWhere(true),
    /** A rule gives no needle (a pattern, or quotes and slashes only): every string may match. */
    matchesAnywhere: needles.includes(""),
    /** Code units of the literal sources, and those that escapes are made of. */
    units: withEscapeUnits(anchored === null ? units : new Set([...units, ...anchored.units])),
    /** Finds the anchors; null without any. */
    scanner: anchored?.scanner ?? null,
    /** The rules that may match in a text, in order. */
    among: (text: string): readonly Matcher[] => anchored?.among(text) ?? matchers,
    /** Any escape of one of `units`. */
    escapePattern: makeEscapePattern(units),
  };
}

/** The rules with anchors: which of them are worth trying, and what bytes show them. */
function makeAnchored(matchers: readonly Matcher[]) {
  const all = matchers.flatMap(({ anchors = [] }) => anchors);
  if (all.length === 0) return null;
  // What JSON may spell otherwise shows only in part.
  const parts = [...new Set(all.map((anchor) => makeNeedle(anchor, true)))];
  const words = [...new Set(all.map((anchor) => anchor.toLowerCase()))];
  const placeOf = new Map(words.map((word, place) => [word, place]));
  const places = matchers.map(({ anchors }) => anchors?.map((word) => placeOf.get(word.toLowerCase()) ?? 0));
  const inText = createScanner(words);
  return {
    units: new Set(parts.flatMap((part) => [...Buffer.from(part + part.toUpperCase())])),
    scanner: createScanner(parts),
    among(text: string): readonly Matcher[] {
      const seen = inText.seen(text);
      return matchers.filter((_, index) => places[index]?.some((place) => seen[place] === 1) ?? true);
    },
  };
}

/** The longest part of a source that is sure to be seen in any JSON spelling of it, long escapes aside. */
function makeNeedle(source: string, ignoreCase: boolean): string {
  const parts = source.match(ignoreCase ? PLAIN_ASCII : PLAIN) ?? [];
  const longest = parts.reduce((best, part) => (part.length > best.length ? part : best), "");
  return ignoreCase ? longest.toLowerCase() : longest;
}

/** The first offset at or after `from`, or -1. */
type Search = (from: number) => number;

/** Whether something may match between two offsets. The starts asked for must not go back. */
export type Candidates = (start: number, end: number) => boolean;

/** Candidates in bytes of UTF-8, or null when no rule can match anywhere. `latin1`: the bytes as a text. */
export function findInBytes(redactor: Redactor, bytes: Buffer, latin1: string): Candidates | null {
  if (redactor.matchesAnywhere) return () => true;
  const searches: Search[] = redactor.needles.map((needle) => {
    const encoded = Buffer.from(needle);
    return (from) => bytes.indexOf(encoded, from);
  });
  if (redactor.lowerNeedles.length > 0) {
    const lower = Buffer.from(latin1.toLowerCase(), "latin1");
    for (const needle of redactor.lowerNeedles) searches.push((from) => lower.indexOf(needle, from));
  }
  if (redactor.scanner !== null) searches.push(anchorSearch(redactor.scanner, bytes));
  searches.push((from) => nextLongEscape(latin1, redactor.units, from));
  return firstOf(searches);
}

/** Candidates in a text, or null when no rule can match anywhere. */
export function findInText(redactor: Redactor, text: string): Candidates | null {
  if (redactor.matchesAnywhere) return () => true;
  const searches: Search[] = redactor.needles.map((needle) => (from) => text.indexOf(needle, from));
  if (redactor.lowerNeedles.length > 0) {
    const lower = text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
    for (const needle of redactor.lowerNeedles) searches.push((from) => lower.indexOf(needle, from));
  }
  const { scanner } = redactor;
  if (scanner !== null) searches.push((from) => scanner.nextInText(text, from));
  searches.push((from) => nextLongEscape(text, redactor.units, from));
  return firstOf(searches);
}

function anchorSearch(scanner: Scanner, bytes: Buffer): Search {
  return (from) => scanner.next(bytes, from);
}

/** Each search goes over the text once: it is asked again only after the place it last found has been passed. */
function firstOf(searches: readonly Search[]): Candidates | null {
  let open = searches.map((search) => ({ search, next: search(0) })).filter(({ next }) => next >= 0);
  if (open.length === 0) return null;
  let nearest = Math.min(...open.map(({ next }) => next));
  return (start, end) => {
    if (nearest < start) {
      for (const place of open) if (place.next < start) place.next = place.search(start);
      open = open.filter(({ next }) => next >= 0);
      nearest = Math.min(...open.map(({ next }) => next));
    }
    return nearest < end;
  };
}
