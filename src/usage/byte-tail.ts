// Keeps the end of an event stream's bytes: references to the last chunks, and the beginning of the event that runs
// into them. Looks at a chunk only when it lets it go.
// Pure.

export interface ByteTail {
  push(chunk: Uint8Array): void;
  /**
   * The kept end, at least `minBytes` of it (all, if the stream is shorter). Where something was let go it begins
   * with up to 256 bytes of the event that was cut through, so that one can tell what the event was.
   */
  bytes(): Uint8Array;
  /** True once anything was let go. */
  readonly isCut: boolean;
}

const NOTHING = new Uint8Array();
const EVENT_START_BYTES = 256;
/** So many small chunks are joined into larger pieces: their objects would outweigh their bytes. */
const MAX_CHUNKS = 1024;
const PIECE_BYTES = 8 * 1024;

export function createByteTail(minBytes: number): ByteTail {
  let chunks: Uint8Array[] = [];
  let first = 0;
  let size = 0;
  let eventStart: Uint8Array = NOTHING;
  let hasGap = false;
  /** The bytes before the chunk that is let go, as many as a blank line may be cut through. */
  let before: Uint8Array = NOTHING;
  let isCut = false;

  function letGo(chunk: Uint8Array): void {
    const end = endOfLastBlankLine(before, chunk);
    if (end >= 0) eventStart = NOTHING;
    if (end < chunk.length) {
      const rest = chunk.subarray(Math.max(end, 0));
      const room = EVENT_START_BYTES - eventStart.length;
      hasGap = rest.length > room;
      if (room > 0) eventStart = Buffer.concat([eventStart, rest.subarray(0, room)]);
    }
    before = chunk.length >= 2 ? chunk : Buffer.concat([before.subarray(-2), chunk]);
    isCut = true;
    size -= chunk.length;
    first += 1;
  }

  return {
    push(chunk) {
      if (chunk.length === 0) return;
      chunks.push(chunk);
      size += chunk.length;
      for (
        let oldest = chunks[first];
        oldest !== undefined && size - oldest.length >= minBytes;
        oldest = chunks[first]
      ) {
        letGo(oldest);
      }
      if (chunks.length < MAX_CHUNKS) return;
      chunks = split(Buffer.concat(chunks.slice(first)), Math.max(PIECE_BYTES, (2 * size) / MAX_CHUNKS));
      first = 0;
    },
    bytes: () => Buffer.concat([hasGap ? trimLineEnd(eventStart) : eventStart, ...chunks.slice(first)]),
    get isCut() {
      return isCut;
    },
  };
}

const BLANK_LINES = ["\n\n", "\n\r\n", "\r\r"].map((text) => Buffer.from(text));

/** Where the last blank line that ends in `chunk` ends; it may begin in `before`. -1 when there is none. */
function endOfLastBlankLine(before: Uint8Array, chunk: Uint8Array): number {
  const length = chunk.length;
  if (chunk[length - 1] === LF && chunk[length - 2] === LF) return length;
  const within = lastBlankLine(chunk);
  if (within >= 0) return within;
  const seam = Buffer.concat([before.subarray(-2), chunk.subarray(0, 2)]);
  return lastBlankLine(seam) - Math.min(before.length, 2);
}

function lastBlankLine(bytes: Uint8Array): number {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Math.max(
    ...BLANK_LINES.map((blank) => {
      const at = buffer.lastIndexOf(blank);
      return at < 0 ? -1 : at + blank.length;
    }),
  );
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

const LF = 0x0a;
const CR = 0x0d;
