// The rules of one service with all that can be worked out before a request comes.
// Pure.
import { makeEscapePattern, sourceUnits, withEscapeUnits } from "./escapes.ts";
import type { Matcher } from "./matcher.ts";

export interface Redactor {
  readonly matchers: readonly Matcher[];
  /** Any match shows one of these, or a long escape of one of `units`. Compared as they are. */
  readonly needles: readonly string[];
  /** Likewise, in lower-case ASCII, for rules that ignore case. */
  readonly lowerNeedles: readonly string[];
  /** A rule gives no needle (a pattern, or quotes and slashes only): every string may match. */
  readonly matchesAnywhere: boolean;
  /** Code units of the literal sources, and those that escapes are made of. */
  readonly units: ReadonlySet<number>;
  /** Any escape of one of `units`. */
  readonly escapePattern: RegExp;
}

/** What JSON never writes as a short escape, so that it shows as it is or as a long escape, however deep it is nested. */
// oxlint-disable-next-line no-control-regex -- control characters are the point
const PLAIN = /[^"\\/\u0000-\u001f]+/g;
/** Likewise, without the letters whose case is not found byte by byte. */
const PLAIN_ASCII = /[ !#-.0-[\]-~]+/g;

export function makeRedactor(matchers: readonly Matcher[]): Redactor {
  const needles = matchers.map(({ rule }) => (rule.regex ? "" : makeNeedle(rule.source, rule.ignoreCase)));
  const needlesWhere = (ignoreCase: boolean): string[] => [
    ...new Set(
      needles.filter((needle, index) => needle !== "" && matchers[index]?.rule.ignoreCase === ignoreCase),
    ),
  ];
  const units = sourceUnits(matchers);
  return {
    matchers,
    needles: needlesWhere(false),
    lowerNeedles: needlesWhere(true),
    matchesAnywhere: needles.includes(""),
    units: withEscapeUnits(units),
    escapePattern: makeEscapePattern(units),
  };
}

/** The longest part of a source that is sure to be seen in any JSON spelling of it, long escapes aside. */
function makeNeedle(source: string, ignoreCase: boolean): string {
  const parts = source.match(ignoreCase ? PLAIN_ASCII : PLAIN) ?? [];
  const longest = parts.reduce((best, part) => (part.length > best.length ? part : best), "");
  return ignoreCase ? longest.toLowerCase() : longest;
}
