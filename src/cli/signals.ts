// Takes over the signals that end a program in front of a terminal, until it is disposed of.

const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1, SIGQUIT: 3 } as const;

export interface Signals extends Disposable {
  /** The exit code of the next signal, 128 + its number. One that came before is not forgotten. */
  readonly next: () => Promise<number>;
}

export function listenForSignals(): Signals {
  const came: number[] = [];
  const waiting: ((code: number) => void)[] = [];
  const handlers = Object.entries(SIGNALS).map(([name, number]) => {
    const handler = (): void => {
      const wake = waiting.shift();
      if (wake === undefined) came.push(128 + number);
      else wake(128 + number);
    };
    process.on(name, handler);
    return [name, handler] as const;
  });
  return {
    next() {
      const code = came.shift();
      return code === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(code);
    },
    [Symbol.dispose]() {
      for (const [name, handler] of handlers) process.off(name, handler);
    },
  };
}
