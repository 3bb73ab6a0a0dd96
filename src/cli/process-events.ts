// What may end a long-running command: the signals of a terminal, which are taken over until it is disposed of, and bugs of
// ours, which are reported and survived until they come so fast that an orderly end does less harm.
import { EXIT, errorMessage } from "../base/errors.ts";
import { t } from "./language.ts";
import { maskText } from "../base/secrets.ts";

/** Windows has Ctrl+Break instead of SIGQUIT, and no number for it: it interrupts, as Ctrl+C does. SIGHUP is the closed window. */
export function listSignals(platform: NodeJS.Platform): Readonly<Record<string, number>> {
  const common = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 };
  return platform === "win32" ? { ...common, SIGBREAK: 2 } : { ...common, SIGQUIT: 3 };
}

export function listenForSignals() {
  const came: number[] = [];
  const waiting: ((code: number) => void)[] = [];
  const handlers = Object.entries(listSignals(process.platform)).map(([name, number]) => {
    const handler = (): void => {
      const wake = waiting.shift();
      if (wake === undefined) came.push(128 + number);
      else wake(128 + number);
    };
    process.on(name, handler);
    return [name, handler] as const;
  });
  return {
    /** The exit code of the next signal, 128 + its number. One that came before is not forgotten. */
    next(): Promise<number> {
      const code = came.shift();
      return code === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(code);
    },
    [Symbol.dispose]() {
      for (const [name, handler] of handlers) process.off(name, handler);
    },
  };
}

const MOST_IN_A_MINUTE = 5;

export function watchBugs(report: (words: string) => void) {
  const { promise, resolve } = Promise.withResolvers<number>();
  let times: number[] = [];
  const note = (error: unknown): void => {
    report(t`internal error, codex-helper continues: ${maskText(errorMessage(error))}`);
    const now = performance.now();
    times = [...times.filter((time) => now - time < 60_000), now];
    if (times.length >= MOST_IN_A_MINUTE) resolve(EXIT.bug);
  };
  process.on("uncaughtException", note);
  process.on("unhandledRejection", note);
  return {
    /** Resolves with the exit code when there were too many in a minute. */
    tooMany: promise,
    [Symbol.dispose]() {
      process.off("uncaughtException", note);
      process.off("unhandledRejection", note);
    },
  };
}
