import { textsInEnglish } from "../helpers/texts-in-english.ts";
import { expect, test } from "bun:test";
import { JSON_TYPE, expectOk, filterText, makeFilter } from "./filtered.ts";

const DOMAIN = { op: "replace", source: "your-company.com", target: "[DOMAIN]" };

/** What stands in the body, and what the upstream gets, by rule. */
const CASES: readonly (readonly [title: string, rules: unknown, before: string, after: string])[] = [
  ["a dot is a dot", [DOMAIN], '"your-companyXcom your-company.com"', '"your-companyXcom [DOMAIN]"'],
  ["a long escape is its character", [DOMAIN], '"your\\u002Dcompany.com"', '"[DOMAIN]"'],
  ["a short escape is its character", [{ op: "remove", source: "a/b" }], '"<a\\/b>"', '"<>"'],
  ["surrogates may be spelled as escapes", [{ op: "remove", source: "😀" }], '"<\\ud83d\\uDE00>"', '"<>"'],
  ["half a surrogate pair stays", [DOMAIN], '"\\ud83d your-company.com"', '"\\ud83d [DOMAIN]"'],
  [
    "JSON in a string is read",
    [DOMAIN],
    '"{\\"a\\":\\"your\\\\u002dcompany.com\\"}"',
    '"{\\"a\\":\\"[DOMAIN]\\"}"',
  ],
  ["JSON cut from a file is read", [DOMAIN], '"line: your\\\\u002dcompany.com\\""', '"line: [DOMAIN]\\""'],
  ["a key of JSON in a string is text", [DOMAIN], '"{\\"your-company.com\\":1}"', '"{\\"[DOMAIN]\\":1}"'],
  [
    "a target with quotes keeps JSON in a string valid",
    [{ ...DOMAIN, target: '"' }],
    '"[\\"your-company.com\\"]"',
    '"[\\"\\\\\\"\\"]"',
  ],
  ["a target is literal", [{ ...DOMAIN, target: "$&$1" }], '"your-company.com"', '"$&$1"'],
  [
    "a target may hold half a surrogate pair",
    [{ ...DOMAIN, target: "\ud800" }],
    '"your-company.com"',
    '"\\ud800"',
  ],
  ["removal goes on where it made a new match", [{ op: "remove", source: "ab" }], '"x aaabbb y"', '"x  y"'],
  [
    "removal goes on across other rules",
    [
      { op: "remove", source: "ab" },
      { op: "remove", source: "x" },
    ],
    '"axb"',
    '""',
  ],
  [
    "what a literal joins is another rule's, behind it or before",
    [
      { op: "remove", source: "second.example" },
      { op: "remove", source: "first" },
      { op: "remove", source: "third" },
    ],
    '"a secfthfirstirdirstond.example b"',
    '"a  b"',
  ],
  [
    "what a pattern joins is a literal's",
    [
      { op: "remove", source: "plain" },
      { op: "remove", source: "k[0-9]+", regex: true },
    ],
    '"<plk12ain>"',
    '"<>"',
  ],
  [
    "a literal of any case is found in a text that holds none of the others",
    [DOMAIN, { op: "remove", source: "Secret", ignore_case: true }],
    '"<sEcReT>"',
    '"<>"',
  ],
  [
    "a body without a match in its bytes is read for its escapes alone",
    [DOMAIN],
    '"\\u0079our-company.com"',
    '"[DOMAIN]"',
  ],
  ["case matters", [{ op: "remove", source: "Key" }], '"key KEY Key"', '"key KEY "'],
  [
    "case does not matter when told so",
    [{ op: "remove", source: "Straße Ü", ignore_case: true }],
    '"<STRAßE ü>"',
    '"<>"',
  ],
  [
    "a pattern is a pattern only when told so",
    [{ op: "replace", source: "sk-[a-z]+", target: "K", regex: true }],
    '"sk-abc sk-[a-z]+"',
    '"K sk-[a-z]+"',
  ],
  [
    "a pattern may match its own target",
    [{ op: "replace", source: "pw=\\S+", target: "pw=…", regex: true }],
    '"pw=1 pw=2"',
    '"pw=… pw=…"',
  ],
  [
    "a pattern that matches its own target leaves JSON in a string valid",
    [{ op: "replace", source: "pw=\\S+", target: "pw=…", regex: true }],
    JSON.stringify(JSON.stringify({ cmd: "login pw=abc", pw: "x", more: ["pw=1"], timeout: 5 })),
    JSON.stringify(JSON.stringify({ cmd: "login pw=…", pw: "x", more: ["pw=…"], timeout: 5 })),
  ],
  [
    "a pattern does not take half an escape for a letter of its own target",
    [{ op: "replace", source: "\\w+@corp\\.com", target: "user@corp.com", regex: true }],
    JSON.stringify(JSON.stringify({ text: "to\nbob@corp.com" })),
    JSON.stringify(JSON.stringify({ text: "to\nuser@corp.com" })),
  ],
  [
    "a pattern with a replacement goes over JSON in a string once",
    [{ op: "replace", source: "user", target: "user_x", regex: true }],
    JSON.stringify(JSON.stringify({ user: "user" })),
    JSON.stringify(JSON.stringify({ user_x: "user_x" })),
  ],
  [
    "a pattern that runs out of a value of JSON in a string ends with it",
    [{ op: "replace", source: "KEY=\\S+", target: "[K]", regex: true }],
    JSON.stringify(JSON.stringify({ args: ["grep KEY="] })),
    JSON.stringify(JSON.stringify({ args: ["grep [K]"] })),
  ],
  [
    "a pattern that asks for the quote behind a value still hides it",
    [{ op: "replace", source: 'sk-[a-z]+"', target: "[K]", regex: true }],
    JSON.stringify(JSON.stringify({ args: "a sk-abc", b: 1 })),
    JSON.stringify(JSON.stringify({ args: "a [K]", b: 1 })),
  ],
  [
    "a pattern may take a quoted value, a key with its value, and what goes over several values",
    [
      { op: "replace", source: '"secret[^"]*"', target: '"[S]"', regex: true },
      { op: "replace", source: '"pin":\\d+', target: '"pin":0', regex: true },
      { op: "replace", source: "BEGIN.*?END", target: "[PEM]", regex: true },
    ],
    JSON.stringify('{"a":"secret one","pin":1234,"lines":["BEGIN","abc","END"]}'),
    JSON.stringify('{"a":"[S]","pin":0,"lines":["[PEM]"]}'),
  ],
  [
    "a pattern takes a key with its value also where the value holds its target",
    [{ op: "replace", source: "pw\\W+\\w+", target: "pw=X", regex: true }],
    JSON.stringify('{"pw":"abc pw=1"}'),
    JSON.stringify('{"pw=X pw=X"}'),
  ],
  [
    "a pattern that finds nothing but gaps does nothing",
    [{ op: "replace", source: "\\b", target: "x", regex: true }],
    '"a b"',
    '"a b"',
  ],
  [
    "numbers, words, order and spacing stay",
    [DOMAIN],
    '{ "z":1.0, "a" : [-0,1e400,12345678901234567890,null], "s":"your-company.com" }',
    '{ "z":1.0, "a" : [-0,1e400,12345678901234567890,null], "s":"[DOMAIN]" }',
  ],
  [
    "a key of the request stays",
    [DOMAIN],
    '{"your-company.com":"your-company.com"}',
    '{"your-company.com":"[DOMAIN]"}',
  ],
  ["text that is not JSON is redacted as it is", [DOMAIN], "key your-company.com=1", "key [DOMAIN]=1"],
  ["JSON with a fault is text, and its keys too", [DOMAIN], '{"your-company.com":1,}', '{"[DOMAIN]":1,}'],
  ["a word without quotes does not hide behind JSON", [DOMAIN], '{"a":your-company.com}', '{"a":[DOMAIN]}'],
  ["a bad escape does not hide a string", [DOMAIN], '{"a":"\\x your-company.com"}', '{"a":"\\x [DOMAIN]"}'],
  ["lines of JSON are text", [DOMAIN], '{"a":"your\\u002dcompany.com"}\n{}', '{"a":"[DOMAIN]"}\n{}'],
];

