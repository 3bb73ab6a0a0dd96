// The rules for projects: which directories a pattern means, what a rule is called, and which of several decides.
// Looks at no file: whether two paths are one directory, others say.
// Pure.
import { type Text, t } from "../base/text.ts";
import type { Upstream } from "../base/upstream.ts";
import type { ProjectEntry } from "./schema.ts";

export interface ProjectRule {
  /** As it is written in the file. */
  readonly pattern: string;
  /** Its last name without a wildcard, or as many as tell it from the others: "acme". */
  readonly name: string;
  /** The path before its first wildcard, absolute or from "~", without a slash at its end. */
  readonly base: string;
  /** A glob for each directory below that; "**" for any number of them. Mostly none. */
  readonly below: readonly string[];
  readonly entry: ProjectEntry;
}

/** What the rules for one directory say together. */
export interface ProjectTerms {
  readonly rule: ProjectRule;
  readonly config: string | null;
  /** Null for no wall. */
  readonly allow: readonly string[] | null;
  /** Whose wall it is: a rule above may have it. */
  readonly walledBy: ProjectRule | null;
  readonly filter: string | null;
  readonly models: NonNullable<ProjectEntry["models"]> | null;
}

export interface ProjectProblem {
  readonly pattern: string;
  readonly words: Text;
}

const WILDCARD = /[*?[{]/;

/** In the order of the file; what is wrong with one is for all: a wall that is left out would be none. */
export function readProjects(
  entries: Readonly<Record<string, ProjectEntry>>,
): readonly ProjectRule[] | ProjectProblem {
  const rules: Omit<ProjectRule, "name">[] = [];
  const meanings = new Map<string, string>();
  for (const [pattern, entry] of Object.entries(entries)) {
    const split = splitPattern(pattern);
    if (split === null) return { pattern, words: t`must begin with "/" or "~/"` };
    const meaning = JSON.stringify(split);
    const twin = meanings.get(meaning);
    if (twin !== undefined) return { pattern, words: t`means the same directories as "${twin}"` };
    meanings.set(meaning, pattern);
    rules.push({ pattern, ...split, entry });
  }
  const names = nameRules(rules);
  return rules.map((rule) => ({ ...rule, name: names.get(rule.pattern) ?? rule.pattern }));
}

/** The same for two patterns that mean the same directories; null for what is no pattern. */
export function meaningOf(pattern: string): string | null {
  const split = splitPattern(pattern);
  return split === null ? null : JSON.stringify(split);
}

/** A rule holds for what is below its directories in any case: wildcards for all of that at its end say nothing. */
function splitPattern(pattern: string): Pick<ProjectRule, "base" | "below"> | null {
  const isWindows = /^[A-Za-z]:[\\/]/.test(pattern);
  if (!isWindows && !/^(?:\/|~(?:\/|$))/.test(pattern)) return null;
  const [root = "", ...all] = (isWindows ? pattern.replaceAll("\\", "/") : pattern).split("/");
  const parts: string[] = [];
  for (const part of all) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  while (/^\*+$/.test(parts.at(-1) ?? "")) parts.pop();
  const first = parts.findIndex((part) => WILDCARD.test(part));
  const literal = first < 0 ? parts : parts.slice(0, first);
  const base = [root, ...literal].join("/");
  return { base: base === "" ? "/" : base, below: first < 0 ? [] : parts.slice(first) };
}

function nameRules(rules: readonly Omit<ProjectRule, "name">[]): ReadonlyMap<string, string> {
  const partsOf = ({ base, below }: Omit<ProjectRule, "name">): string[] =>
    [...base.split("/"), ...below].filter((part) => part !== "");
  const names = new Map<string, string>();
  for (const rule of rules) {
    const parts = partsOf(rule);
    const last = parts.findLastIndex((part) => !WILDCARD.test(part));
    const nameWith = (count: number, of: readonly string[], end: number): string =>
      of.slice(Math.max(0, end + 1 - count), end + 1).join("/");
    let name = rule.pattern;
    for (let count = 1; last >= 0 && count <= last + 1; count += 1) {
      name = nameWith(count, parts, last);
      const isShared = rules.some((other) => {
        const others = partsOf(other);
        const end = others.findLastIndex((part) => !WILDCARD.test(part));
        return other !== rule && nameWith(count, others, end) === name;
      });
      if (!isShared) break;
      name = rule.pattern;
    }
    names.set(rule.pattern, name);
  }
  return names;
}

/** Do the names of directories below a rule's base lead to one that it means, or to one below that? How many names that took. */
export function matchBelow(below: readonly string[], names: readonly string[]): number | null {
  const [glob, ...globs] = below;
  if (glob === undefined) return 0;
  const [name, ...rest] = names;
  if (glob === "**") {
    const here = matchBelow(globs, names);
    if (here !== null) return here;
    const deeper = name === undefined ? null : matchBelow(below, rest);
    return deeper === null ? null : deeper + 1;
  }
  if (name === undefined || !makePattern(glob).test(name)) return null;
  const deeper = matchBelow(globs, rest);
  return deeper === null ? null : deeper + 1;
}

const BRACES = /\{([^{}]*)\}/g;
const TOKENS = /\*+|\?|\[!?[^\]]+\]|[\\^$.|+()[\]{}]/g;

/** A glob for one name: `*`, `?`, `[ab]`, `{one,two}`. */
function makePattern(glob: string): RegExp {
  const translate = (part: string): string =>
    part.replace(TOKENS, (token) => {
      if (token.startsWith("*")) return ".*";
      if (token === "?") return ".";
      return /^\[.+\]$/.test(token) ? token.replace("[!", "[^") : `\\${token}`;
    });
  const choices = glob.split(BRACES).map((part, index) => {
    // Every second part is what stands in braces.
    if (index % 2 === 0) return translate(part);
    return `(?:${part.split(",").map(translate).join("|")})`;
  });
  return new RegExp(`^${choices.join("")}$`, "su");
}

/**
 * What holds for a directory by the rules that mean it, the most exact one first: what that does not say is said by the next. A
 * wall is therefore left only by a rule that has one of its own.
 */
export function joinRules(rules: readonly ProjectRule[]): ProjectTerms | null {
  const [rule] = rules;
  if (rule === undefined) return null;
  const first = <K extends keyof ProjectEntry>(key: K): NonNullable<ProjectEntry[K]> | null =>
    rules.find(({ entry }) => entry[key] != null)?.entry[key] ?? null;
  return {
    rule,
    config: first("config"),
    allow: first("allow"),
    walledBy: rules.find(({ entry }) => entry.allow != null) ?? null,
    filter: first("filter"),
    models: first("models"),
  };
}

/** Does any rule have a wall? */
export function hasWalls(rules: readonly ProjectRule[]): boolean {
  return rules.some(({ entry }) => entry.allow != null);
}

/** The upstreams that a wall leaves, by the names in it. `all`: those of every config of a service. */
export function listAllowed(allow: readonly string[], all: readonly Upstream[]): readonly Upstream[] {
  return allow.flatMap((name) => {
    const named = all.filter(({ configName, label }) => name === configName || name === label);
    if (named.length > 0) return named;
    return all.filter(({ baseUrl, origin }) => [baseUrl, origin, URL.parse(baseUrl)?.host].includes(name));
  });
}
