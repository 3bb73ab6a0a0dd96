// How another program starts this one, for a command that is written down: by a name that stays when a new version takes its
// place. Package managers keep each version in a directory of its own, to which a name that stays leads.
import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import { type Env, readVariable } from "./env.ts";
import { realPath } from "./files.ts";
import { expandHome, findUserHome } from "./paths.ts";
import { startOf } from "./start.ts";
import { PRODUCT, VERSION, describeVersion, isBuilt } from "./version.ts";

interface OwnProgram {
  /** The words to begin a command with; paths are absolute. */
  readonly words: readonly string[];
  /** The next version, or whoever empties a cache, takes it away. */
  readonly isPassing: boolean;
}

/** Where a package manager keeps the versions, the name beside them that leads to the newest one. */
const STAYING: readonly { readonly pattern: RegExp; readonly stays: string }[] = [
  // https://docs.brew.sh/Formula-Cookbook, "opt_prefix"
  { pattern: /\/Cellar\/([^/]+)\/[^/]+\//, stays: "/opt/$1/" },
  // https://github.com/ScoopInstaller/Scoop/wiki/The-'Current'-Version-Alias
  { pattern: /([\\/]apps[\\/][^\\/]+[\\/])[^\\/]+([\\/])/i, stays: "$1current$2" },
];

/** A directory of this version alone: Homebrew's, Scoop's, pnpm's, mise's, or one that a person has named so. */
const OF_THIS_VERSION = new RegExp(`(?<![\\d.])${RegExp.escape(VERSION)}(?![\\d])`);
/** Nix's store, and what npx, bunx and pnpm dlx keep for a while. */
const PASSING = /^\/nix\/store\/|[\\/](?:_npx|bunx-[^\\/]+|dlx(?:-[^\\/]+)?)[\\/]/;

/** What a shim takes to start another program and have it print a line. */
const SHIM_MS = 3_000;

export function findOwnProgram(env: Env): OwnProgram {
  const { execArgv, execPath } = process;
  if (!isBuilt()) return { words: [execPath, ...execArgv, Bun.main], isPassing: false };
  const names = ["ch", PRODUCT].flatMap((name) => findOnPath(name, env) ?? []).filter(isAbsolute);
  const { isPassing, path } = chooseName(execPath, names, (name) => saysItIsThis(name, env));
  return { words: [path], isPassing };
}

/**
 * Of `own`, the running program, and the `names` on the search path: one that leads to it, or else itself where it stays there.
 * `isThis` starts a name that may be a shim, which leads nowhere that can be read.
 */
export function chooseName(
  own: string,
  names: readonly string[],
  isThis: (name: string) => boolean,
): { readonly path: string; readonly isPassing: boolean } {
  const real = realPath(own);
  const twins = STAYING.filter(({ pattern }) => pattern.test(own)).map(({ pattern, stays }) =>
    own.replace(pattern, stays),
  );
  const path =
    [...names, ...twins].find((name) => !isPassing(name) && realPath(name) === real) ??
    (isPassing(own) ? names.find((name) => !isPassing(name) && isThis(name)) : own);
  return { path: path ?? own, isPassing: path === undefined };
}

const isPassing = (path: string): boolean => OF_THIS_VERSION.test(path) || PASSING.test(path);

/** Starts what may be another program of this name, with the one flag that is harmless everywhere. */
function saysItIsThis(name: string, env: Env): boolean {
  try {
    const options = { env: { ...env }, timeout: SHIM_MS, stderr: "ignore", stdin: "ignore" } as const;
    const { stdout } = Bun.spawnSync({ ...startOf([name, "--version"]), ...options });
    return stdout.toString().trim() === `${PRODUCT} ${describeVersion()}`;
  } catch {
    return false;
  }
}

/** Is what these words start there? Assignments before it do not count, nor do flags. */
export function isProgramThere(words: readonly string[], env: Env): boolean {
  const programs = words.filter((word) => !/^[A-Za-z_]\w*=|^-/.test(word));
  return programs.every((word) => {
    const path = expandHome(word, findUserHome(env));
    return /[\\/]/.test(word) ? existsSync(path) : findOnPath(path, env) !== null;
  });
}

function findOnPath(name: string, env: Env): string | null {
  return Bun.which(name, { PATH: readVariable(env, "PATH") ?? "" });
}
