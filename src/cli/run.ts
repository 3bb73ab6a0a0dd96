// From the words typed to an exit code. What `--version` does not need is imported after it.
import type { Env } from "../base/env.ts";
import { EXIT, UserError } from "../base/errors.ts";
import { describeVersion } from "../base/version.ts";
import { ClosedPipe, openTerminal } from "./terminal.ts";

/** Runs one command line. `argv` is without the program's own name. Never throws. */
export async function runCli(argv: readonly string[], env: Env): Promise<number> {
  const terminal = openTerminal(env);
  try {
    if (argv[0] === "--version" || argv[0] === "-v") {
      if (argv[1] !== undefined) throw unexpectedAfterVersion(argv[1]);
      terminal.stdout.write(`codex-helper ${describeVersion()}\n`);
      return EXIT.ok;
    }
    const { dispatch } = await import("./dispatch.ts");
    return await dispatch(argv, env, terminal);
  } catch (error) {
    if (error instanceof ClosedPipe) return EXIT.ok;
    const [{ createWords }, { reportError }] = await Promise.all([
      import("./words.ts"),
      import("./report-error.ts"),
    ]);
    return reportError(error, createWords(terminal), env);
  }
}

function unexpectedAfterVersion(word: string): UserError {
  return new UserError(`unexpected argument "${word}"`, { hint: "ch --version", exitCode: EXIT.usage });
}
