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
/** For one event, whatever is told of it. */
export const TELL_TIMEOUT_MS = 5_000;
/** Of each of its two streams. */
const MOST_OUTPUT_BYTES = 16 * 1024;

export interface HookRun {
  /** What went wrong; null for nothing. */
  readonly problem: Text | null;
  /** Null where it was not started, or was ended. */
  readonly exitCode: number | null;
  /** What it printed, where that is read: it may hold anything. */
  readonly printed: string;
}

interface RunOptions {
  readonly env: Env;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Default: its own words stay unread. */
  readonly isRead?: boolean;
}

/** Runs one command with a line on standard input. Never throws. */
export function runHook(command: string, input: string, options: RunOptions): Promise<HookRun> {
  const shell = process.platform === "win32" ? ["cmd", "/d", "/s", "/c", command] : ["sh", "-c", command];
  return runProgram(shell, input, options);
}

/** The same of a program and its arguments, without a shell. */
export async function runProgram(
  words: readonly string[],
  input: string,
  { env, isRead = false, signal, timeoutMs = TELL_TIMEOUT_MS }: RunOptions,
): Promise<HookRun> {
  try {
    const child = Bun.spawn([...words], {
      env: { ...env },
      stdin: new TextEncoder().encode(input),
      stdout: isRead ? "pipe" : "ignore",
      stderr: isRead ? "pipe" : "ignore",
      timeout: timeoutMs,
      killSignal: "SIGKILL",
      ...(signal === undefined ? {} : { signal }),
    });
    const streams = [child.stdout, child.stderr].flatMap((stream) => readSome(stream));
    const exitCode = await child.exited;
    // What it has started in the background may hold them open.
    await Promise.race([Promise.all(streams.map(({ whole }) => whole)), Bun.sleep(LINGER_MS)]);
    const printed = streams.map(({ end }) => end());
    const ended = { exitCode: child.signalCode === null ? exitCode : null, printed: printed.join("") };
    if (child.signalCode !== null)
      return { ...ended, problem: t`did not finish within ${timeoutMs / 1_000} s` };
    return { ...ended, problem: exitCode === 0 ? null : t`exited with code ${exitCode}` };
  } catch (error) {
    return { problem: t`cannot be started: ${errorText(error)}`, exitCode: null, printed: "" };
  }
}

const LINGER_MS = 200;

function readSome(stream: ReadableStream<Uint8Array> | undefined) {
  if (stream === undefined) return [];
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const read = async (): Promise<void> => {
    for (let part = await reader.read(); !part.done; part = await reader.read())
      if (text.length < MOST_OUTPUT_BYTES) text += decoder.decode(part.value, { stream: true });
  };
  const end = (): string => {
    reader.cancel().catch(() => {});
    return text.slice(0, MOST_OUTPUT_BYTES);
  };
  return [{ whole: read().catch(() => {}), end }];
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
