// Which rules of config.json mean a directory: by what it is, not by how it is written. Links, other spellings and the other trees of
// a repository lead to the same place. Only looks.
import { setNewest } from "../../base/newest.ts";
import { readdirSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, normalize, relative, sep } from "node:path";
import { errorCode, ignoreSystemError } from "../../base/errors.ts";
import { lookAt, realPath } from "../../base/files.ts";
import { expandHome } from "../../base/paths.ts";
import { type ProjectRule, type ProjectTerms, joinRules, matchBelow } from "../../config/projects.ts";
import { readTrees } from "../../sessions/project.ts";

/** Null terms: no rule means it. "untold": it is not there, or a link of its repository leads nowhere, and no rule names its path. */
export interface Located {
  readonly terms: ProjectTerms | null;
  readonly isTold: boolean;
  /** Where the rule was met: the directory without links, or its place in another tree of its repository. */
  readonly met: string | null;
  readonly isOtherTree: boolean;
}

interface Base {
  readonly rule: ProjectRule;
  readonly path: string;
  /** The same with its links followed, as far as it exists. */
  readonly real: string;
  /** Device and inode of what is there; null for nothing. */
  readonly id: string | null;
  /** Directories that a link in it leads to, with the link's name. */
  readonly links: ReadonlyMap<string, string>;
}

interface Known {
  readonly id: string | null;
  readonly at: number;
  readonly located: Located;
}

/** What a look of one moment does not show, such as a new worktree, is seen so soon. */
const LOOK_AGAIN_MS = 1_000;
const MOST_KNOWN = 1_000;
const MOST_LINKS = 1_000;
const UNTOLD: Located = { terms: null, isTold: false, met: null, isOtherTree: false };
/** Where names that differ in case alone are one. */
const FOLDS_CASE = process.platform === "darwin" || process.platform === "win32";

/** `home`: the user's, for "~". `now`: wall clock, ms. */
export function createPlaces(options: {
  readonly rules: () => readonly ProjectRule[];
  readonly home: string;
  readonly now: () => number;
}) {
  const { home, now, rules } = options;
  let bases: readonly Base[] = [];
  let readFrom: readonly ProjectRule[] | null = null;
  let readAt = 0;
  const known = new Map<string, Known>();
  let version = 0;

  /** Another object whenever something about them has changed. */
  const currentBases = (): readonly Base[] => {
    const present = rules();
    const isOld = Math.abs(now() - readAt) > LOOK_AGAIN_MS;
    if (present === readFrom && !isOld && bases.every(({ id, path }) => idOf(path) === id)) return bases;
    const next = present.map((rule): Base => {
      const path = expandHome(rule.base, home);
      return { rule, path, real: realPath(path), id: idOf(path), links: readLinks(path) };
    });
    if (present !== readFrom || !areSame(bases, next)) {
      bases = next;
      known.clear();
      version += 1;
    }
    readFrom = present;
    readAt = now();
    return bases;
  };

  return {
    locate(directory: string): Located {
      const all = currentBases();
      const id = idOf(directory);
      const before = known.get(directory);
      if (before?.id === id && Math.abs(now() - before.at) <= LOOK_AGAIN_MS) return before.located;
      const looked = locate(directory, id, all);
      // What was there a moment ago and is gone is still what it was.
      const located = looked.isTold || before === undefined ? looked : before.located;
      setNewest(known, directory, { id, at: now(), located }, MOST_KNOWN);
      return located;
    },
    /** The same text for the same directories as long as nothing is noticed of a change that could matter to them. */
    basisOf(directories: ReadonlySet<string>): string {
      currentBases();
      let basis = `${version} ${Math.floor(now() / LOOK_AGAIN_MS)}`;
      for (const one of directories) basis += ` ${idOf(one)}`;
      return basis;
    },
    /** The directory that a rule begins at is there. */
    hasBase: (rule: ProjectRule): boolean => idOf(expandHome(rule.base, home)) !== null,
  };
}

function locate(directory: string, id: string | null, bases: readonly Base[]): Located {
  if (!isAbsolute(directory) || directory.includes("\0")) return UNTOLD;
  const real = realPath(directory);
  const trees = readTrees(real);
  const inOthers =
    trees === null || trees === "broken"
      ? []
      : trees.others.map((tree) => join(tree, relative(trees.own, real)));
  const found = new Map<ProjectRule, { readonly rest: number; readonly path: string }>();
  for (const path of new Set([normalize(directory), real, ...inOthers]))
    for (const base of bases) {
      const rest = restBelow(path, base);
      if (rest !== null && rest < (found.get(base.rule)?.rest ?? Infinity))
        found.set(base.rule, { rest, path });
    }
  const [best, ...others] = [...found].toSorted(([, a], [, b]) => a.rest - b.rest);
  const terms = joinRules([best, ...others].flatMap((one) => one?.[0] ?? []));
  const met = best?.[1].path ?? null;
  // Below what is gone there may have been anything, but in a repository that is there still.
  const isTold = terms !== null || (trees !== "broken" && (id !== null || trees !== null));
  return { terms, isTold, met, isOtherTree: met !== null && inOthers.includes(met) };
}

/** How many names a path has below the directory that the rule means; null where the rule does not mean it. */
function restBelow(path: string, base: Base): number | null {
  const names: string[] = [];
  let least: number | null = null;
  for (let at = path; ; at = dirname(at)) {
    const here = idOf(at);
    const isBase = here === null ? isSamePath(at, base.path) || isSamePath(at, base.real) : here === base.id;
    const start = isBase ? [] : linkTo(here, base);
    const used = start === null ? null : matchBelow(base.rule.below, [...start, ...names]);
    if (start !== null && used !== null) {
      const rest = Math.max(0, names.length - Math.max(0, used - start.length));
      least = Math.min(least ?? Infinity, rest);
    }
    if (dirname(at) === at) return least;
    names.unshift(at.slice(dirname(at).length).replaceAll(sep, ""));
  }
}

function linkTo(id: string | null, { links }: Base): string[] | null {
  const name = id === null ? undefined : links.get(id);
  return name === undefined ? null : [name];
}

function isSamePath(one: string, other: string): boolean {
  return one === other || (FOLDS_CASE && one.toLowerCase() === other.toLowerCase());
}

function idOf(path: string): string | null {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats === undefined ? null : `${stats.dev}:${stats.ino}`;
  } catch (error) {
    // Nobody may look there: then it is told by its path alone.
    if (errorCode(error) === undefined) throw error;
    return null;
  }
}

/** Links to directories. Those of a repository are its content, and say nothing of where others belong. */
function readLinks(path: string): ReadonlyMap<string, string> {
  const links = new Map<string, string>();
  if (readTrees(realPath(path)) !== null) return links;
  const entries = ignoreSystemError(() => readdirSync(path, { withFileTypes: true }), []);
  for (const entry of entries.slice(0, MOST_LINKS)) {
    if (!entry.isSymbolicLink()) continue;
    const stats = lookAt(join(path, entry.name));
    if (stats?.isDirectory() === true) links.set(`${stats.dev}:${stats.ino}`, entry.name);
  }
  return links;
}

function areSame(before: readonly Base[], after: readonly Base[]): boolean {
  return before.every(({ id, links }, index) => {
    const other = after[index];
    return (
      other?.id === id &&
      other.links.size === links.size &&
      [...links.keys()].every((one) => other.links.has(one))
    );
  });
}