for (const [title, rules, before, after] of CASES) {
  test(title, () => expect(filterText(rules, before)).toBe(after));
}

test("hits are counted for each rule of the file, and only the service's rules apply", () => {
  const rules = [
    { ...DOMAIN, services: ["claude"] },
    { op: "remove", source: "token" },
  ];
  const body = Buffer.from('["your-company.com token", "token"]');
  expect(expectOk(makeFilter(rules, "codex").filterBody(body, JSON_TYPE)).hits).toEqual([0, 2]);
  expect(expectOk(makeFilter(rules, "claude").filterBody(body, JSON_TYPE)).hits).toEqual([1, 2]);
});

test("without rules even a body that nothing can read passes", () => {
  const body = Uint8Array.of(0xff, 0, 0xfe);
  expect(expectOk(makeFilter([]).filterBody(body, "text/plain; charset=utf-16")).value).toBe(body);
});

test("with rules, a body that cannot be read is refused", () => {
  const filter = makeFilter([DOMAIN]);
  const refusals = [
    filter.filterBody(Uint8Array.of(0x7b, 0xff, 0x7d), JSON_TYPE),
    filter.filterBody(Buffer.from('"your-company.com"', "utf16le"), JSON_TYPE),
    filter.filterBody(Buffer.from('"a"'), 'application/json; charset="UTF-16"'),
    filter.filterBody(Buffer.from('"a"'), "application/json; charset=utf-8; charset=utf-16"),
    filter.filterBody(Buffer.from('"a"'), "application/json; charset=utf-8, text/plain; charset=utf-7"),
    filter.filterBody(Buffer.from('"a"'), "application/json; charset*=utf-16"),
  ];
  for (const refusal of refusals) expect(refusal.kind).toBe("refused");
  for (const type of [
    "application/json; charset=UTF-8",
    'text/plain;charset="us-ascii"',
    "a/b; x-charset=utf-16",
  ])
    expect(filter.filterBody(Buffer.from('"a"'), type).kind).toBe("ok");
});

