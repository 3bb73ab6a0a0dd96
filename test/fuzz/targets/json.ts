// Targets for JSON that is walked and not parsed: members by name, strings by place, redaction.
import fc from "fast-check";
import { findTopLevelString, readTailMember } from "../../../src/base/json-members.ts";
import { visitStrings } from "../../../src/filter/json-strings.ts";
import { parseRules } from "../../../src/filter/rules.ts";
import { JSON_TYPE, makeFilter } from "../../filter/filtered.ts";
import { NODE, RULES, WAYS, cycle, holds, stringValues, write } from "../../filter/rules-arbitrary.ts";
import { defineTarget, pick, tryParse } from "../target.ts";

const KEYS = ["model", "usage", "type", "a"] as const;
const STRING_TOKEN = /"(?:[^"\\]|\\.)*"/gs;
const JSON_WORDS = [
  '"model"',
  '"usage"',
  ":",
  '"',
  "\\",
  '\\"',
  "\\\\",
  "\\u0061",
  "{",
  "}",
  "[",
  "]",
  ",",
  "1e5",
  "-0",
  "01",
  "true",
  "nul",
  "\ufeff",
  "\u0000",
];

export const JSON_WALKERS = defineTarget({
  promise: "what the walkers find in JSON is what JSON.parse finds",
  covers: ["base/json-members.ts", "filter/json-strings.ts"],
  words: JSON_WORDS,
  arbitrary: fc.record({
    text: fc
      .tuple(
        fc.array(
          fc.tuple(fc.constantFrom(...KEYS, 'x"model', "usage\\", "b"), fc.jsonValue({ maxDepth: 3 })),
          { maxLength: 5 },
        ),
        fc.constantFrom<(number | string)[]>(0, 1, "\t"),
        fc.boolean(),
      )
      .map(([members, space, isNested]) => {
        const value = Object.fromEntries(members);
        return JSON.stringify(
          isNested ? { before: [value], model: "m", inner: value, text: JSON.stringify(value) } : value,
          null,
          space,
        );
      }),
    key: fc.nat({ max: 3 }),
    missing: fc.oneof(fc.constant(0), fc.nat({ max: 500 })),
  }),
  check({ key: number, missing, text: drawn }) {
    // As bytes are read.
    const text = drawn.toWellFormed();
    const key = pick(KEYS, number);
    const parsed = tryParse(text);
    const tokens: string[] = [];
    const isJson = visitStrings(text, "root", (start, end) => void tokens.push(text.slice(start, end)));
    if (parsed === undefined) {
      readTailMember(text, key, 1);
      findTopLevelString(Buffer.from(text), key);
      // The inside of strings is not checked by the walker.
      if (isJson && tokens.every((token) => tryParse(token) !== undefined))
        throw new Error("not JSON, and taken for it");
      return `not JSON ${isJson}`;
    }
    if (!isJson) throw new Error("JSON, and not taken for it");
    same(tokens, text.match(STRING_TOKEN) ?? [], "strings");
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return "no object";
    const value: unknown = Object.hasOwn(parsed, key) ? (parsed as Record<string, unknown>)[key] : undefined;
    // A key that is spelled with escapes, or in more white space than anybody writes, is not looked for.
    if (/\\u|\s{40}/.test(text)) return "spelled oddly";
    same(readTailMember(text, key, 1), value, "member from the end");
    // Its beginning may be missing.
    const at = text.lastIndexOf(`"${key}"`);
    if (value !== undefined) {
      const cutText = text.slice(Math.min(missing, Math.max(0, at)));
      if (text.split(`"${key}"`).length === 2)
        same(readTailMember(cutText, key, 1), value, "member from the end, cut");
    }
    const bytes = Buffer.from(text);
    const range = findTopLevelString(bytes, key);
    const found = range === null ? undefined : JSON.parse(bytes.toString("utf8", range.start, range.end));
    const isOnly = text.split(`"${key}"`).length === 2;
    if (isOnly) same(found, typeof value === "string" ? value : undefined, "top-level string");
    else if (found !== undefined && typeof found !== "string") throw new Error("no string");
    return `${typeof value} ${isOnly} ${range === null}`;
  },
});

function same(one: unknown, other: unknown, what: string): void {
  if (!Bun.deepEquals(one, other, true))
    throw new Error(`${what}: ${JSON.stringify(one)} is not ${JSON.stringify(other)}`);
}

