// How a program is given to the system to be started, by its words. On Windows a bare name would be looked for in the current
// directory first, where a project may have put anything, and a script would be given to cmd as it is.
import type { Env } from "./env.ts";
import { writeCommandLine, writeScriptLine } from "./windows-lines.ts";
import { t } from "./text.ts";
import { UserError } from "./errors.ts";

/** For `Bun.spawn`. */
export interface Start {
  readonly cmd: string[];
  readonly windowsVerbatimArguments?: true;
}

/** Throws an error with the code ENOENT where there is no such program, and UserError for words that cannot be passed on. */
export function startOf(words: readonly string[], env?: Env): Start {
  if (process.platform !== "win32") return { cmd: [...words] };
  const [name = "", ...args] = words;
  const path = env === undefined ? {} : { PATH: findVariable(env, "PATH") };
  const program = Bun.which(name, path);
  if (program === null) throw Object.assign(new Error(`${name} was not found`), { code: "ENOENT" });
  if (!/\.(?:cmd|bat)$/i.test(program)) return { cmd: [program, ...args] };
  const line = writeScriptLine(program, args);
  if (line === null) throw new UserError(t`${program} is a script, which cannot be given a line break`);
  return { cmd: [findCmd(), ...line], windowsVerbatimArguments: true };
}

/** A command as a person wrote it, for the system's own shell. */
export function startOfCommand(command: string): Start {
  if (process.platform !== "win32") return { cmd: ["sh", "-c", command] };
  return { cmd: [findCmd(), ...writeCommandLine(command)], windowsVerbatimArguments: true };
}

function findCmd(): string {
  return Bun.which("cmd.exe") ?? "C:\\Windows\\System32\\cmd.exe";
}

/** There their case does not matter, except in a copy of the environment. */
function findVariable(env: Env, name: string): string {
  const key = Object.keys(env).find((one) => one.toUpperCase() === name);
  return (key === undefined ? undefined : env[key]) ?? "";
}
