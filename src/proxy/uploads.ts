// Which request bodies are read now: so many at once, in turns, as far as the memory budget has room. One that does not come
// on gives its turn to the others, and its place too where they need it.
import type { MemoryBudget } from "../base/memory-budget.ts";
import { OpenList } from "../base/open-list.ts";

export type Uploads = ReturnType<typeof createUploads>;

/** So many are read at once. */
const MAX_READING = 64;
/** So many may have begun: one more takes the place of the one that has been idle for longest. */
const MAX_OPEN = 1_024;
/** So long one is read while others wait. A client on this machine sends a whole body in less. */
export const TURN_MS = 100;
/** One that comes on at less than this pace, after a pause of so long, may lose its place. */
const GRACE_MS = 1_000;
const PACE_BYTES_PER_MS = 16 * 1024;

/** The uploads of the process. `monotonic` is a clock in ms. */
export function createUploads(budget: MemoryBudget, monotonic: () => number) {
  const uploads = {
    open: new OpenList<Upload>(),
    reading: 0,
    waiting: [] as (() => void)[],
    budget,
    monotonic,
  };
  return {
    budget,
    /** Counts so many bytes as held. `onLoss` hears when the place is given to another. Null where there is no room. */
    begin(bytes: number, onLoss: () => void): Upload | null {
      if (!makeRoom(uploads, bytes)) return null;
      if (uploads.open.size >= MAX_OPEN) findIdlest(uploads.open)?.lose();
      return new Upload(uploads, bytes, onLoss);
    },
  };
}

interface Shared {
  readonly open: OpenList<Upload>;
  reading: number;
  /** For a turn. */
  readonly waiting: (() => void)[];
  readonly budget: MemoryBudget;
  readonly monotonic: () => number;
}

/** Those that have been idle for longest make room. False where all of them come on. */
function makeRoom({ budget, monotonic, open }: Shared, bytes: number): boolean {
  while (!budget.hasRoom(bytes)) {
    const idlest = findIdlest(open);
    if (idlest === null || idlest.dueAt > monotonic()) return false;
    idlest.lose();
  }
  return true;
}

function findIdlest(open: Iterable<Upload>): Upload | null {
  let idlest: Upload | null = null;
  for (const upload of open) if (idlest === null || upload.dueAt < idlest.dueAt) idlest = upload;
  return idlest;
}

/** One upload. A class, because each request has one: as many closures would cost more than what they do. */
export class Upload {
  /** By then more of it must have come, or its place may be given to another. */
  dueAt: number;
  private receivedBytes = 0;
  private turnSince: number | null = null;

  constructor(
    private readonly shared: Shared,
    private heldBytes: number,
    private readonly onLoss: () => void,
  ) {
    this.dueAt = shared.monotonic() + GRACE_MS + heldBytes / PACE_BYTES_PER_MS;
    shared.budget.add(heldBytes);
    shared.open.add(this);
  }

  /** Resolves when it may be read; null where that is now. */
  waitForTurn(): Promise<void> | null {
    const { monotonic, waiting } = this.shared;
    if (this.turnSince !== null && (waiting.length === 0 || monotonic() - this.turnSince < TURN_MS))
      return null;
    this.pause();
    if (this.shared.reading < MAX_READING) {
      this.shared.reading += 1;
      this.begin();
      return null;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.dueAt = Number.POSITIVE_INFINITY;
    waiting.push(() => {
      this.begin();
      resolve();
    });
    return promise;
  }

  /** Nothing comes: others may be read. */
  pause(): void {
    if (this.turnSince === null) return;
    this.turnSince = null;
    const next = this.shared.waiting.shift();
    if (next === undefined) this.shared.reading -= 1;
    else next();
  }

  /** False where there is no room for so much. */
  receive(length: number): boolean {
    this.receivedBytes += length;
    this.dueAt = this.shared.monotonic() + GRACE_MS;
    const more = this.receivedBytes - this.heldBytes;
    if (more <= 0) return true;
    if (!makeRoom(this.shared, more)) return false;
    this.heldBytes += more;
    this.shared.budget.add(more);
    return true;
  }

  lose(): void {
    this.end();
    this.onLoss();
  }

  /** Frees its place, and what it was counted for. */
  end(): void {
    if (!this.shared.open.delete(this)) return;
    this.pause();
    this.shared.budget.add(-this.heldBytes);
  }

  private begin(): void {
    this.turnSince = this.shared.monotonic();
    this.dueAt = this.turnSince + GRACE_MS + this.heldBytes / PACE_BYTES_PER_MS;
  }
}
