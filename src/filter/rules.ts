// Reads the text of filter.json: what a rule is, what is refused, and at which place.
// Never half-works: one bad rule refuses the file. No message holds a source or a target.
// Pure.
import { type Node, type ParseError, findNodeAtLocation, getNodeValue, parseTree } from "jsonc-parser";
import * as z from "zod/mini";
import { UserError, errorMessage } from "../base/errors.ts";
import { describeJsonError } from "../base/json-value.ts";
import { type Text, english, fromEnglish, t } from "../base/text.ts";
import { later } from "../base/later.ts";
import { SERVICES, type Service, mapServices } from "../base/service.ts";
import { similarNames } from "../base/similar-names.ts";
import { oneLine } from "../base/terminal-text.ts";
import { type Matcher, type Rule, compilePattern, makeMatcher, spellingsOf } from "./matcher.ts";
import { PACK_NAMES, loadPack, makePackMatcher, targetOf } from "./packs.ts";
import { type Redactor, makeRedactor } from "./redactor.ts";

/** The rules of one file, ready to use. */
export interface RuleSet {
  /** In the file's order; a pack has a rule for each of its patterns. */
  readonly rules: readonly Rule[];
  /** For each rule: the number of its entry in the file, from 1. */
  readonly numbers: readonly number[];
  /** For each service: the rules that apply to it. */
  readonly redactors: Readonly<Record<Service, Redactor>>;
}

export const NO_RULES: RuleSet = makeRuleSet([], []);

const MAX_FILE_CHARS = 2 ** 20;
/** How a placeholder of no other shape begins. */
const FIXED_PART = "CHX_";
const MAX_RULES = 1000;
const MAX_PATTERN_CHARS = 1000;
/** Instructions of a compiled pattern: a character costs at most so many steps. */
const MAX_PATTERN_SIZE = 1000;

const servicesSchema = later(() =>
  z._default(
    z
      .array(z.enum(SERVICES, english`must be "codex" or "claude"`), english`must be a list of services`)
      .check(z.minLength(1, english`must name a service; omit it for all services`)),
    [...SERVICES],
  ),
);
const restoreSchema = later(() => z._default(z.boolean(english`must be true or false`), false));

const ruleSchema = later(() =>
  z
    .strictObject({
      op: z.enum(["replace", "remove"], english`must be "replace" or "remove"`),
      source: z
        .string({
          error: ({ input }) => (input === undefined ? english`is missing` : english`must be a string`),
        })
        .check(
          z.minLength(1, english`must not be empty: it would match everywhere`),
          z.refine((source) => source.isWellFormed(), english`contains half of a surrogate pair`),
        ),
      target: z.optional(z.string(english`must be a string`)),
      regex: z._default(z.boolean(english`must be true or false`), false),
      ignore_case: z._default(z.boolean(english`must be true or false`), false),
      services: servicesSchema,
      restore: restoreSchema,
      name: z.optional(
        z
          .string(english`must be a string`)
          .check(
            z.regex(
              /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,39}$/u,
              english`must be 1 to 40 letters, digits, spaces, "." "_" "-"`,
            ),
          ),
      ),
    })
    .check(
      z.refine((rule) => rule.op === "remove" || rule.restore || rule.target !== undefined, {
        path: ["op"],
        message: english`"replace" needs a target`,
      }),
      z.refine((rule) => rule.op === "replace" || rule.target === undefined, {
        path: ["target"],
        message: english`"remove" takes no target`,
      }),
      z.refine((rule) => rule.op === "replace" || !rule.restore, {
        path: ["restore"],
        message: english`"remove" leaves nothing that could be restored`,
      }),
    ),
);

const packSchema = later(() =>
  z.strictObject({
    pack: z.enum(PACK_NAMES, english`must be secrets, emails, ip-private, home-paths or git-remotes`),
    except: z._default(z.array(z.string(english`must be a string`), english`must be a list of names`), []),
    services: servicesSchema,
    restore: restoreSchema,
  }),
);

interface Shape<T> {
  readonly schema: z.ZodMiniType<T>;
  readonly fields: readonly (keyof T & string)[];
}

const RULE: Shape<z.infer<typeof ruleSchema>> = {
  schema: ruleSchema,
  fields: ["op", "source", "target", "regex", "ignore_case", "services", "restore", "name"],
};
const PACK: Shape<z.infer<typeof packSchema>> = {
  schema: packSchema,
  fields: ["pack", "except", "services", "restore"],
};

/**
 * Parses filter.json: one rule or a list of them; comments, trailing commas and a BOM are accepted.
 * Throws UserError whose message starts with `name:line:column`.
 */
