// Tells cheaply, before anything is decoded, where in a JSON text a rule may match at all.
// Pure.
import { nextLongEscape } from "./escapes.ts";
import type { Redactor } from "./redactor.ts";

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
  searches.push((from) => nextLongEscape(text, redactor.units, from));
  return firstOf(searches);
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
