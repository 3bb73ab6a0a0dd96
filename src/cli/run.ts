// From the words typed to an exit code. What `--version` does not need is imported after it.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Env, readVariable } from "../base/env.ts";
import { EXIT, UserError } from "../base/errors.ts";
import { findShell, useShell } from "../base/shell.ts";
import { t, useProgramName } from "../base/text.ts";
import { describeVersion, isBuilt } from "../base/version.ts";
import { ClosedPipe, type Terminal, UnwrittenData, openTerminal } from "./terminal.ts";

const CHECKOUT = join(import.meta.dir, "../..");
/** What Bun takes from the current directory before a program's first line; each with the option that prevents it. */
const READ_BY_BUN: readonly (readonly [option: string, ...names: string[]])[] = [
  ["--config", "bunfig.toml"],
  ["--no-env-file", ".env", ".env.local", ".env.development", ".env.development.local"],
];

/** Runs one command line. `argv` is without the program's own name, which is `calledAs`. Never throws. */
export async function runCli(argv: readonly string[], env: Env, calledAs: string): Promise<number> {
  // ch.cmd on Windows starts the program by its long name.
  const name = readVariable(env, "CODEX_HELPER_CALLED_AS") ?? calledAs;
  useProgramName(/codex-helper(?:\.exe)?$/.test(name) ? "codex-helper" : "ch");
  useShell(findShell(env, process.platform));
  const terminal = openTerminal(env);
  try {
    refuseForeignDirectory();
    if (argv[0] === "--version" || argv[0] === "-v") {
      if (argv[1] !== undefined) throw unexpectedAfterVersion(argv[1]);
      terminal.stdout.write(`codex-helper ${describeVersion()}\n`);
      return EXIT.ok;
    }
    const line = await printLine(argv, env, terminal);
    if (line !== null) return line;
    const { dispatch } = await import("./dispatch.ts");
    return await dispatch(argv, env, terminal);
  } catch (error) {
    if (error instanceof ClosedPipe) return EXIT.ok;
    const [{ createWords }, { reportError }] = await Promise.all([
      import("./words.ts"),
      import("./report-error.ts"),
    ]);
    const told = error instanceof UnwrittenData ? await tellUnwritten(error) : error;
    return reportError(told, createWords(terminal, env), env);
  }
}

/** `ch statusline` and `ch status --short`, which run at every prompt: nothing else is loaded. Null for any other words. */
async function printLine(argv: readonly string[], env: Env, terminal: Terminal): Promise<number | null> {
  const [name, ...rest] = argv;
  const isShort = name === "status" && rest.includes("--short");
  if (name !== "statusline" && !isShort) return null;
  const { printStatusline, readLineArgs } = await import("./statusline/statusline.ts");
  const args = readLineArgs(rest.filter((word) => !isShort || word !== "--short"));
  return args === null ? null : await printStatusline(args, env, terminal);
}

/**
 * From source, started in a directory whose files Bun has run or loaded already. That cannot be undone, but must not become
 * a habit. The built program takes nothing from there.
 */
function refuseForeignDirectory(): void {
  if (isBuilt()) return;
  const taken = READ_BY_BUN.filter(([option]) => !process.execArgv.some((arg) => arg.startsWith(option)));
  const name = taken.flatMap(([, ...names]) => names).find((one) => existsSync(one));
  // A directory that was removed has no name, and nothing in it.
  if (name === undefined || process.cwd() === CHECKOUT) return;
  throw new UserError(
    t`${join(process.cwd(), name)} was read by Bun before codex-helper could start from source`,
    {
      hint: t`build the program, which reads nothing there: bun run --cwd ${CHECKOUT} build`,
    },
  );
}

function unexpectedAfterVersion(word: string): UserError {
  return new UserError(`unexpected argument "${word}"`, { hint: "ch --version", exitCode: EXIT.usage });
}

async function tellUnwritten({ cause }: UnwrittenData): Promise<UserError> {
  const [{ describe }, { t }] = await Promise.all([import("../base/files.ts"), import("../base/text.ts")]);
  return new UserError(t`cannot write: ${describe(cause)}`, { cause });
}
