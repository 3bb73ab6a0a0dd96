// Long text for a person: through a pager where there is a terminal, straight out where there is none.
import { isatty } from "node:tty";
import { readVariable } from "../../../base/env.ts";
import { startOf } from "../../../base/start.ts";
import type { Cli, Output } from "../../cli.ts";
import { makeHarmless } from "../../output.ts";

const DEFAULT_PAGER = "less";
/** Colours stay, a text that fits on the screen is left there. */
const LESS_FLAGS = "FRX";

/** Columns of the terminal; undefined where there is none, and lines may be as long as they are. */
export function stdoutWidth(out: Output): number | undefined {
  return isatty(1) ? out.width : undefined;
}

/** Shows the parts as they come. Without a pager where it cannot be started. */
export async function page(cli: Cli, parts: Iterable<string>, usesPager: boolean): Promise<void> {
  const pager = usesPager && isatty(1) ? startPager(cli) : null;
  if (pager === null) {
    for (const part of parts) cli.out.line(part);
    return;
  }
  try {
    for (const part of parts) {
      await pager.stdin.write(`${makeHarmless(part, true)}\n`);
      if (pager.exitCode !== null) break;
    }
    await pager.stdin.end();
  } catch {
    // The reader has seen enough.
  }
  await pager.exited;
}

function startPager({ env }: Cli): Bun.Subprocess<"pipe", "inherit", "inherit"> | null {
  const words = (readVariable(env, "PAGER") ?? DEFAULT_PAGER).trim().split(/\s+/);
  try {
    return Bun.spawn({
      ...startOf(words, env),
      stdin: "pipe",
      stdout: "inherit",
      stderr: "inherit",
      env: { ...env, LESS: readVariable(env, "LESS") ?? LESS_FLAGS },
    });
  } catch {
    return null;
  }
}