export function parseRules(text: string, name: string): RuleSet {
  if (text.length > MAX_FILE_CHARS) throw new UserError(t`${name} is larger than 1 MB`);
  const tree = parseFile(text, name);
  const nodes = tree.type === "array" ? (tree.children ?? []) : [tree];
  const refuse = (node: Node, words: Text): never => refuseAt(text, name, { offset: node.offset, words });
  if (nodes.length > MAX_RULES) refuse(tree, t`${nodes.length} rules exceed the limit of ${MAX_RULES}`);
  const refuseRule = (index: number, key: string, words: Text): never => {
    const rule = nodes[index] ?? tree;
    const number = index + 1;
    const told = key === "" ? t`rule ${number}: ${words}` : t`rule ${number}, ${key}: ${words}`;
    return refuse(findNodeAtLocation(rule, [key]) ?? rule, told);
  };
  const matchers: Matcher[] = [];
  const numbers: number[] = [];
  nodes.forEach((node, index) => {
    const refuseKey: RefuseKey = (key, words) => refuseRule(index, key, words);
    const isPack = node.type === "object" && findNodeAtLocation(node, ["pack"]) !== undefined;
    const own = isPack
      ? readPack(node, matchers.length, refuseKey)
      : [
          makeCheckedMatcher(readRule(node, refuseKey), matchers.length, (words) =>
            refuseKey("source", words),
          ),
        ];
    matchers.push(...own);
    numbers.push(...own.map(() => index + 1));
  });
  const entryOf = (index: number): number => (numbers[index] ?? 1) - 1;
  matchers.forEach(({ rule }, index) => {
    if (rule.name !== undefined && rule.pack === undefined) {
      const words = problemOfName(rule.name, matchers);
      if (words !== null) refuseRule(entryOf(index), "name", words);
    }
    const found = rule.op === "replace" ? findSourceIn(rule.target, matchers) : -1;
    if (found < 0) return;
    const key = rule.pack === undefined ? "target" : "pack";
    refuseRule(entryOf(index), key, t`contains the source of rule ${entryOf(found) + 1}`);
  });
  const inPlaceholders = matchers.some(({ rule }) => rule.restore) ? findSourceIn(FIXED_PART, matchers) : -1;
  if (inPlaceholders >= 0)
    refuseRule(entryOf(inPlaceholders), "source", t`is a part of every placeholder ("${FIXED_PART}…")`);
  return makeRuleSet(matchers, numbers);
}

type RefuseKey = (key: string, words: Text) => never;

/**
 * How a rule is called in counts: never by its source, which may be the secret itself. `file`: the name of a project's own
 * file, whose numbers are others than those of filter.json.
 */
export function nameOf({ numbers, rules }: RuleSet, index: number, file: string | null = null): string {
  const { name } = rules[index] ?? {};
  if (name !== undefined) return name;
  const number = `rule-${numbers[index] ?? 0}`;
  return file === null ? number : `${file}/${number}`;
}

/** The first `before`, and to it the hits of each rule by its name, in the file's order. */
export function countByRule(
  before: ReadonlyMap<string, number> | undefined,
  hits: readonly (readonly number[])[],
  nameAt: (index: number) => string,
): ReadonlyMap<string, number> {
  const counts = new Map(before);
  for (const list of hits)
    for (const [index, count] of list.entries()) {
      if (count === 0) continue;
      const name = nameAt(index);
      counts.set(name, (counts.get(name) ?? 0) + count);
    }
  return counts;
}

/** The packs in use, in the file's order. */
export function packsOf({ rules }: RuleSet): readonly string[] {
  return [...new Set(rules.flatMap(({ pack }) => pack ?? []))];
}

function makeRuleSet(matchers: readonly Matcher[], numbers: readonly number[]): RuleSet {
  return {
    rules: matchers.map(({ rule }) => rule),
    numbers,
    redactors: mapServices(({ service }) =>
      makeRedactor(matchers.filter(({ rule }) => rule.services.includes(service)).flatMap(spellingsOf)),
    ),
  };
}

/** "12:7" (line and column, both from 1, columns in UTF-16 units) of an offset. */
function describePosition(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return `${line}:${offset - before.lastIndexOf("\n")}`;
}

function refuseAt(text: string, name: string, error: { offset: number; words: Text }): never {
  throw new UserError(t`${name}:${describePosition(text, error.offset)}: ${error.words}`);
}

function parseFile(text: string, name: string): Node {
  // Of the same length, for the places of what is in it.
  const bare = text.replace(/^\uFEFF/, " ");
  const errors: ParseError[] = [];
  let tree: Node | undefined;
  try {
    tree = parseTree(bare, errors, { allowTrailingComma: true });
  } catch (error) {
    // The parser recurses: its stack ends before ours does.
    if (error instanceof RangeError) throw new UserError(t`${name} is nested too deeply`);
    throw error;
  }
  const [error] = errors;
  if (error !== undefined) refuseAt(text, name, describeJsonError(bare, error));
  if (tree === undefined) refuseAt(text, name, { offset: 0, words: t`no rules: write [] for none` });
  return tree;
}

