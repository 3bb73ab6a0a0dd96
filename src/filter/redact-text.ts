// Applies the rules to one decoded text: to the strings of the JSON that it may be, to its characters, and to what
// is behind the escapes in it. When it returns, no literal source is left in any of the three.
// Pure.
import { t } from "../base/text.ts";
import { findBehindEscapes } from "./escapes.ts";
import { type Matcher, removeAll, replaceRanges } from "./matcher.ts";
import { makeFindBound } from "./nested-values.ts";
import { type Edit, editStrings } from "./redact-json.ts";
import { findInText, type Redactor } from "./redactor.ts";
import { RedactionRefused, type Work } from "./work.ts";

/** A replacement can join its neighbours to a source again. What has not settled by then may never do so. */
const MAX_ROUNDS = 64;
/** How a text begins that may be JSON. */
const NESTED = /^\s*[[{"]/;

/** A whole string of a request after the rules; the same where nothing matched. Throws RedactionRefused. */
export function redactString(text: string, redactor: Redactor, work: Work): string {
  const { hits, issuer } = work;
  // What begins like no JSON has no quotes that count: its echo comes back as it was.
  if (issuer === null || !NESTED.test(text)) return redactText(text, redactor, work);
  const before = hits.slice();
  return issuer.settle(text, () => {
    for (const [index, count] of before.entries()) hits[index] = count;
    return redactText(text, redactor, work);
  });
}

function redactText(text: string, redactor: Redactor, work: Work): string {
  let current = redactNestedJson(text, redactor, work);
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const plain = applyRules(current, redactor, work);
    current = redactBehindEscapes(plain, redactor, work);
    if (current === plain) return current;
  }
  throw unsettled();
}

/** Adds to `exemptHits` what the rules would have found. */
export function countExempt(text: string, redactor: Redactor, work: Work): void {
  for (const matcher of redactor.among(text, work.allowance)) {
    const count = matcher.find(text, work.deadline).length / 2;
    work.exemptHits[matcher.index] = (work.exemptHits[matcher.index] ?? 0) + count;
  }
}

/** The text with the edits made; strings are written as JSON.stringify writes them, unless their echo is to be the same. */
function applyEdits(text: string, edits: readonly Edit[], { issuer }: Work): string {
  const parts: string[] = [];
  let from = 0;
  for (const { before, start, end, value } of edits) {
    const respelled = issuer?.respell(text.slice(start, end), before, value) ?? null;
    parts.push(text.slice(from, start), respelled ?? JSON.stringify(value));
    from = end;
  }
  parts.push(text.slice(from));
  return parts.join("");
}

/**
 * A tool call's arguments, a tool's output: JSON in a string. Its strings are redacted as strings, so that a target
 * with a quote in it leaves it JSON. It needs no bound of its own: each level doubles the backslashes.
 */
function redactNestedJson(text: string, redactor: Redactor, work: Work): string {
  if (!NESTED.test(text)) return text;
  const mayMatch = findInText(redactor, text, work.allowance);
  if (mayMatch === null) return text;
  const json = { text, slice: (start: number, end: number) => text.slice(start, end), mayMatch };
  const edits = editStrings(json, "json", {
    change: (value) => redactText(value, redactor, work),
    // A key of nested JSON is a part of this text: it is redacted with it.
    keep: () => {},
  });
  return edits === null || edits.length === 0 ? text : applyEdits(text, edits, work);
}

/** One pass a rule from left to right, and again while a literal or a removal still finds something. */
function applyRules(text: string, redactor: Redactor, work: Work): string {
  let current = text;
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const before = current;
    let among = redactor.among(current, work.allowance);
    if (among.length === 0) return current;
    for (const matcher of redactor.matchers) {
      // A pattern may match its own target ("password=\\S+" -> "password=…"): one pass is all it gets.
      if ((round > 1 && matcher.rule.regex && matcher.rule.op === "replace") || !among.includes(matcher))
        continue;
      const next = applyRule(current, matcher, work);
      if (next !== current) among = redactor.among(next, work.allowance);
      current = next;
    }
    if (current === before) return current;
  }
  throw unsettled();
}

function applyRule(text: string, matcher: Matcher, work: Work): string {
  const findBound = matcher.rule.regex
    ? makeFindBound(text, (part) => matcher.find(part, work.deadline).length > 0)
    : undefined;
  const matches = matcher.find(text, work.deadline, findBound);
  const ranges =
    work.issuer === null || matches.length === 0
      ? matches
      : work.issuer.spare(text, matches, matcher.rule.regex);
  if (ranges.length === 0) return text;
  const replaced = replaceCounted(text, { matcher, ranges, work });
  const { rule, view } = matcher;
  if (rule.op !== "remove" || rule.regex || !view(replaced).includes(view(rule.source))) return replaced;
  const removed = removeAll(replaced, view(replaced), view(rule.source));
  count(work, matcher, (replaced.length - removed.length) / rule.source.length);
  return removed;
}

function redactBehindEscapes(text: string, redactor: Redactor, work: Work): string {
  let current = text;
  const maxRounds = MAX_ROUNDS + redactor.matchers.length;
  for (let round = 1; redactor.escapePattern.test(current); round += 1) {
    if (round > maxRounds) throw unsettled();
    let found: Matcher | undefined;
    const ranges = findBehindEscapes(current, (view) => {
      found = redactor.matchers.find(({ rule, find }) => !rule.regex && find(view, work.deadline).length > 0);
      return found?.find(view, work.deadline) ?? [];
    });
    if (found === undefined) return current;
    current = replaceCounted(current, { matcher: found, ranges, work });
  }
  return current;
}

interface Replacement {
  readonly matcher: Matcher;
  readonly ranges: readonly number[];
  readonly work: Work;
}

function replaceCounted(text: string, { matcher, ranges, work }: Replacement): string {
  const { restore, target } = matcher.rule;
  const { issuer } = work;
  count(work, matcher, ranges.length / 2);
  if (restore && issuer !== null) {
    const replaced = replaceRanges(text, ranges, issuer.replace);
    work.grow(replaced.length - text.length, matcher.index);
    return replaced;
  }
  let matched = 0;
  for (let index = 0; index < ranges.length; index += 2)
    matched += (ranges[index + 1] ?? 0) - (ranges[index] ?? 0);
  work.grow((ranges.length / 2) * target.length - matched, matcher.index);
  return replaceRanges(text, ranges, target);
}

function count(work: Work, matcher: Matcher, times: number): void {
  work.hits[matcher.index] = (work.hits[matcher.index] ?? 0) + times;
}

function unsettled(): RedactionRefused {
  return new RedactionRefused(t`the rules keep matching each other's output`);
}