test.each([
  ["composed", "\u00e9t\u00e9-priv\u00e9", "e\u0301te\u0301-prive\u0301"],
  ["decomposed", "e\u0301te\u0301-prive\u0301", "\u00e9t\u00e9-priv\u00e9"],
  ["in part", "\u00e9te\u0301", "\u00e9t\u00e9"],
  ["of Hangul", "\ud55c\uae00", "\u1112\u1161\u11ab\u1100\u1173\u11af"],
])("a literal that is %s is found in the other normal form, and counts once", (_, source, other) => {
  for (const rule of [
    { op: "replace", source, target: "X" },
    { op: "remove", source },
    { op: "replace", source, restore: true },
    { op: "replace", source: source.toUpperCase(), target: "X", ignore_case: true },
  ]) {
    for (const spelled of [other, JSON.stringify(other).replace(/[^ -~]/g, toEscape)]) {
      const body = Buffer.from(`{"input":"a ${spelled.replace(/^"|"$/g, "")} b"}`);
      const { hits, value } = expectOk(makeFilter([rule]).filterBody(body, JSON_TYPE));
      const { input } = JSON.parse(Buffer.from(value).toString()) as { readonly input: string };
      expect(hits).toEqual([1]);
      expect(input.normalize("NFC")).not.toContain(source.normalize("NFC"));
    }
  }
});

const toEscape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

test("a refusal names the rule and holds nothing of the request", () => {
  const rule = { op: "replace", source: "s", target: "T".repeat(10_000) };
  expect(
    textsInEnglish(makeFilter([rule]).filterBody(Buffer.from(`"${"s".repeat(10_000)}"`), JSON_TYPE)),
  ).toEqual({
    kind: "refused",
    message: "the redaction rules were not applied: rule 1 makes the request too large",
  });
});

test("rules that never come to rest are refused", () => {
  const rules = [{ op: "replace", source: "ab", target: "bbaa" }];
  expect(makeFilter(rules).filterBody(Buffer.from('"aab"'), JSON_TYPE).kind).toBe("refused");
});

test("the metadata header is redacted like its copy in the body, and stays ASCII", () => {
  const rules = [{ ...DOMAIN, target: "[域]" }];
  const filter = makeFilter(rules);
  const metadata = JSON.stringify({ origin: "git@your-company.com", "/srv/your-company.com": 1 });
  const header = expectOk(filter.filterHeader("X-Codex-Turn-Metadata", metadata));
  expect(header.value).toMatch(/^[ -~]+$/);
  expect(header.hits).toEqual([2]);
  const body = filterText(rules, JSON.stringify({ client_metadata: { "x-codex-turn-metadata": metadata } }));
  expect(body).not.toContain("your-company.com");
  const copy: unknown = JSON.parse(body);
  expect(copy).toEqual({
    client_metadata: { "x-codex-turn-metadata": JSON.stringify(JSON.parse(header.value)) },
  });
});

test("a header that arrives as UTF-8 is read as UTF-8", () => {
  const value = Buffer.from('{"path":"/home/jürgen"}').toString("latin1");
  const filter = makeFilter([{ op: "remove", source: "jürgen" }]);
  expect(expectOk(filter.filterHeader("x-codex-turn-metadata", value)).value).toBe('{"path":"/home/"}');
});

test("other headers are not the user's text", () => {
  const result = expectOk(makeFilter([DOMAIN]).filterHeader("user-agent", "your-company.com"));
  expect(result.value).toBe("your-company.com");
});

test("hosts that have much in common are each found, and nothing else that has it", () => {
  const rules = Array.from({ length: 20 }, (_, place) => ({
    op: "replace",
    source: place % 2 === 0 ? `host-${place}.your-company.com` : `Büro😀${place}-your-company.com`,
    target: `<${place}>`,
    ignore_case: place % 3 === 0,
  }));
  const texts = rules.map(({ source }) => `at ${source}/x`);
  expect(filterText(rules, JSON.stringify([...texts, "at other.your-company.com", "Büro😀"]))).toBe(
    JSON.stringify([...rules.map(({ target }) => `at ${target}/x`), "at other.your-company.com", "Büro😀"]),
  );
  const escaped = String.raw`["host\u002d2.your-company.com", "{\"a\":\"HOST-0.Your-Company.com\"}"]`;
  expect(filterText(rules, escaped)).toBe(String.raw`["<2>", "{\"a\":\"<0>\"}"]`);
});
