// The end of an answer's bytes: references to the last chunks, and the beginning of the event that runs into them. What is
// dropped is looked at in batches: a stream that is kept whole costs nothing.
// Pure.

const NOTHING = new Uint8Array();
/** Of the event that is cut through. */
const EVENT_START_BYTES = 8 * 1024;
/** Dropped at once. */
const BATCH_BYTES = 4 * 1024;
const SCRATCH_BYTES = 2 * BATCH_BYTES;
/** So many small chunks are joined into larger pieces: their objects would outweigh their bytes. */
const MAX_CHUNKS = 1024;
const PIECE_BYTES = 8 * 1024;
const LF = 0x0a;
const CR = 0x0d;

export interface ByteTailOptions {
  /** So much of the end is kept at least. */
  readonly minBytes: number;
  /** Not events: all of the beginning is one. */
  readonly isDocument?: boolean;
  /** Gets each chunk that is not kept any longer. */
  readonly onDrop?: ((chunk: Uint8Array) => void) | undefined;
  /** Gets the events that are kept no longer, whole ones; of an event beyond all limits its beginning and end. */
  readonly onLost?: ((events: Buffer) => void) | undefined;
}

export function createByteTail({ isDocument = false, minBytes, onDrop, onLost }: ByteTailOptions) {
  let chunks: Uint8Array[] = [];
  let first = 0;
  let size = 0;
  /** A copy. */
  let start: Uint8Array = NOTHING;
  let hasGap = false;
  /** For a batch and what is before it. */
  let scratch: Buffer | null = null;
  /** The bytes before the next batch, as many as a blank line may be cut through. */
  let before: Uint8Array = NOTHING;
  let isCut = false;
  const slack = Math.min(BATCH_BYTES, minBytes >> 3);

  function drop(): void {
    const batch: Uint8Array[] = [];
    for (let oldest = chunks[first]; oldest !== undefined && size - oldest.length >= minBytes;) {
      batch.push(oldest);
      size -= oldest.length;
      chunks[first] = NOTHING;
      first += 1;
      oldest = chunks[first];
    }
    isCut = true;
    lose(batch);
    if (onDrop !== undefined) for (const chunk of batch) onDrop(chunk);
  }

  function lose(batch: readonly Uint8Array[]): void {
    if (isDocument && hasGap) return;
    // Behind a gap the beginning need not be looked at again.
    const head = hasGap ? before : start;
    const joined = join(head, batch);
    const end = isDocument ? -1 : endOfLastBlankLine(joined, Math.max(0, head.length - 2));
    if (end >= 0 && onLost !== undefined) {
      const ended = joined.subarray(0, end);
      onLost(hasGap ? Buffer.concat([trimLineEnd(start), ended]) : ended);
    }
    if (end === joined.length) {
      start = NOTHING;
      hasGap = false;
      return;
    }
    if (end >= 0 || !hasGap) {
      const rest = joined.subarray(Math.max(0, end));
      hasGap = rest.length > EVENT_START_BYTES;
      start = Uint8Array.from(rest.subarray(0, EVENT_START_BYTES));
    }
    before = Uint8Array.from(joined.subarray(-2));
  }

  /** Valid until the next batch: nine times as fast as a new buffer for each. */
  function join(head: Uint8Array, batch: readonly Uint8Array[]): Buffer {
    scratch ??= Buffer.allocUnsafe(SCRATCH_BYTES);
    let length = head.length;
    for (const chunk of batch) length += chunk.length;
    const into = length <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafe(length);
    into.set(head);
    let at = head.length;
    for (const chunk of batch) {
      into.set(chunk, at);
      at += chunk.length;
    }
    return into.subarray(0, length);
  }

  return {
    push(chunk: Uint8Array): void {
      if (chunk.length === 0) return;
      chunks.push(chunk);
      size += chunk.length;
      const oldest = chunks[first];
      if (oldest !== undefined && size - oldest.length >= minBytes + slack) drop();
      if (chunks.length < MAX_CHUNKS) return;
      chunks = split(Buffer.concat(chunks.slice(first)), Math.max(PIECE_BYTES, (2 * size) / MAX_CHUNKS));
      first = 0;
    },
    /**
     * The kept end, at least `minBytes` of it (all, if the stream is shorter). Where something was dropped it begins
     * with the beginning of the event that was cut through, so that one can tell what the event was.
     */
    bytes: (): Uint8Array =>
      Buffer.concat([hasGap && !isDocument ? trimLineEnd(start) : start, ...chunks.slice(first)]),
    /** The last chunks, of so many bytes together at least; null where that would be all. */
    lastBytes(minBytes: number): Uint8Array | null {
      let from = chunks.length;
      let length = 0;
      while (from > first && length < minBytes) length += chunks[(from -= 1)]?.length ?? 0;
      if (from === first) return null;
      return from === chunks.length - 1 ? (chunks[from] ?? NOTHING) : Buffer.concat(chunks.slice(from));
    },
    /** The chunks as they came, oldest first, of a stream of which nothing was dropped. */
    get chunks(): readonly Uint8Array[] {
      return isCut ? [] : chunks;
    },
    get heldBytes() {
      return size + start.length;
    },
    /** The last chunks as they came, so many at the most. */
    newest: (count: number): readonly Uint8Array[] => chunks.slice(Math.max(first, chunks.length - count)),
    /** Nothing is kept any more. */
    letGo(): void {
      if (onDrop !== undefined) for (const chunk of chunks.slice(first)) onDrop(chunk);
      chunks = [];
      first = size = 0;
    },
    /** True once anything was dropped. */
    get isCut() {
      return isCut;
    },
  };
}

const BLANK_LINES = ["\n\n", "\n\r\n", "\r\r"].map((text) => Buffer.from(text));

/** Where the last blank line ends; -1 when none begins at `from` or later. */
function endOfLastBlankLine(bytes: Buffer, from: number): number {
  const sought = bytes.subarray(from);
  let last = -1;
  for (const blank of BLANK_LINES) {
    const at = sought.lastIndexOf(blank);
    if (at >= 0) last = Math.max(last, from + at + blank.length);
    if (last === bytes.length) break;
  }
  return last;
}

/** The gap behind the beginning must not look like a blank line. */
function trimLineEnd(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (bytes[end - 1] === LF || bytes[end - 1] === CR) end -= 1;
  return bytes.subarray(0, end);
}

function split(bytes: Uint8Array, pieceBytes: number): Uint8Array[] {
  const count = Math.ceil(bytes.length / pieceBytes);
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes),
  );
}
