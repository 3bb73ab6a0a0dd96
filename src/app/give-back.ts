// Gives memory back in the quiet after work. A collector that is asked for nothing collects nothing: without this a
// proxy would hold what a burst of requests took until the next one comes, perhaps tomorrow.

export interface GiveBack {
  /** Call when a request has ended. Costs nothing but one timer for all of them. */
  noteWork(): void;
}

export interface GiveBackOptions {
  /** Nothing is under way. */
  readonly isQuiet: () => boolean;
  /** Resident memory, bytes. Default: of this process. */
  readonly rss?: () => number;
  /** Default: the collector's. Takes some 10 ms. */
  readonly release?: () => void;
  /** How long after work, ms. Default 2000. */
  readonly quietMs?: number;
}

/** Less is not worth a collection. */
const WORTH_BYTES = 16 * 2 ** 20;

export function createGiveBack({
  isQuiet,
  quietMs = 2_000,
  release = collect,
  rss = () => process.memoryUsage.rss(),
}: GiveBackOptions): GiveBack {
  let held = rss();
  let timer: Timer | null = null;

  const look = (): void => {
    timer = null;
    if (!isQuiet()) return noteWork();
    if (rss() - held < WORTH_BYTES) return;
    release();
    held = rss();
  };
  const noteWork = (): void => {
    if (timer !== null) return;
    timer = setTimeout(look, quietMs);
    timer.unref();
  };
  return { noteWork };
}

function collect(): void {
  Bun.gc(true);
  Bun.shrink();
}
