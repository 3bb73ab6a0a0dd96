import { expect, test } from "bun:test";
import { UserError } from "../../src/base/errors.ts";
import { parseRules } from "../../src/filter/rules.ts";

const problemOf = (text: string): string => {
  try {
    parseRules(text, "filter.json");
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  return "valid";
};

test("the documented sample, comments, trailing commas and a byte order mark are accepted", () => {
  const { rules } = parseRules(
    `\uFEFF// ours
    [ { "op": "replace", "source": "your-company.com", "target": "[REDACTED_DOMAIN]" },
      { "op": "remove", "source": "super-secret-token" }, ]`,
    "filter.json",
  );
  expect(rules).toEqual([
    {
      op: "replace",
      source: "your-company.com",
      target: "[REDACTED_DOMAIN]",
      restore: false,
      regex: false,
      ignoreCase: false,
      services: ["codex", "claude"],
    },
    {
      op: "remove",
      source: "super-secret-token",
      target: "",
      restore: false,
      regex: false,
      ignoreCase: false,
      services: ["codex", "claude"],
    },
  ]);
});

test("a single rule needs no list, and an empty list is no rule", () => {
  expect(parseRules('{"op":"remove","source":"a"}', "filter.json").rules).toHaveLength(1);
  expect(parseRules("[]", "filter.json").rules).toHaveLength(0);
});

/** Text of the file, and what it is refused with. None of the messages holds a source or a target. */
const REFUSED: readonly (readonly [text: string, message: string])[] = [
  ["", "filter.json:1:1: expected a value"],
  ['[{"op":"remove","source":"a"}', 'filter.json:1:30: missing "]"'],
  ['{"op":"remove","source":"a"} x', "filter.json:1:30: this is not JSON"],
  ["[[[", 'filter.json:1:4: missing "]"'],
  ["[".repeat(200_000), "filter.json is nested too deeply"],
  ["[1]", "filter.json:1:2: rule 1: must be an object"],
  ["null", "filter.json:1:1: rule 1: must be an object"],
  ['[\n  {"op": "delete", "source": "a"}\n]', 'filter.json:2:10: rule 1, op: must be "replace" or "remove"'],
  ['{"source":"a"}', 'filter.json:1:1: rule 1, op: must be "replace" or "remove"'],
  ['{"op":"remove"}', "filter.json:1:1: rule 1, source: is missing"],
  [
    '{"op":"remove","source":""}',
    "filter.json:1:25: rule 1, source: must not be empty: it would match everywhere",
  ],
  [
    '{"op":"remove","source":"\\ud800x"}',
    "filter.json:1:25: rule 1, source: contains half of a surrogate pair",
  ],
  ['{"op":"replace","source":"a"}', 'filter.json:1:7: rule 1, op: "replace" needs a target'],
  ['{"op":"remove","source":"a","target":"b"}', 'filter.json:1:38: rule 1, target: "remove" takes no target'],
  [
    '{"op":"remove","source":"a","restore":true}',
    'filter.json:1:39: rule 1, restore: "remove" leaves nothing that could be restored',
  ],
  ['{"op":"replace","source":"a","restore":1}', "filter.json:1:40: rule 1, restore: must be true or false"],
  [
    '[{"op":"replace","source":"a.example","restore":true},{"op":"remove","source":"hx","ignore_case":true}]',
    'filter.json:1:79: rule 2, source: is a part of every placeholder ("CHX_…")',
  ],
  [
    '{"op":"remove","source":"acme","name":"the acme rule"}',
    "filter.json:1:39: rule 1, name: contains what a rule would redact: names are in the log",
  ],
  [
    '{"op":"remove","source":"cust-[0-9]+","regex":true,"name":"cust-4711"}',
    "filter.json:1:59: rule 1, name: contains what a rule would redact: names are in the log",
  ],
  [
    '[{"pack":"secrets"},{"op":"remove","source":"x","name":"ghp_16C7e42F292c6912E7710c838347Ae178B4a"}]',
    "filter.json:1:56: rule 2, name: contains what a rule would redact: names are in the log",
  ],
  [
    '[{"op":"remove","source":"a.example","name":"Rule-2"},{"op":"remove","source":"b.example"}]',
    "filter.json:1:45: rule 1, name: is what rules without a name are called",
  ],
  [
    '{"op":"remove","source":"a","ignorecase":true}',
    'filter.json:1:42: rule 1, ignorecase: is not a field of a rule (did you mean "ignore_case"?)',
  ],
  ['{"op":"remove","source":"a","source":"b"}', "filter.json:1:25: rule 1, source: is given twice"],
  [
    '{"op":"remove","source":"a","services":["cursor"]}',
    'filter.json:1:40: rule 1, services: must be "codex" or "claude"',
  ],
  [
    '{"op":"remove","source":"a","services":[]}',
    "filter.json:1:40: rule 1, services: must name a service; omit it for all services",
  ],
  [
    '{"op":"remove","source":"(s3cret","regex":true}',
    "filter.json:1:25: rule 1, source: unsupported regular expression: missing closing )",
  ],
  [
    '{"op":"remove","source":"(?=s3cret)","regex":true}',
    "filter.json:1:25: rule 1, source: unsupported regular expression: invalid or unsupported Perl syntax",
  ],
  [
    '{"op":"remove","source":"a*","regex":true}',
    "filter.json:1:25: rule 1, source: the pattern matches empty text: it would match everywhere",
  ],
  [
    '{"op":"remove","source":"x{0,900}y{0,900}z","regex":true}',
    "filter.json:1:25: rule 1, source: the pattern is too large: lower its repeat counts",
  ],
  [
    `{"op":"remove","source":"${"a".repeat(1001)}","regex":true}`,
    "filter.json:1:25: rule 1, source: the pattern has 1001 characters, more than 1000",
  ],
  [
    '[{"op":"remove","source":"a"},{"op":"replace","source":"b","target":"xax"}]',
    "filter.json:1:69: rule 2, target: contains the source of rule 1",
  ],
  [
    '[{"op":"replace","source":"ü","ignore_case":true,"target":"Ü"}]',
    "filter.json:1:59: rule 1, target: contains the source of rule 1",
  ],
  [
    JSON.stringify(Array.from({ length: 1001 }, () => ({ op: "remove", source: "a" }))),
    "filter.json:1:1: 1001 rules exceed the limit of 1000",
  ],
  [`"${"a".repeat(2 ** 20)}"`, "filter.json is larger than 1 MB"],
];

for (const [text, message] of REFUSED) {
  test(`refuses ${text.length > 60 ? `${text.slice(0, 20)}… (${text.length} characters)` : JSON.stringify(text)}`, () => {
    expect(problemOf(text)).toBe(message);
  });
}

test("the names of the language's own objects are keys like any other", () => {
  expect(problemOf('{"op":"remove","source":"a","__proto__":{"regex":true}}')).toContain(
    "__proto__: is not a field of a rule",
  );
  expect(problemOf('{"op":"remove","source":"a","constructor":1}')).toContain(
    "constructor: is not a field of a rule",
  );
});

test("a control character in a key does not reach the terminal", () => {
  expect(problemOf('{"op":"remove","source":"a","\\u001b[2Jx":1}')).toContain(
    "rule 1, x: is not a field of a rule",
  );
});