/** The entry as it has to be. */
function readEntry<T>({ fields, schema }: Shape<T>, node: Node, refuse: RefuseKey): T {
  const keys = (node.children ?? []).map((property) => String(property.children?.[0]?.value));
  const twice = node.type === "object" ? keys.find((key, index) => keys.indexOf(key) !== index) : undefined;
  if (twice !== undefined) refuse(twice, t`is given twice`);
  const result = schema.safeParse(getNodeValue(node));
  if (!result.success) {
    const [first] = result.error.issues;
    // A field that is missing may be there under such a name.
    const issue = result.error.issues.find(({ code }) => code === "unrecognized_keys") ?? first;
    if (issue?.code === "unrecognized_keys") {
      const key = issue.keys[0] ?? "";
      const [near] = similarNames(key, fields);
      const words =
        near === undefined
          ? t`is not a field of a rule`
          : t`is not a field of a rule (did you mean "${near}"?)`;
      refuse(oneLine(key).slice(0, 40), words);
    }
    if (issue?.code === "invalid_type" && issue.path.length === 0) refuse("", t`must be an object`);
    return refuse(String(issue?.path[0] ?? ""), fromEnglish(issue?.message ?? english`is not valid`));
  }
  return result.data;
}

function readRule(node: Node, refuse: RefuseKey): Rule {
  const entry = readEntry(RULE, node, refuse);
  const { ignore_case: ignoreCase, name, op, regex, restore, services, source, target } = entry;
  return { op, source, target: restore ? "" : (target ?? ""), restore, regex, ignoreCase, services, name };
}

function readPack(node: Node, first: number, refuse: RefuseKey): Matcher[] {
  const { except, pack: name, restore, services } = readEntry(PACK, node, refuse);
  const pack = loadPack(name);
  const unknown = except.find((one) => pack.patterns.every((pattern) => pattern.name !== one));
  if (unknown !== undefined) refuse("except", t`the pack has no pattern "${oneLine(unknown).slice(0, 40)}"`);
  return pack.patterns
    .filter((pattern) => !except.includes(pattern.name))
    .map((pattern, index) => {
      const rule: Rule = {
        op: "replace",
        source: pattern.pattern,
        target: restore ? "" : targetOf(name, pack, pattern),
        restore,
        regex: true,
        ignoreCase: pattern.ignore_case ?? false,
        services,
        name: `${name}/${pattern.name}`,
        pack: name,
      };
      return makePackMatcher(rule, first + index, { pack, pattern });
    });
}

function makeCheckedMatcher(rule: Rule, index: number, refuse: (words: Text) => never): Matcher {
  if (!rule.regex) return makeMatcher(rule, index);
  if (rule.source.length > MAX_PATTERN_CHARS) {
    refuse(t`the pattern has ${rule.source.length} characters, more than ${MAX_PATTERN_CHARS}`);
  }
  try {
    const pattern = compilePattern(rule.source, rule.ignoreCase);
    if (pattern.programSize() > MAX_PATTERN_SIZE)
      refuse(t`the pattern is too large: lower its repeat counts`);
    if (pattern.test("")) refuse(t`the pattern matches empty text: it would match everywhere`);
    return makeMatcher(rule, index);
  } catch (error) {
    if (error instanceof UserError) throw error;
    return refuse(t`unsupported regular expression: ${patternProblem(error)}`);
  }
}

/** The engine's words without the part of the pattern that it quotes: a pattern may hold a secret. */
function patternProblem(error: unknown): Text | string {
  if (error instanceof RangeError) return t`nested too deeply`;
  return errorMessage(error)
    .replace(/^error parsing regexp: /, "")
    .replace(/: `[^]*$/, "");
}

/** Names are in the log, and on screens: none has in it what a rule is to find, or is that of another rule. */
function problemOfName(name: string, matchers: readonly Matcher[]): Text | null {
  if (/^rule-\d+$/i.test(name)) return t`is what rules without a name are called`;
  const isFound = matchers.flatMap(spellingsOf).some(({ find }) => find(name, () => {}).length > 0);
  return isFound ? t`contains what a rule would redact: names are in the log` : null;
}

/** The index of the first literal rule whose source is part of the target, or -1. */
function findSourceIn(target: string, matchers: readonly Matcher[]): number {
  return matchers.findIndex((matcher) =>
    spellingsOf(matcher).some(({ rule, view }) => !rule.regex && view(target).includes(view(rule.source))),
  );
}
