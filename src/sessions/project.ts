// What a project is: the repository around a directory with all its worktrees, or else the directory itself. Only reads.
import { lstatSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { listNames, readTextOrNull, realPath } from "../base/files.ts";

export type Project = Readonly<ReturnType<typeof readProject>>;

/** The directory need not exist any more. */
export function readProject(directory: string) {
  const path = realPath(directory);
  const own = findTree(path);
  const roots: readonly string[] = own === null ? [path] : [...new Set([own, ...listTrees(own)])];
  const known = new Map<string, string | null>();
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
  };
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

/** The main tree and all linked ones (gitrepository-layout(5): commondir, worktrees/NAME/gitdir). */
function listTrees(root: string): string[] {
  const git = join(root, ".git");
  const pointed = /^gitdir: (.+)$/m.exec(readTextOrNull(git) ?? "")?.[1];
  const own = pointed === undefined ? git : resolve(root, pointed);
  const common = resolve(own, readTextOrNull(join(own, "commondir"))?.trim() ?? ".");
  const linked = listNames(join(common, "worktrees")).flatMap((name) => {
    const link = readTextOrNull(join(common, "worktrees", name, "gitdir"))?.trim();
    return link === undefined ? [] : [dirname(resolve(common, "worktrees", name, link))];
  });
  const main = basename(common) === ".git" ? [dirname(common)] : [];
  return [...main, ...linked].map(realPath);
}

/** A directory as seen from the project: "." for its root, a relative path below it, "../tree/sub" beside it. */
export function relativeToProject({ roots }: Project, directory: string): string {
  return relative(roots[0] ?? "", directory) || ".";
}
