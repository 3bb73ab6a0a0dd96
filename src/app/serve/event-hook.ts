// Runs the user's `hooks.on_event` command, one event after the other, each with the event as JSON on standard input.
// Never in a request's way: what does not end in time is ended, and of too many waiting ones the newest are dropped.
import type { Env } from "../../base/env.ts";
import { errorText } from "../../base/errors.ts";
import { type Text, t } from "../../base/text.ts";

export interface EventHookOptions {
  /** The command that config.json has now; null for none. */
  readonly command: () => string | null;
  readonly env: Env;
  /** Told of the first failure of a command, once. */
  readonly onTrouble: (words: Text) => void;
  /** Longest time for one event. Default 5,000. */
  readonly timeoutMs?: number;
}

const MAX_WAITING = 20;

export function createEventHook({ command, env, onTrouble, timeoutMs = 5_000 }: EventHookOptions) {
  let running = Promise.resolve();
  let waiting = 0;
  let isStopped = false;
  const stopping = new AbortController();
  let blamed: string | null = null;

  /** What went wrong, in words; null for nothing. The command's own words stay unread: they may hold anything. */
  const runShell = async (line: string, input: string): Promise<Text | null> => {
    const shell = process.platform === "win32" ? ["cmd", "/d", "/s", "/c", line] : ["sh", "-c", line];
    try {
      const child = Bun.spawn(shell, {
        env: { ...env },
        stdin: new TextEncoder().encode(input),
        stdout: "ignore",
        stderr: "ignore",
        timeout: timeoutMs,
        killSignal: "SIGKILL",
        signal: stopping.signal,
      });
      const code = await child.exited;
      if (child.signalCode !== null) return t`did not finish within ${timeoutMs / 1_000} s`;
      return code === 0 ? null : t`exited with code ${code}`;
    } catch (error) {
      return t`cannot be started: ${errorText(error)}`;
    }
  };

  const run = async (line: string, input: string): Promise<void> => {
    const problem = await runShell(line, input);
    if (problem === null || blamed === line) return;
    blamed = line;
    onTrouble(t`hooks.on_event ${problem}; this is reported once`);
  };

  return {
    /** Returns at once. */
    send(event: Readonly<Record<string, unknown>>): void {
      const line = command();
      if (line === null || isStopped || waiting >= MAX_WAITING) return;
      waiting += 1;
      running = running.then(async () => {
        if (!isStopped) await run(line, `${JSON.stringify(event)}\n`);
        waiting -= 1;
      });
    },
    /** Takes nothing more. The command that runs may go on for `graceMs`. */
    async stop(graceMs = timeoutMs): Promise<void> {
      isStopped = true;
      const timer = setTimeout(() => stopping.abort(), graceMs);
      await running;
      clearTimeout(timer);
    },
  };
}
