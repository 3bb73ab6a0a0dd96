// Keeps a long-running command alive through a bug of ours: it is reported and the work goes on, until bugs come so fast
// that going on would do more harm than ending in order.
import { EXIT, errorMessage } from "../base/errors.ts";
import { t } from "../base/language.ts";
import { maskText } from "../base/secrets.ts";

export interface BugWatch extends Disposable {
  /** Resolves with the exit code when there were too many in a minute. */
  readonly tooMany: Promise<number>;
}

const MOST_IN_A_MINUTE = 5;

export function watchBugs(report: (words: string) => void): BugWatch {
  const { promise, resolve } = Promise.withResolvers<number>();
  let times: number[] = [];
  const note = (error: unknown): void => {
    report(t`codex-helper made a mistake and goes on: ${maskText(errorMessage(error))}`);
    const now = performance.now();
    times = [...times.filter((time) => now - time < 60_000), now];
    if (times.length >= MOST_IN_A_MINUTE) resolve(EXIT.bug);
  };
  process.on("uncaughtException", note);
  process.on("unhandledRejection", note);
  return {
    tooMany: promise,
    [Symbol.dispose]() {
      process.off("uncaughtException", note);
      process.off("unhandledRejection", note);
    },
  };
}
