// Which request bodies are read now: so many at once, in turns, as far as the memory budget has room. One that does not come
// on gives its turn to the others, and its place too where they need it.
import type { MemoryBudget } from "../base/memory-budget.ts";

export type Uploads = ReturnType<typeof createUploads>;
export type Upload = ReturnType<typeof makeUpload>;

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
  const uploads = { open: new Set<Upload>(), reading: 0, waiting: [] as (() => void)[], budget, monotonic };
  return {
    budget,
    /** Counts so many bytes as held. `onLoss` hears when the place is given to another. Null where there is no room. */
    begin(bytes: number, onLoss: () => void): Upload | null {
      if (!makeRoom(uploads, bytes)) return null;
      if (uploads.open.size >= MAX_OPEN) findIdlest(uploads.open)?.lose();
      const upload = makeUpload(uploads, bytes, onLoss);
      uploads.open.add(upload);
      return upload;
    },
  };
}

interface Shared {
  readonly open: Set<Upload>;
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

function makeUpload(shared: Shared, bytes: number, onLoss: () => void) {
  const { budget, monotonic, open, waiting } = shared;
  let heldBytes = bytes;
  let receivedBytes = 0;
  let turnSince: number | null = null;
  budget.add(bytes);
  const pause = (): void => {
    if (turnSince === null) return;
    turnSince = null;
    const next = waiting.shift();
    if (next === undefined) shared.reading -= 1;
    else next();
  };
  const end = (): void => {
    if (!open.delete(upload)) return;
    pause();
    budget.add(-heldBytes);
  };
  const upload = {
    /** By then more of it must have come, or its place may be given to another. */
    dueAt: monotonic() + GRACE_MS + bytes / PACE_BYTES_PER_MS,
    /** Resolves when it may be read; null where that is now. */
    waitForTurn(): Promise<void> | null {
      const begin = (): void => {
        turnSince = monotonic();
        upload.dueAt = turnSince + GRACE_MS + heldBytes / PACE_BYTES_PER_MS;
      };
      if (turnSince !== null && (waiting.length === 0 || monotonic() - turnSince < TURN_MS)) return null;
      pause();
      if (shared.reading < MAX_READING) {
        shared.reading += 1;
        begin();
        return null;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      upload.dueAt = Number.POSITIVE_INFINITY;
      waiting.push(() => {
        begin();
        resolve();
      });
      return promise;
    },
    /** Nothing comes: others may be read. */
    pause,
    /** False where there is no room for so much. */
    receive(length: number): boolean {
      receivedBytes += length;
      upload.dueAt = monotonic() + GRACE_MS;
      const more = receivedBytes - heldBytes;
      if (more <= 0) return true;
      if (!makeRoom(shared, more)) return false;
      heldBytes += more;
      budget.add(more);
      return true;
    },
    lose(): void {
      end();
      onLoss();
    },
    /** Frees its place, and what it was counted for. */
    end,
  };
  return upload;
}