/** Of those it is known that they read the same in JavaScript. */
const PATTERNS = ["a+", "[ab-]{2,}", '"b', "b.a", "a|\\n", "[^a]b", "密+", "^a", "\\{.*a", '.*"'];
const PATTERN = fc.record({
  op: fc.constant("replace"),
  source: fc.constantFrom(...PATTERNS),
  ignore_case: fc.boolean(),
  regex: fc.constant(true),
  target: fc.constantFrom("X", "aa", "", '"', "$1", "\\"),
});

export const REDACTION = defineTarget({
  promise:
    "no source of a rule is left, JSON stays the same JSON, and a string without a match keeps its bytes",
  covers: [
    "filter/json-strings.ts",
    "filter/redact-json.ts",
    "filter/redact-text.ts",
    "filter/matcher.ts",
    "filter/escapes.ts",
    "filter/nested-values.ts",
    "filter/zones.ts",
  ],
  words: [
    ...JSON_WORDS,
    "\\n",
    "\\ud83d\\ude00",
    '"type":"thinking"',
    '"signature":',
    '"content":',
    '"tools":',
    "é",
  ],
  arbitrary: fc.record({
    rules: fc
      .tuple(RULES, fc.array(PATTERN, { maxLength: 2 }), fc.boolean())
      .map(([rules, patterns, hasPatterns]) =>
        [...rules.map((rule) => ({ target: null, regex: false, ...rule })), ...patterns].filter(
          ({ regex }) => hasPatterns || !regex,
        ),
      ),
    body: fc.tuple(NODE, WAYS).map(([node, ways]) => write(node, cycle(ways))),
  }),
  check({ body: drawnBody, rules: drawn }) {
    const body = drawnBody.toWellFormed();
    const rules = drawn.map(({ target, ...rule }) => (target === null ? rule : { ...rule, target }));
    try {
      parseRules(JSON.stringify(rules), "filter.json");
    } catch {
      return "no rules";
    }
    const filter = makeFilter(rules);
    // What a pattern leaves may be one for it again, and one that goes over several values takes what is between them.
    const isLiteral = rules.every(({ regex }) => !regex);
    const bytes = Buffer.from(body);
    const result = filter.filterBody(bytes, JSON_TYPE);
    if (result.kind === "refused") return "refused";
    const after = Buffer.from(result.value).toString();
    const again = filter.filterBody(result.value, JSON_TYPE);
    if (isLiteral && (again.kind === "refused" || !Buffer.from(again.value).equals(result.value)))
      throw new Error("not the same after a second time");
    if (after === body) return "unchanged";
    if (tryParse(body) === undefined) return "changed, no JSON";
    if (tryParse(after) === undefined) throw new Error(`no JSON any more: ${after}`);
    for (const value of stringValues(JSON.parse(after)))
      for (const rule of rules)
        if (isLiteral && isPlain(body) && holds(value, rule))
          throw new Error(`${JSON.stringify(rule.source)} is left in ${after}`);
    same(after.split(STRING_TOKEN), body.split(STRING_TOKEN), "what is between the strings");
    const [from, to] = [body.match(STRING_TOKEN) ?? [], after.match(STRING_TOKEN) ?? []];
    for (const [index, token] of from.entries()) {
      if (token === to[index]) continue;
      const texts = [...stringValues(JSON.parse(token))].flatMap((text) => [text, ...readAsEscaped(text)]);
      if (!texts.some((text) => rules.some((rule) => matches(text, rule))))
        throw new Error(`${token} has no match and became ${to[index]}`);
    }
    return `changed ${rules.length} ${from.length > 3} ${isLiteral}`;
  },
});

/** What a text may be that was quoted by a program: a backslash and an n, where there was a line break. Four levels deep. */
function readAsEscaped(text: string, levels = 4): string[] {
  const read = text.replace(/\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])/g, (escape) =>
    String(JSON.parse(`"${escape}"`)),
  );
  return read === text || levels === 0 ? [] : [read, ...readAsEscaped(read, levels - 1)];
}

function matches(text: string, rule: { source: string; ignore_case: boolean; regex: boolean }): boolean {
  if (!rule.regex) return holds(text, rule);
  return !PATTERNS.includes(rule.source) || new RegExp(rule.source, rule.ignore_case ? "iu" : "u").test(text);
}

/** Places that are never redacted have names of their own. */
function isPlain(body: string): boolean {
  return !/signature|data|encrypted|tools|name|parameters|input_schema|format/.test(body);
}
