// Generates JSON texts with comments in every place a comment may stand, in the layouts that people use.
import fc from "fast-check";

const KEY = fc.oneof(
  fc.constantFrom(
    "version",
    "codex",
    "claude",
    "configs",
    "active",
    "upstreams",
    "base_url",
    "x",
    "10",
    "a b",
    'q"q',
  ),
  fc.string({ maxLength: 4 }).filter((key) => key !== "__proto__"),
);

export const jsonValue = fc.letrec<{ value: unknown; object: Record<string, unknown>; list: unknown[] }>(
  (tie) => ({
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constantFrom<unknown>(null, true, 0, -1.5, "", "// no comment", '/* "none" */', "a,b}]", "é主"),
      tie("object"),
      tie("list"),
    ),
    object: fc.dictionary(KEY, tie("value"), { maxKeys: 4, noNullPrototype: true }),
    list: fc.array(tie("value"), { maxLength: 4 }),
  }),
);

/** A value as text; `seed` chooses layout, comments and trailing commas. Each comment is told apart by its number. */
export function writeJsonc(value: unknown, seed: readonly number[]): string {
  let at = 0;
  let comments = 0;
  const choose = (most: number): number => (seed[at++ % Math.max(seed.length, 1)] ?? 0) % most;
  const eol = choose(3) === 0 ? "\r\n" : "\n";
  const isFlat = choose(4) === 0;
  const trivia = (depth: number): string => {
    const margin = isFlat ? " " : eol + "  ".repeat(depth);
    comments += 1;
    switch (choose(9)) {
      case 0:
        return ` // c${comments}${eol}${"  ".repeat(depth)}`;
      case 1:
        return `/* c${comments} */`;
      case 2:
        return `${margin}// "c${comments}, {[${eol}`;
      case 3:
        return `${margin}/* c${comments}${eol} ] */${margin}`;
      case 4:
        return "";
      default:
        return margin;
    }
  };
  const join = (
    members: readonly string[],
    [open, close]: readonly [string, string],
    depth: number,
  ): string => {
    const last = members.length - 1;
    const parts = members.map((member, index) => {
      const comma = index < last || choose(3) === 0 ? `${choose(5) === 0 ? trivia(depth + 1) : ""},` : "";
      return trivia(depth + 1) + member + comma;
    });
    return open + parts.join("") + trivia(depth) + close;
  };
  const write = (inner: unknown, depth: number): string => {
    if (Array.isArray(inner))
      return join(
        inner.map((entry) => write(entry, depth + 1)),
        ["[", "]"],
        depth,
      );
    if (typeof inner !== "object" || inner === null) return JSON.stringify(inner);
    const members = Object.entries(inner).map(
      ([key, entry]) =>
        `${JSON.stringify(key)}${choose(6) === 0 ? trivia(depth) : ""}: ${write(entry, depth + 1)}`,
    );
    return join(members, ["{", "}"], depth);
  };
  return trivia(0) + write(value, 0) + trivia(0);
}

/** All comments of a text, in their order. Written without the parser under test. */
export function listComments(text: string): string[] {
  const pattern = /"(?:[^"\\]|\\.)*"|\/\/[^\r\n]*|\/\*[\s\S]*?\*\//g;
  return [...text.matchAll(pattern)].map(([match]) => match).filter((match) => match.startsWith("/"));
}
