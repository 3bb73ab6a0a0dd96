// A clock that jumps from timer to timer, so that a day of waits takes seconds and is the same each time. It takes the place of the
// timers and clocks of this process: nothing else may run in it.

export interface VirtualTime {
  /** Wall clock, ms. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Runs until no timer is left. */
  readonly run: () => Promise<void>;
}

interface Timer {
  at: number;
  readonly order: number;
  readonly ms: number;
  fire: (() => void) | null;
}

/** Turns of the real event loop in which all that a timer has set off comes to rest: nothing here waits for a socket or a file. */
const SETTLE_TURNS = 12;

export function takeOverTime(startMs: number): VirtualTime {
  const { setImmediate: soon } = globalThis;
  let now = startMs;
  let order = 0;
  const heap: Timer[] = [];

  const isBefore = (one: Timer, other: Timer): boolean =>
    one.at < other.at || (one.at === other.at && one.order < other.order);
  const push = (timer: Timer): void => {
    heap.push(timer);
    for (let at = heap.length - 1; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!swapIf(at, parent)) break;
      at = parent;
    }
  };
  const swapIf = (at: number, parent: number): boolean => {
    const [low, high] = [heap[at], heap[parent]];
    if (low === undefined || high === undefined || !isBefore(low, high)) return false;
    [heap[at], heap[parent]] = [high, low];
    return true;
  };
  const pop = (): Timer | undefined => {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    heap[0] = last;
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const [one, other] = [heap[left], heap[right]];
      const child = one !== undefined && other !== undefined && isBefore(other, one) ? right : left;
      if (!swapIf(child, at)) return first;
      at = child;
    }
  };

  const start = (callback: () => void, ms = 0): Timer => {
    const timer: Timer = { at: now + Math.max(0, ms), order: (order += 1), ms, fire: callback };
    push(timer);
    const handle = Object.assign(timer, {
      unref: () => handle,
      ref: () => handle,
      hasRef: () => true,
      refresh: () => {
        const { fire } = timer;
        timer.fire = null;
        Object.assign(handle, start(fire ?? callback, ms));
        return handle;
      },
    });
    return handle;
  };
  const stop = (timer: Timer | undefined): void => {
    if (timer !== undefined) timer.fire = null;
  };
  Object.assign(globalThis, { setTimeout: start, clearTimeout: stop });
  Object.assign(performance, { now: () => now - startMs });

  return {
    now: () => now,
    sleep: (ms) => new Promise((resolve) => start(resolve, ms)),
    async run() {
      for (;;) {
        for (let turn = 0; turn < SETTLE_TURNS; turn += 1)
          await new Promise<void>((resolve) => soon(() => resolve()));
        const next = pop();
        if (next === undefined) return;
        if (next.fire === null) continue;
        now = next.at;
        const { fire } = next;
        next.fire = null;
        fire();
      }
    },
  };
}
