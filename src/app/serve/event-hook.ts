// Runs the user's `hooks.on_event` command, one event after the other, each with the event as JSON on standard input.
// Never in a request's way: what does not end in time is ended, and of too many waiting ones the newest are dropped.
import type { Env } from "../../base/env.ts";
import { type ProgramRun, type RunOptions, runProgram } from "../../base/run-program.ts";
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
/** For one event, whatever is told of it. */
export const TELL_TIMEOUT_MS = 5_000;
interface HookOptions extends Omit<RunOptions, "timeoutMs"> {
  readonly timeoutMs?: number;
}

/** Runs one command with a line on standard input. Never throws. */
export function runHook(
  command: string,
  input: string,
  { timeoutMs = TELL_TIMEOUT_MS, ...options }: HookOptions,
): Promise<ProgramRun> {
  return runProgram(command, input, { ...options, timeoutMs });
}

export function createEventHook({ command, env, onTrouble, timeoutMs = TELL_TIMEOUT_MS }: EventHookOptions) {
  const line = createTellLine(timeoutMs);
  let blamed: string | null = null;

  const run = async (words: string, input: string, signal: AbortSignal): Promise<void> => {
    const { problem } = await runHook(words, input, { env, timeoutMs, signal });
    if (problem === null || blamed === words) return;
    blamed = words;
    onTrouble(t`hooks.on_event ${problem}; this is reported once`);
  };

  return {
    /** Returns at once. */
    send(event: Readonly<Record<string, unknown>>): void {
      const words = command();
      if (words !== null) line.add((signal) => run(words, `${JSON.stringify(event)}\n`, signal));
    },
    stop: (graceMs?: number) => line.stop(graceMs),
  };
}

/** Work that is done one after the other, behind everything else. What it does never throws. */
export function createTellLine(timeoutMs: number) {
  let running = Promise.resolve();
  let waiting = 0;
  let isStopped = false;
  const stopping = new AbortController();
  return {
    /** Returns at once. Of too many the newest are dropped. */
    add(work: (signal: AbortSignal) => Promise<void>): void {
      if (isStopped || waiting >= MAX_WAITING) return;
      waiting += 1;
      running = running.then(async () => {
        if (!isStopped) await work(stopping.signal);
        waiting -= 1;
      });
    },
    /** Takes nothing more. What runs may go on for `graceMs`. */
    async stop(graceMs = timeoutMs): Promise<void> {
      isStopped = true;
      const timer = setTimeout(() => stopping.abort(), graceMs);
      await running;
      clearTimeout(timer);
    },
  };
}
