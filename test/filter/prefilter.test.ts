// What the search before the rules passes over holds no match: told by the engine that finds the matches, for any pattern and text.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { type Tree, readPattern } from "../../src/filter/pattern-tree.ts";
import { createPrefilter, matchesEmpty, newAllowance } from "../../src/filter/prefilter.ts";
import { makeFilter, expectOk, filterText } from "./filtered.ts";
import { UNIT, WAYS, cycle, write } from "./rules-arbitrary.ts";

const ATOM = fc.oneof(
  fc.constantFrom("a", "b", "k", "s", "u", "n", "-", "/", '"', "\\\\", "ü", "密", "K", "\\.", " ", "{"),
  fc.constantFrom(
    ".",
    "\\d",
    "\\D",
    "\\s",
    "\\S",
    "\\w",
    "\\W",
    "\\pL",
    "\\PL",
    "\\n",
    "\\t",
    "\\x61",
    "\\x{fc}",
  ),
  fc.constantFrom(
    "[a-k]",
    "[^a-k]",
    "[^\\s]",
    "[^\\S]",
    "[^\\W]",
    "[]a]",
    "[[:alpha:]b]",
    "[^[:space:]]",
    "[^\\pL]",
  ),
  fc.constantFrom("[^ü]", "[K-ſ]", "\\Qa.\\E", "\\b", "^", "$", "(?i)", "(?-i)", "[a\\-b]", "[\\x{61}-c]"),
);
const PATTERN = fc.letrec<{ whole: string }>((tie) => ({
  whole: fc.oneof(
    { maxDepth: 3 },
    ATOM,
    fc.array(tie("whole"), { minLength: 1, maxLength: 4 }).map((parts) => parts.join("")),
    fc.array(tie("whole"), { minLength: 1, maxLength: 3 }).map((parts) => `(?:${parts.join("|")})`),
    fc
      .tuple(tie("whole"), fc.constantFrom("*", "+", "?", "{2}", "{0,3}", "{1,}", "*?", "{,2}"))
      .map(([part, times]) => `(${part})${times}`),
    tie("whole").map((part) => `(?i:${part})`),
  ),
})).whole;
const TEXT_UNIT = fc.oneof(
  UNIT,
  fc.constantFrom("k", "K", "s", "S", "ſ", "\u212a", "\v", "\u00a0", "1", "_"),
);
const TEXT = fc.string({ unit: TEXT_UNIT, maxLength: 30 });

const compile = (source: string, ignoresCase: boolean): RE2JS | null => {
  try {
    return RE2JS.compile(source, ignoresCase ? RE2JS.CASE_INSENSITIVE : 0);
  } catch {
    return null;
  }
};

test("no match of RE2 is passed over, in a text and in any spelling of it as JSON", () => {
  let matched = 0;
  fc.assert(
    fc.property(
      PATTERN,
      fc.boolean(),
      fc.array(TEXT, { minLength: 1, maxLength: 5 }),
      WAYS,
      (source, fold, texts, ways) => {
        const engine = compile(source, fold);
        const tree = engine === null ? null : readPattern(source, fold);
        if (engine === null || tree === null || matchesEmpty(tree)) return;
        const prefilter = createPrefilter([tree]);
        for (const text of texts) {
          if (!engine.matcher(text).find()) continue;
          matched += 1;
          expect(prefilter.seen(text, newAllowance())[0]).toBe(1);
          const json = write({ text }, cycle(ways));
          expect(prefilter.nextInBytes(Buffer.from(json), 0, newAllowance())).toBeGreaterThan(0);
          expect(prefilter.nextInJson(json, 0, newAllowance())).toBeGreaterThan(0);
        }
      },
    ),
    { numRuns: 2000 },
  );
  expect(matched).toBeGreaterThan(200);
});

test("nearly every pattern that RE2 takes is read", () => {
  const samples = fc.sample(PATTERN, { numRuns: 2000, seed: 7 });
  const taken = samples.filter((one) => compile(one, false) !== null);
  const read = taken.filter((one) => readPattern(one, false) !== null);
  expect(read.length).toBeGreaterThan(taken.length * 0.95);
});

/** Texts that hold nothing of the pattern, but much of what it is made of. */
const PASSED: readonly (readonly [pattern: string, text: string])[] = [
  ["sk-[A-Za-z0-9]{20,}", "a risk-free task-list: sk-short"],
  ["token\\s*[:=]\\s*[A-Za-z0-9]{16,}", "the token: string is given to tokenize(token)"],
  ["\\d{3}-\\d{2}-\\d{4}", "2026-11-30, 12-34, build 123-4"],
  ["(?i)host-\\d+[.]corp", "Host-name.corp, HOST-12"],
  ["[a-z]+@[a-z]+\\.net", "a @ b.net, @media, x@y"],
];

for (const [pattern, text] of PASSED) {
  test(`${pattern} is not looked for in ${JSON.stringify(text)}`, () => {
    const tree: Tree | null = readPattern(pattern, false);
    const prefilter = createPrefilter(tree === null ? [] : [tree]);
    expect(prefilter.nextInBytes(Buffer.from(JSON.stringify({ a: text })), 0, newAllowance())).toBe(-1);
    expect([...prefilter.seen(text, newAllowance())]).toEqual([0]);
  });
}

test("a text made to need a state a character is looked at whole, and found", () => {
  const rules = [
    { op: "replace", source: "(?:[ab]{1,9}c|[ac]{1,9}b|[bc]{2,9}a){3}x?secret", target: "-", regex: true },
  ];
  let state = 1;
  const noise = Array.from({ length: 60_000 }, () => "abc"[(state = (state * 48271) % 2147483647) % 3]).join(
    "",
  );
  const body = JSON.stringify([noise, `${noise}secret`]);
  const result = expectOk(makeFilter(rules).filterBody(Buffer.from(body), null));
  expect(Buffer.from(result.value).includes("secret")).toBe(false);
});

test("behind an escape that JSON does not have, a body is plain text", () => {
  const rules = [{ op: "replace", source: "gh[p]_[a-z]{8,}", target: "-", regex: true }];
  expect(filterText(rules, String.raw`{"a":"\qghp_abcdefghij"}`)).toBe(String.raw`{"a":"\q-"}`);
  expect(filterText(rules, `{"a":"ghp_abc\ndefg", "b": ghp_abcdefghij}`)).toBe(
    `{"a":"ghp_abc\ndefg", "b": -}`,
  );
});

test("a pattern finds what is escaped in JSON in a string, and over quotes in what is not JSON", () => {
  const rules = [{ op: "replace", source: 'key="[a-z]+"', target: "-", regex: true }];
  expect(filterText(rules, `{"a":"key=\\"abc\\""}`)).toBe(`{"a":"-"}`);
  expect(filterText(rules, 'text key="abc" text')).toBe("text - text");
  const nested = JSON.stringify({ a: JSON.stringify({ b: JSON.stringify(["x", 'key="abc"']) }) });
  expect(filterText(rules, nested)).toBe(
    JSON.stringify({ a: JSON.stringify({ b: JSON.stringify(["x", "-"]) }) }),
  );
});
