// The rules of one service with all that can be worked out before a request comes, and where in a JSON text they may match
// at all: told before anything is decoded.
// Pure.
import { makeEscapePattern, nextLongEscape, sourceUnits, withEscapeUnits } from "./escapes.ts";
import type { Matcher } from "./matcher.ts";
import { type Allowance, createPrefilter, matchesEmpty, once } from "./prefilter.ts";

export type Redactor = ReturnType<typeof makeRedactor>;

/** What JSON never writes as a short escape, so that it shows as it is or as a long escape, however deep it is nested. */
// oxlint-disable-next-line no-control-regex -- control characters are the point
const PLAIN = /[^"\\/\u0000-\u001f]+/g;
/** Likewise, without the letters whose case is not found byte by byte. */
const PLAIN_ASCII = /[ !#-.0-[\]-~]+/g;

export function makeRedactor(matchers: readonly Matcher[]) {
  const literals = matchers.filter(({ rule }) => !rule.regex);
  const needlesWhere = (ignoreCase: boolean): string[] =>
    shareNeedles(
      literals
        .filter(({ rule }) => rule.ignoreCase === ignoreCase)
        .map(({ rule }) => makeNeedle(rule.source, ignoreCase)),
    );
  const needles = once(() => needlesWhere(false));
  const lowerNeedles = once(() => needlesWhere(true));
  const hasPatterns = literals.length < matchers.length;
  const patterns = once(() => planPatterns(matchers));
  const units = sourceUnits(matchers);
  const others = matchers.filter(({ rule }) => rule.regex || rule.ignoreCase);
  /** Without the literals that the text holds no part of: one search for those that share a needle. */
  const withLiterals = (text: string): readonly Matcher[] =>
    others.length === matchers.length || needles().some((needle) => text.includes(needle))
      ? matchers
      : others;
  return {
    matchers,
    /** Some hits become placeholders. */
    restores: matchers.some(({ rule }) => rule.restore),
    /** Any match of a literal shows one of these, or a long escape of one of `units`. Compared as they are. */
    needles,
    /** Likewise, in lower-case ASCII, for rules that ignore case. */
    lowerNeedles,
    /** A literal of quotes and slashes only gives no needle, of some patterns nothing is known: every string may match. */
    matchesAnywhere: (): boolean =>
      needles().includes("") || lowerNeedles().includes("") || (hasPatterns && patterns().matchesAnywhere),
    /** Finds where the patterns may match; null without any. */
    prefilter: () => (hasPatterns ? patterns().prefilter : null),
    /** Code units of the literal sources, and those that escapes are made of. */
    units: withEscapeUnits(units),
    /** The rules that may match in a text, in order. */
    among(text: string, allowance: Allowance): readonly Matcher[] {
      const given = withLiterals(text);
      return hasPatterns ? patterns().among(text, allowance, given) : given;
    },
    /** Any escape of one of `units`. */
    escapePattern: makeEscapePattern(units),
  };
}

/** Made for the first request that they are applied to. */
function planPatterns(matchers: readonly Matcher[]) {
  const trees = matchers.map(({ readTree, rule }) => {
    const tree = rule.regex ? (readTree?.() ?? null) : null;
    return tree === null || matchesEmpty(tree) ? null : tree;
  });
  const known = trees.flatMap((tree) => tree ?? []);
  const prefilter = known.length === 0 ? null : createPrefilter(known);
  /** The place of each rule among those that are known. */
  const places = new Map<Matcher, number>();
  for (const [index, matcher] of matchers.entries())
    if (trees[index] != null) places.set(matcher, places.size);
  return {
    prefilter,
    matchesAnywhere: matchers.some(({ rule }, index) => rule.regex && trees[index] === null),
    /** Those of the given rules that may match: what nothing is known of may match anywhere. */
    among(text: string, allowance: Allowance, given: readonly Matcher[]): readonly Matcher[] {
      const seen = prefilter?.seen(text, allowance);
      if (seen === undefined) return given;
      return given.filter((matcher) => {
        const place = places.get(matcher);
        return place === undefined || seen[place] === 1;
      });
    },
  };
}

/** The longest part of a source that is sure to be seen in any JSON spelling of it, long escapes aside. */
function makeNeedle(source: string, ignoreCase: boolean): string {
  const parts = source.match(ignoreCase ? PLAIN_ASCII : PLAIN) ?? [];
  const longest = parts.reduce((best, part) => (part.length > best.length ? part : best), "");
  return ignoreCase ? longest.toLowerCase() : longest;
}

const WINDOW = 8;
/** Fewer needles are as fast by themselves. */
const LEAST_SHARERS = 3;
const MOST_SHARED = 8;
/** Of a needle, so many characters are compared with others. */
const COMPARED = 64;

/** Fewer needles, one of which is in each of these: hosts of one domain are searched for by the domain. */
function shareNeedles(needles: readonly string[]): string[] {
  const shared: string[] = [];
  let rest = [...new Set(needles)];
  for (let best = findShared(rest); best !== null && shared.length < MOST_SHARED; best = findShared(rest)) {
    shared.push(best);
    rest = rest.filter((needle) => !needle.includes(best));
  }
  return [...shared, ...rest];
}

/** What most of the needles have in common, as long as it is in as many; null where too few have anything. */
function findShared(needles: readonly string[]): string | null {
  const sharers = new Map<string, number>();
  for (const needle of needles) {
    const windows = Array.from({ length: Math.min(needle.length, COMPARED) }, (_, at) =>
      needle.slice(at, at + WINDOW),
    );
    for (const one of new Set(windows)) sharers.set(one, (sharers.get(one) ?? 0) + 1);
  }
  let [best, most] = ["", LEAST_SHARERS - 1];
  // A part of another character would not be found in bytes.
  for (const [one, count] of sharers)
    if (count > most && one.length === WINDOW && /^[ -~]+$/.test(one)) [best, most] = [one, count];
  const found = needles.filter((needle) => best !== "" && needle.includes(best));
  const [first] = found;
  if (first === undefined) return null;
  let [start, end] = [first.indexOf(best), first.indexOf(best) + WINDOW];
  const isShared = (from: number, to: number): boolean =>
    /^[ -~]+$/.test(first.slice(from, to)) && found.every((needle) => needle.includes(first.slice(from, to)));
  while (end < first.length && isShared(start, end + 1)) end += 1;
  while (start > 0 && isShared(start - 1, end)) start -= 1;
  return first.slice(start, end);
}

/** The first offset at or after `from`, or -1. */
type Search = (from: number) => number;

/** Whether something may match between two offsets. The starts asked for must not go back. */
export type Candidates = (start: number, end: number) => boolean;

/** Candidates in bytes of UTF-8, or null when no rule can match anywhere. `latin1`: the bytes as a text, made when it is needed. */
export function findInBytes(
  redactor: Redactor,
  { bytes, latin1 }: { readonly bytes: Buffer; readonly latin1: () => string },
  allowance: Allowance,
): Candidates | null {
  if (redactor.matchesAnywhere()) return () => true;
  const searches: Search[] = redactor.needles().map((needle) => {
    const encoded = Buffer.from(needle);
    return (from) => bytes.indexOf(encoded, from);
  });
  if (redactor.lowerNeedles().length > 0) {
    const lower = Buffer.from(latin1().toLowerCase(), "latin1");
    for (const needle of redactor.lowerNeedles()) searches.push((from) => lower.indexOf(needle, from));
  }
  // Where there is one there are many, as in colour codes: a text is faster then, and else not needed.
  if (redactor.units.size > 0 && bytes.includes("\\u"))
    searches.push((from) => nextLongEscape(latin1(), redactor.units, from));
  const prefilter = redactor.prefilter();
  if (prefilter === null) return firstOf(searches);
  searches.push((from) => prefilter.nextInBytes(bytes, from, allowance));
  return withNested(latin1(), firstOf(searches));
}

/** Candidates in a text, or null when no rule can match anywhere. */
export function findInText(redactor: Redactor, text: string, allowance: Allowance): Candidates | null {
  if (redactor.matchesAnywhere()) return () => true;
  const searches: Search[] = redactor.needles().map((needle) => (from) => text.indexOf(needle, from));
  if (redactor.lowerNeedles().length > 0) {
    const lower = text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
    for (const needle of redactor.lowerNeedles()) searches.push((from) => lower.indexOf(needle, from));
  }
  searches.push((from) => nextLongEscape(text, redactor.units, from));
  const prefilter = redactor.prefilter();
  if (prefilter === null) return firstOf(searches);
  searches.push((from) => prefilter.nextInJson(text, from, allowance));
  return withNested(text, firstOf(searches));
}

/** How a string begins that may be JSON: what a pattern matches in that is told only by decoding it. */
const NESTED = /"(?:[ \t\r\n]|\\[ntr]|\\u00(?:20|09|0[adAD]))*(?:[[{]|\\"|\\u00(?:5[bB]|7[bB]|22))/y;
const NESTED_BEGINS = "{[\\ \t\r\n";

function withNested(text: string, candidates: Candidates | null): Candidates {
  return (start, end) => {
    if (candidates?.(start, end) === true) return true;
    if (!NESTED_BEGINS.includes(text[start + 1] ?? "")) return false;
    NESTED.lastIndex = start;
    return NESTED.test(text);
  };
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
