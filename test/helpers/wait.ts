// The only place in the tests that lets time pass: waits for a condition or a promise, with a deadline and words for it.

export interface WaitOptions {
  /** Longest wait. Default 5,000. */
  readonly deadlineMs?: number;
  /** Names what did not come. */
  readonly what?: string;
}

const POLL_MS = 2;

/** Polls until the condition gives something truthy, and returns that. Rejects at the deadline. */
export async function waitUntil<T>(
  condition: () => T | Promise<T>,
  { deadlineMs = 5_000, what = String(condition) }: WaitOptions = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value) return value as NonNullable<T>;
    if (performance.now() > deadline) throw new Error(`not in ${deadlineMs} ms: ${what}`);
    await Bun.sleep(POLL_MS);
  }
}

/** The promise's value, or an error at the deadline. */
export async function within<T>(
  promise: Promise<T>,
  { deadlineMs = 5_000, what = "the promise" }: WaitOptions = {},
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`not in ${deadlineMs} ms: ${what}`)), deadlineMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** A figure once it has stood still for `stillMs`. */
export async function settled(figure: () => number, stillMs = 100): Promise<number> {
  let last = figure();
  let since = performance.now();
  await waitUntil(
    () => {
      const now = figure();
      if (now !== last) [last, since] = [now, performance.now()];
      return performance.now() - since >= stillMs;
    },
    { what: "a figure that stands still" },
  );
  return last;
}

/** For a script that has to be slow: an upstream that takes its time. Never for waiting on something else. */
export function elapse(ms: number): Promise<void> {
  return Bun.sleep(ms);
}
