// JSON in a string is redacted value by value and then as the text it is, for its keys and for what goes over several
// values. In that second pass a pattern may find its own target, or run from a value over the quote after it: what it
// may take then is bounded, so that a tool call's arguments stay JSON.
// Pure.
import { parseJson, stringOr } from "../base/json-value.ts";
import { visitStrings } from "./json-strings.ts";

export interface Bound {
  /** The match counts up to here: its start for nothing of it. */
  readonly end: number;
  /** Where the search resumes. */
  readonly resume: number;
}

/** The bound of a match; null when it counts as it is. Asked with growing starts. */
export type FindBound = (start: number, end: number) => Bound | null;

/** What a match may hold behind its value without holding anything of the user's. */
const PUNCTUATION = /^[\s"\]},:[{]+$/;

/** For one pattern and a text whose values it has been applied to, if the text is JSON. */
export function makeFindBound(text: string, matches: (part: string) => boolean): FindBound {
  let values: readonly Value[] | undefined;
  let first = 0;
  const isStillMatched = (value: Value): boolean =>
    (value.isStillMatched ??= matches(stringOr(parseJson(text.slice(value.start, value.end)), "")));
  return (start, end) => {
    values ??= findValues(text);
    while ((values[first]?.end ?? Infinity) <= start) first += 1;
    for (let at = first; (values[at]?.start ?? Infinity) < end; at += 1) {
      const value = values[at];
      if (value === undefined || !isStillMatched(value)) continue;
      const part = text.slice(Math.max(start, value.start + 1), Math.min(end, value.end - 1));
      if (!matches(part)) continue;
      // Its own target. What follows the value is searched by itself.
      const before = text.slice(start, Math.max(start, value.start));
      return matches(before) ? null : { end: start, resume: value.end };
    }
    const value = values[first];
    // One that goes over several values is meant to.
    if (value === undefined || (values[first + 1]?.start ?? Infinity) < end) return null;
    const isOverrun = start > value.start && PUNCTUATION.test(text.slice(value.end - 1, end));
    return isOverrun ? { end: value.end - 1, resume: value.end } : null;
  };
}

interface Value {
  readonly start: number;
  readonly end: number;
  isStillMatched?: boolean;
}

function findValues(text: string): readonly Value[] {
  const values: Value[] = [];
  if (!/^\s*[[{"]/.test(text)) return values;
  const isJson = visitStrings(text, "json", (start, end, place) => {
    if (place !== "key") values.push({ start, end });
  });
  return isJson ? values : [];
}
