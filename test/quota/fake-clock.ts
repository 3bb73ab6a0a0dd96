// A clock that a test turns, and the work that would be done again and again.

export interface FakeClock {
  readonly now: () => number;
  readonly every: (work: () => void, ms: number) => () => void;
  /** Turns the clock on and does what has become due, once. */
  advance(ms: number): void;
  readonly isIdle: boolean;
}

export function makeFakeClock(start = Date.UTC(2026, 10, 23, 12)): FakeClock {
  let at = start;
  const works = new Set<() => void>();
  return {
    now: () => at,
    every(work) {
      works.add(work);
      return () => works.delete(work);
    },
    advance(ms) {
      at += ms;
      for (const work of works) work();
    },
    get isIdle() {
      return works.size === 0;
    },
  };
}
