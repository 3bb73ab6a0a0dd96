// Runs a command line within this process: a hundred of them take no longer than one that is spawned.
import type { Env } from "../../src/base/env.ts";
import { useDictionary } from "../../src/cli/language.ts";
import { dispatch } from "../../src/cli/dispatch.ts";
import { reportError } from "../../src/cli/report-error.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { createWords } from "../../src/cli/words.ts";
import type { CliResult } from "./cli.ts";

/** Only for commands that end by themselves and read no standard input. */
export async function runInProcess(argv: readonly string[], env: Env): Promise<CliResult> {
  let stdout = "";
  let stderr = "";
  const terminal: Terminal = {
    isInteractive: false,
    stdout: { columns: undefined, width: 80, hasColours: false, write: (text) => void (stdout += text) },
    stderr: { columns: undefined, width: 80, hasColours: false, write: (text) => void (stderr += text) },
    writeBehind: () => () => Promise.resolve(),
  };
  try {
    const code = await dispatch(argv, env, terminal);
    return { code, stdout, stderr };
  } catch (error) {
    const code = reportError(error, createWords(terminal), env);
    return { code, stdout, stderr };
  } finally {
    useDictionary(null);
  }
}
