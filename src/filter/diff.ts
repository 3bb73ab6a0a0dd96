// What differs between a request and the same request after the rules, in lines for people.
// Pure.

export interface Change {
  /** From 1, in the text as it is shown. */
  readonly line: number;
  /** Null where lines were added or removed as a whole. */
  readonly before: string | null;
  readonly after: string | null;
}

/**
 * The lines that differ. JSON is laid out over several lines first: the rules change strings only, so that both sides
 * have the same lines. Elsewhere a source with a line break moves lines: then all between the first and the last
 * difference is one change.
 */
export function diffTexts(before: string, after: string): Change[] {
  const [laidBefore, laidAfter] = [layOut(before), layOut(after)];
  const isJson = laidBefore !== null && laidAfter !== null;
  const left = (isJson ? laidBefore : before).split("\n");
  const right = (isJson ? laidAfter : after).split("\n");
  if (left.length === right.length) return diffPairs(left, right);
  return diffBlock(left, right);
}

/** The part of two lines around their difference, `context` characters on both sides. */
export function focus(before: string, after: string, context: number): { before: string; after: string } {
  const same = countSame(before, after);
  const cut = (line: string): string => {
    const from = Math.max(0, same.start - context);
    const to = Math.min(line.length, line.length - same.end + context);
    return `${from > 0 ? "…" : ""}${line.slice(from, to)}${to < line.length ? "…" : ""}`;
  };
  return { before: cut(before), after: cut(after) };
}

/** The line with what differs in it replaced by what `mask` makes of it; without another line, all of it. */
export function maskDifference(before: string, after: string | null, mask: (text: string) => string): string {
  const same = countSame(before, after ?? "");
  const end = before.length - same.end;
  return before.slice(0, same.start) + mask(before.slice(same.start, end)) + before.slice(end);
}

/** How many lines or characters are the same at the start, and how many of the rest at the end. */
function countSame(
  before: string | readonly string[],
  after: string | readonly string[],
): { readonly start: number; readonly end: number } {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return { start, end };
}

function layOut(text: string): string | null {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return null;
  }
}

function diffPairs(left: readonly string[], right: readonly string[]): Change[] {
  return left.flatMap((before, index) => {
    const after = right[index] ?? "";
    return before === after ? [] : [{ line: index + 1, before, after }];
  });
}

function diffBlock(left: readonly string[], right: readonly string[]): Change[] {
  const { end, start } = countSame(left, right);
  const removed = left.slice(start, left.length - end).map((before) => ({ before, after: null }));
  const added = right.slice(start, right.length - end).map((after) => ({ before: null, after }));
  return [...removed, ...added].map((change, index) => ({
    line: start + 1 + (index < removed.length ? index : index - removed.length),
    ...change,
  }));
}
