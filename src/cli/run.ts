// From the words typed to an exit code: finds the command, reads its arguments strictly, runs it, and turns whatever was
// thrown into one message. Imports nothing that `--version` and `--help` do not need.
import type { Env } from "../base/env.ts";
import { EXIT, UserError } from "../base/errors.ts";
import { resolvePaths } from "../base/paths.ts";
import { describeVersion } from "../base/version.ts";
import type { Cli, Command } from "./cli.ts";
import { nearNames } from "./near.ts";
import { ClosedPipe, createOutput, type Output } from "./output.ts";
import { COMMANDS, DEFAULT_COMMAND } from "./root.ts";

/** Runs one command line. `argv` is without the program's own name. Never throws. */
export async function runCli(argv: readonly string[], env: Env): Promise<number> {
  const isInteractive = process.stdin.isTTY && process.stderr.isTTY;
  const out = createOutput({
    env,
    isInteractive,
    isTerminal: { stdout: process.stdout.isTTY, stderr: process.stderr.isTTY },
    columns: process.stdout.columns,
  });
  try {
    if (argv[0] === "--version") {
      out.line(`codex-helper ${describeVersion()}`);
      return EXIT.ok;
    }
    const makeCli = (): Cli => ({
      env,
      paths: resolvePaths(env),
      out,
      isInteractive,
      readInput: () => Bun.stdin.text(),
      now: Date.now,
    });
    return await dispatch(argv, makeCli, out);
  } catch (error) {
    if (error instanceof ClosedPipe) return EXIT.ok;
    return await reportError(error, out, env);
  }
}

async function dispatch(argv: readonly string[], makeCli: () => Cli, out: Output): Promise<number> {
  const asksHelp = (words: readonly string[]): boolean => {
    const end = words.indexOf("--");
    return words.slice(0, end < 0 ? words.length : end).some((word) => word === "--help" || word === "-h");
  };
  const [first] = argv;
  if (first === "help" || (first?.startsWith("-") !== false && asksHelp(argv))) {
    const { renderRootHelp } = await import("./help.ts");
    out.line(
      renderRootHelp(
        Object.entries(COMMANDS).map(([name, entry]) => [name, entry.summary]),
        out.paint,
      ),
    );
    return EXIT.ok;
  }
  const isNamed = first !== undefined && !first.startsWith("-");
  const name = isNamed ? first : DEFAULT_COMMAND;
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined) throw unknownCommand("ch", name, Object.keys(COMMANDS));
  const { createCommand } = await entry.load();
  const found = findLeaf(createCommand(makeCli()), `ch ${name}`, argv.slice(isNamed ? 1 : 0));
  if (asksHelp(found.rest)) {
    const { renderHelp } = await import("./help.ts");
    out.line(renderHelp(found.command, { line: found.line, paint: out.paint }));
    return EXIT.ok;
  }
  if (found.command.subCommands !== undefined)
    throw unknownCommand(found.line, found.rest[0], Object.keys(found.command.subCommands));
  return await runLeaf(found);
}

interface Found {
  readonly command: Command;
  /** "ch config add". */
  readonly line: string;
  readonly rest: readonly string[];
}

function findLeaf(command: Command, line: string, rest: readonly string[]): Found {
  const [next] = rest;
  const { subCommands } = command;
  if (subCommands === undefined) return { command, line, rest };
  const isNamed = next !== undefined && !next.startsWith("-");
  const chosen = isNamed ? next : command.default;
  const sub =
    typeof chosen === "string" && Object.hasOwn(subCommands, chosen) ? subCommands[chosen] : undefined;
  if (sub === undefined || (!isNamed && (next === "--help" || next === "-h"))) return { command, line, rest };
  return findLeaf(sub, `${line} ${chosen}`, rest.slice(isNamed ? 1 : 0));
}

/** Only ever runs a leaf: citty would run a parent's `run` after its child's. */
async function runLeaf(found: Found): Promise<number> {
  const [{ runCommand }, { normaliseArgs }, { argsOf }] = await Promise.all([
    import("citty"),
    import("./strict-args.ts"),
    import("./help.ts"),
  ]);
  const rawArgs = normaliseArgs(found.rest, {
    command: found.line,
    args: argsOf(found.command),
    passesThrough: found.command.passesThrough === true,
  });
  const { result } = await runCommand(found.command, { rawArgs });
  return typeof result === "number" ? result : EXIT.ok;
}

function unknownCommand(line: string, name: string | undefined, names: readonly string[]): UserError {
  if (name === undefined || name.startsWith("-")) {
    return new UserError(`${line} needs a command: ${names.join(", ")}`, {
      hint: `${line} --help`,
      exitCode: EXIT.usage,
    });
  }
  const near = nearNames(name, names).map((one) => `${line} ${one}`);
  const meant = near.length > 0 ? `did you mean "${near.join('" or "')}"?  ` : "";
  return new UserError(`unknown command "${name}"`, { hint: `${meant}${line} --help`, exitCode: EXIT.usage });
}

/** The one error printer. */
async function reportError(error: unknown, out: Output, env: Env): Promise<number> {
  const [{ maskText }, { printable }] = await Promise.all([
    import("../base/secrets.ts"),
    import("../base/terminal-text.ts"),
  ]);
  const show = (text: string): void => out.note(printable(maskText(text)));
  if (error instanceof UserError) {
    show(`error: ${error.message}`);
    if (error.hint !== undefined)
      show(
        error.hint
          .split("\n")
          .map((line) => `  ${line}`)
          .join("\n"),
      );
    return error.exitCode;
  }
  if (error instanceof Error && error.name === "CLIError") {
    show(`error: ${error.message}`);
    show("  ch --help");
    return EXIT.usage;
  }
  show(`bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  show(`  codex-helper ${describeVersion()}; please report this with the lines above`);
  if (env["CODEX_HELPER_DEBUG"] !== undefined && error instanceof Error && error.cause !== undefined)
    show(`cause: ${String(error.cause)}`);
  return EXIT.bug;
}
