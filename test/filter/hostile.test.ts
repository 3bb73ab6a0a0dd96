import { textsInEnglish } from "../helpers/texts-in-english.ts";
import { expect, test } from "bun:test";
import { makeRequestFilter } from "../../src/filter/request-filter.ts";
import { parseRules } from "../../src/filter/rules.ts";
import { JSON_TYPE, makeBook, makeFilter } from "./filtered.ts";
import { expandShapes } from "./pack-shapes.ts";

const AB = { op: "remove", source: "ab" };
const DOMAIN = { op: "replace", source: "your-company.com", target: "[DOMAIN]" };
const pattern = (source: string): object => ({ op: "replace", source, target: "X", regex: true });
const MB = 2 ** 20;

/** One level of JSON text into the next: each doubles the backslashes. */
const nest = (text: string, levels: number): string =>
  levels === 0 ? text : nest(JSON.stringify(text), levels - 1);

/** Title, rules, body. All together must end within seconds; that the source is gone is looked up in the result. */
const HOSTILE: readonly (readonly [title: string, rules: readonly object[], body: string])[] = [
  ["100,000 open arrays", [AB], "[".repeat(1e5)],
  ["100,000 nested arrays", [AB], `${"[".repeat(1e5)}"ab"${"]".repeat(1e5)}`],
  ["100,000 nested objects", [AB], `${'{"a":'.repeat(1e5)}"ab"${"}".repeat(1e5)}`],
  ["nested arrays inside a string", [AB], JSON.stringify(`${"[".repeat(1e5)}"ab"${"]".repeat(1e5)}`)],
  ["JSON in JSON, 12 levels deep", [DOMAIN], nest("your-company.com", 12)],
  ["an 8 MB string full of matches", [DOMAIN], JSON.stringify("your-company.com ".repeat(MB / 2))],
  ["an 8 MB string without a match", [DOMAIN], JSON.stringify("your-company,com ".repeat(MB / 2))],
  ["aaa…bbb", [AB], JSON.stringify(`${"a".repeat(MB)}${"b".repeat(MB)}`)],
  ["ababab…", [AB], JSON.stringify("ab".repeat(MB))],
  [
    "almost a match at every place",
    [{ op: "remove", source: `${"a".repeat(500)}b` }],
    JSON.stringify("a".repeat(MB)),
  ],
  ["every character escaped", [AB], `"${"\\u0061\\u0062".repeat(1e5)}"`],
  ["a megabyte of backslashes", [{ op: "remove", source: "\\/" }], JSON.stringify("\\".repeat(MB))],
  ["a megabyte of quotes", [AB], JSON.stringify(`ab${'"'.repeat(MB)}`)],
  ["lone surrogates", [AB], `"${"\\ud800ab\\udc00".repeat(1e4)}"`],
  ["an unterminated string", [AB], `{"a":"ab${"x".repeat(MB)}`],
  [
    "100,000 strings of one letter",
    [{ op: "replace", source: "a", target: "xyz" }],
    JSON.stringify(Array(1e5).fill("a")),
  ],
  [
    "100,000 keys",
    [AB],
    JSON.stringify(Object.fromEntries(Array.from({ length: 1e5 }, (_, index) => [`k${index}`, "ab"]))),
  ],
  ["a number of a megabyte", [AB], `["ab",${"9".repeat(MB)}]`],
  [
    "a target that explodes",
    [{ op: "replace", source: "a", target: "T".repeat(1e4) }],
    JSON.stringify("a".repeat(MB)),
  ],
  [
    "rules that feed each other",
    [{ op: "replace", source: "ab", target: "bbaa" }],
    JSON.stringify("ab".repeat(1e4)),
  ],
  ["(a+)+$ on aaa…!", [pattern("(a+)+$")], JSON.stringify(`${"a".repeat(MB)}!`)],
  ...[
    "pypi-",
    "eyJ-",
    "eyJaaaaaaaaaaaa.",
    "xoxb-",
    "dp.pt.",
    "-----BEGIN PRIVATE KEY-----nr",
    "token=",
    "://a:b",
  ].map(
    (unit) =>
      [
        `${unit}${unit}…`,
        [{ pack: "secrets" }],
        JSON.stringify(
          `${unit.repeat(1e5 / unit.length)} ${expandShapes("pypi-{b60} eyJ{b20}.eyJ{b30}.{b40}")}`,
        ),
      ] as const,
  ),
  ["@a-@a-…", [{ pack: "emails" }], JSON.stringify(`${"@a-".repeat(1e4)} jane@corp-mail.net`)],
  [
    "a pattern of many counters",
    [pattern("([a-z]{1,9} ){1,30}!")],
    JSON.stringify("some words go here ".repeat(1e4)),
  ],
];

for (const [title, rules, body] of HOSTILE) {
  test(`ends within bounds: ${title}`, () => {
    const bytes = Buffer.from(body);
    const result = makeFilter(rules).filterBody(bytes, JSON_TYPE);
    if (result.kind === "refused") {
      expect(textsInEnglish(result.message)).toMatch(/too large|new matches/);
      return;
    }
    const text = Buffer.from(result.value).toString();
    expect(text).not.toContain("your-company.com");
    expect(result.value.length).toBeLessThanOrEqual(4 * bytes.length + MB);
  });
}

test("a removed source is gone from every hostile body that holds it", () => {
  for (const [, rules, body] of HOSTILE) {
    if (rules[0] !== AB) continue;
    const result = makeFilter(rules).filterBody(Buffer.from(body), JSON_TYPE);
    expect(result.kind).toBe("ok");
    if (result.kind === "ok") expect(Buffer.from(result.value).includes("ab")).toBe(false);
  }
});

test("a pattern that looks to the end at every place is given up when its time is over", () => {
  let now = 0;
  const filter = makeRequestFilter({
    rules: parseRules(JSON.stringify(pattern("x[^y]*y|x")), "filter.json"),
    service: "codex",
    book: makeBook,
    now: () => (now += 1),
  });
  const result = filter.filterBody(Buffer.from(JSON.stringify("x".repeat(5000))), JSON_TYPE);
  expect(textsInEnglish(result)).toEqual({
    kind: "refused",
    message: "the redaction rules were not applied: the patterns took longer than 2 s",
  });
});
