// Frees memory in the quiet after work. A garbage collector runs only when something is allocated: without this a proxy
// would hold what a burst of requests took until the next one comes, perhaps tomorrow.

export interface IdleCollectorOptions {
  /** Nothing is under way. */
  readonly isQuiet: () => boolean;
  /** Resident memory, bytes. Default: of this process. */
  readonly rss?: () => number;
  /** Default: a full collection. Takes some 10 ms. */
  readonly collect?: () => void;
  /** How long after work, ms. Default 2000. */
  readonly quietMs?: number;
  /** Shortest time between two, ms. Default 10000. */
  readonly everyMs?: number;
}

/** Less than this above the memory of a fresh process is not worth a collection. */
const WORTH_BYTES = 16 * 2 ** 20;

/** Reading it takes a file descriptor, and there may be none left. */
function readRss(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return 0;
  }
}

export function createIdleCollector({
  everyMs = 10_000,
  isQuiet,
  quietMs = 2_000,
  // Not Bun.shrink(): it throws the compiled code away too, and the next requests would run at a tenth of the speed.
  collect = () => Bun.gc(true),
  rss = readRss,
}: IdleCollectorOptions) {
  const fresh = rss();
  let collectedAt = Number.NEGATIVE_INFINITY;
  let timer: Timer | null = null;
  /** A request has ended since the timer was set: quiet has to last from there on. */
  let hasWorked = false;

  const wait = (): void => {
    hasWorked = false;
    timer = setTimeout(look, quietMs);
    timer.unref();
  };
  const look = (): void => {
    timer = null;
    if (hasWorked) return wait();
    if (rss() - fresh < WORTH_BYTES) return;
    const now = performance.now();
    if (!isQuiet() || now - collectedAt < everyMs) return wait();
    collectedAt = now;
    collect();
  };
  return {
    /** Call when a request has ended. Costs nothing but one timer for all of them. */
    noteWork(): void {
      hasWorked = true;
      if (timer === null) wait();
    },
  };
}
