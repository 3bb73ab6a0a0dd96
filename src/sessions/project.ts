// What a project is: the repository around a directory with all its worktrees, or else the directory itself. Only reads.
import { lstatSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { listNames, lookAt, readTextOrNull, realPath } from "../base/files.ts";

export type Project = Readonly<ReturnType<typeof readProject>>;

/** What a session's file says of the repository around its directory. Null for what it does not say. */
export interface Origin {
  readonly branch: string | null;
  readonly commit: string | null;
  readonly repository: string | null;
}

/** The directory need not exist any more. */
export function readProject(directory: string) {
  const path = realPath(directory);
  const own = findTree(path);
  const common = own === null ? null : findCommonDirectory(own);
  const roots: readonly string[] =
    own === null || common === null ? [path] : [...new Set([own, ...listTrees(common)])];
  const known = new Map<string, string | null>();
  const gone = new Map<string, boolean>();
  return {
    /** The real path that was asked for. */
    path,
    /** The real paths of the repository's trees; the one around `path` comes first. */
    roots,
    /** The tree of the project that a directory lies in, links followed; null for a directory elsewhere. */
    rootOf(asked: string): string | null {
      let root = known.get(asked);
      if (root === undefined) {
        root = deepest(roots, asked) ?? deepest(roots, realPath(asked));
        known.set(asked, root);
      }
      return root;
    },
    /**
     * Was a directory a worktree of the repository that has been removed since? By what a session says of the repository in
     * which it was; Git itself keeps nothing.
     */
    hadTree(directory: string, readOrigin: () => Origin): boolean {
      if (common === null) return false;
      let isOurs = gone.get(directory);
      if (isOurs === undefined) {
        isOurs = lookAt(directory) === null && isOfRepository(common, directory, readOrigin());
        gone.set(directory, isOurs);
      }
      return isOurs;
    },
  };
}

/** The same remote, a commit that is known here, or the branch in a directory that is named after the repository. */
function isOfRepository(common: string, directory: string, { branch, commit, repository }: Origin): boolean {
  const read = (name: string): string => readTextOrNull(join(common, name)) ?? "";
  const remotes = [...read("config").matchAll(/^\s*url\s*=\s*(\S+)/gm)].map(([, url = ""]) =>
    nameRemote(url),
  );
  if (repository !== null && remotes.includes(nameRemote(repository))) return true;
  if (commit !== null && /^(?!0+$)[0-9a-f]{40,64}$/.test(commit)) {
    const isLoose = lookAt(join(common, "objects", commit.slice(0, 2), commit.slice(2))) !== null;
    if (isLoose || read("packed-refs").includes(commit) || read("logs/HEAD").includes(commit)) return true;
  }
  const main = basename(common) === ".git" ? dirname(common) : common.replace(/\.git$/, "");
  const name = basename(main);
  const way = relative(dirname(main), directory).split(sep);
  const parts = way.filter((part) => part !== "..");
  const rest = (part: string): string => (part.startsWith(name) ? part.slice(name.length) : "x");
  // "app-fix", "app.worktrees/fix" and "../trees/app/fix" are of "app".
  const isNamedAfter = parts.some((part) => !/^[A-Za-z0-9]/.test(rest(part)));
  // `git worktree add ../fix` makes a branch of that name; beside "app" it may be "app-fix" for the branch "fix".
  const named = isNamedAfter ? parts.flatMap((part) => [part, rest(part).slice(1)]) : way.slice(0, 1);
  const isCheckedOut = branch !== null && read("HEAD").trim() === `ref: refs/heads/${branch}`;
  const recorded = isNamedAfter && branch !== null && !isCheckedOut ? [branch] : [];
  return [...recorded, ...named].some(
    (one) =>
      /^[^./]/.test(one) &&
      (lookAt(join(common, "refs/heads", one))?.isFile() === true ||
        read("packed-refs").includes(` refs/heads/${one}\n`) ||
        read("logs/HEAD").includes(`merge ${one}:`)),
  );
}

/** "git@host:owner/name.git" and "https://user:key@host/owner/name" are the same remote. */
function nameRemote(url: string): string {
  const [, host = "", path = ""] =
    /^(?:\w+:\/\/)?(?:[^@/]*@)?([^:/]*)(?::\d+(?=\/))?[:/](.*)$/.exec(url) ?? [];
  return `${host}/${path.replace(/^\/+|\/+$/g, "").replace(/\.git$/, "")}`.toLowerCase();
}

/** A worktree may lie inside the repository's own tree. */
function deepest(roots: readonly string[], path: string): string | null {
  const around = roots.filter((root) => contains(root, path));
  return around.toSorted((one, other) => other.length - one.length)[0] ?? null;
}

function contains(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/** The nearest directory with a `.git` in it. */
function findTree(path: string): string | null {
  for (let at = path; ; at = dirname(at)) {
    if (lstatSync(join(at, ".git"), { throwIfNoEntry: false }) !== undefined) return at;
    if (dirname(at) === at) return null;
  }
}

/** Where all trees of a repository have what they share (gitrepository-layout(5): commondir). */
function findCommonDirectory(root: string): string {
  const own = findOwnDirectory(root);
  return resolve(own, readTextOrNull(join(own, "commondir"))?.trim() ?? ".");
}

/** Where a tree has what is its own: its `.git`, or where that file points. */
function findOwnDirectory(root: string): string {
  const pointed = readPointer(root);
  return pointed === null ? join(root, ".git") : resolve(root, pointed);
}

function readPointer(root: string): string | null {
  return /^gitdir: (.+)$/m.exec(readTextOrNull(join(root, ".git")) ?? "")?.[1] ?? null;
}

/** The main tree and all linked ones (gitrepository-layout(5): worktrees/NAME/gitdir). */
function listTrees(common: string): string[] {
  const linked = listNames(join(common, "worktrees")).flatMap((name) => {
    const link = readTextOrNull(join(common, "worktrees", name, "gitdir"))?.trim();
    return link === undefined ? [] : [dirname(resolve(common, "worktrees", name, link))];
  });
  const main = basename(common) === ".git" ? [dirname(common)] : [];
  return [...main, ...linked].map(realPath);
}

/** The repository around a directory, as far as both ends of a link between two of its trees say the same. */
export interface Trees {
  /** The tree that the directory lies in. */
  readonly own: string;
  /** The real paths of the repository's other trees. */
  readonly others: readonly string[];
}

/**
 * Null where there is no repository around the real path, "broken" where there is a link to one that does not lead there and back: a
 * tree that was moved, or one that only says that it belongs there.
 */
export function readTrees(path: string): Trees | "broken" | null {
  const own = findTree(path);
  if (own === null) return null;
  const git = realPath(findOwnDirectory(own));
  const common = realPath(findCommonDirectory(own));
  const isLink = readPointer(own) !== null;
  const isLinked = isLink && basename(dirname(git)) === "worktrees";
  // A submodule, and a tree with its directory elsewhere, are in no list; that of another tree is none of theirs.
  if (isLink && !isLinked)
    return lookAt(git) === null || basename(git) === ".git" ? "broken" : { own, others: [] };
  if (!isLinked && common !== git) return "broken";
  const main = basename(common) === ".git" ? [dirname(common)] : [];
  const linked = listNames(join(common, "worktrees")).flatMap((name) => {
    const entry = join(common, "worktrees", name);
    const link = readTextOrNull(join(entry, "gitdir"))?.trim();
    const tree = link === undefined ? null : realPath(dirname(resolve(entry, link)));
    return tree !== null && pointsTo(tree, entry) ? [tree] : [];
  });
  if (isLinked && !linked.includes(own)) return "broken";
  return { own, others: [...main, ...linked].filter((tree) => tree !== own) };
}

function pointsTo(tree: string, entry: string): boolean {
  const pointed = readPointer(tree);
  return pointed !== null && realPath(resolve(tree, pointed)) === realPath(entry);
}

/** A directory as seen from the project: "." for its root, a relative path below it, "../tree/sub" beside it. */
export function relativeToProject({ roots }: Project, directory: string): string {
  return relative(roots[0] ?? "", directory) || ".";
}
