// How another program starts this one, for a command that is written down: by the name on the search path that stays when a
// new version takes its place.
import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { type Env, readVariable } from "./env.ts";
import { realPath } from "./files.ts";
import { findUserHome } from "./paths.ts";
import { isBuilt } from "./version.ts";

/** The words to begin a command with; paths are absolute. */
export function findOwnProgram(env: Env): readonly string[] {
  const { execArgv, execPath } = process;
  if (!isBuilt()) return [execPath, ...execArgv, Bun.main];
  const own = realPath(execPath);
  const found = ["ch", "codex-helper"].flatMap((name) => findOnPath(name, env) ?? []);
  return [found.find((path) => isAbsolute(path) && realPath(path) === own) ?? execPath];
}

/** Is what these words start there? Assignments before it do not count, nor do flags. */
export function isProgramThere(words: readonly string[], env: Env): boolean {
  const programs = words.filter((word) => !/^[A-Za-z_]\w*=|^-/.test(word));
  return programs.every((word) => {
    const path = /^~[\\/]/.test(word) ? join(findUserHome(env), word.slice(2)) : word;
    return /[\\/]/.test(path) ? existsSync(path) : findOnPath(path, env) !== null;
  });
}

function findOnPath(name: string, env: Env): string | null {
  return Bun.which(name, { PATH: readVariable(env, "PATH") ?? "" });
}
