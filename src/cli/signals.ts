// Waits for the signals that end a program in front of a terminal.

const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1, SIGQUIT: 3 } as const;

/** Resolves with the exit code of the first signal that comes from now on: 128 + its number. */
export function waitForSignal(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const handlers = Object.entries(SIGNALS).map(
    ([name, number]) => [name, () => resolve(128 + number)] as const,
  );
  for (const [name, handler] of handlers) process.on(name, handler);
  return promise.finally(() => {
    for (const [name, handler] of handlers) process.off(name, handler);
  });
}
