// The body of an upstream's answer before it is committed: it can be read ahead (the bytes are held) and then be delivered
// whole, first byte to last, or be dropped.
import { createDecoder, DecodeError, type Decoder, freePiece, MAX_LOOK_BYTES } from "../base/decoder.ts";

export type ReadAhead =
  /** The next bytes, decoded in pieces when the answer is compressed. Empty when a chunk completes nothing yet. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "end" }
  /** The connection broke. */
  | { readonly kind: "error" }
  /** Nothing came in time; the read is still in flight and its bytes are not lost. */
  | { readonly kind: "late" }
  /** Compressed in a way that cannot be looked into. */
  | { readonly kind: "unreadable" }
  /** Decodes to more than is looked at. */
  | { readonly kind: "too-large" };

/** The next bytes, unless there are none, and whether nothing comes after them. */
export interface Piece {
  readonly done: boolean;
  readonly value?: Uint8Array | undefined;
}

/** Gives the bytes in order. */
export interface Source {
  /** Not to be asked after the last piece. Rejects when the connection breaks. */
  readonly pull: () => Promise<Piece>;
  /** So many bytes of what was pulled are kept. Throws where that is too much. */
  readonly keep?: (bytes: number) => void;
  /** Frees what it holds beside the connection, where it does. */
  readonly close?: () => void;
}

/** For what need not be fast. */
export async function* piecesOf({ pull }: Pick<Source, "pull">): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { done, value } = await pull();
    if (value !== undefined) yield value;
    if (done) return;
  }
}

const WHOLE_BYTES = 64 * 1024;

/** A short answer of known length is read in one go, but for events: they are passed on as they come, length or not. */
export function readAsSent(response: Response, stream: boolean): Source {
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  const isEvents = stream || response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  if (length <= WHOLE_BYTES && !isEvents) return readWhole(response);
  return response.body === null ? NOTHING : readStream(response.body);
}

/** Chunk by chunk, as they come. */
function readStream(stream: ReadableStream<Uint8Array>): Source {
  const reader = stream.getReader();
  return { pull: () => reader.read() };
}

/** All at once: for a short answer that is not a stream, a third of the cost. */
function readWhole(response: Response): Source {
  return {
    pull() {
      const bytes = response.bytes();
      // Nearly always it came with the head.
      const there = Bun.peek(bytes);
      return there instanceof Uint8Array ? Promise.resolve(makeLast(there)) : bytes.then(makeLast);
    },
  };
}

function makeLast(bytes: Uint8Array): Piece {
  return bytes.length === 0 ? LAST : { done: true, value: bytes };
}

const LAST: Piece = { done: true };
const NOTHING: Source = { pull: () => Promise.resolve(LAST) };

/** For a client that cannot read the encoding (a known one): decoded no further than the client takes it. */
export function readDecoded(source: Source, encoding: string): Source {
  const decoder = createDecoder(encoding, { burstBytes: CLIENT_BURST_BYTES });
  if (decoder === null) return source;
  let pieces: AsyncGenerator<Uint8Array> | null = null;
  let isLast = false;
  let isFinished = false;
  return {
    async pull() {
      try {
        for (;;) {
          const piece = await pieces?.next();
          if (piece?.done === false) return { done: false, value: piece.value };
          if (isFinished) break;
          if (isLast) {
            isFinished = true;
            pieces = decoder.finish();
            continue;
          }
          const { done, value } = await source.pull();
          isLast = done;
          if (value !== undefined) pieces = decoder.decode(value);
        }
      } catch (error) {
        decoder.close();
        throw error;
      }
      decoder.close();
      return LAST;
    },
    keep: (bytes) => decoder.keep(bytes),
    close: decoder.close,
  };
}

const CLIENT_BURST_BYTES = 2 ** 20;
const NO_BYTES = new Uint8Array();
const END: ReadAhead = { kind: "end" };

/** A class, because each attempt has one: as many closures would cost more than what they do. */
export class AnswerBody {
  private chunks: Uint8Array[] = [];
  private chunkBytes = 0;
  private decodedBytes = 0;
  private decoder: Decoder | null | undefined;
  /** What the last chunk decodes to. */
  private pieces: AsyncGenerator<Uint8Array> | null = null;
  // The read in flight. It is cleared only when its bytes were used: one that is late is awaited by the next read.
  private inFlight: Promise<Piece> | null = null;
  /** The last piece was read. */
  private isOver: boolean;
  /** Raw bytes held so far. */
  rawBytes = 0;

  /** `encoding` is the Content-Encoding of the bytes, or null. `hold` counts what is kept; negative for what is let go. */
  constructor(
    private readonly source: Source,
    private readonly encoding: string | null,
    private readonly hold: (bytes: number) => void,
  ) {
    this.isOver = source === NOTHING;
  }

  /** Bytes held so far, raw or as they were decoded, whichever are more. */
  get heldBytes(): number {
    return Math.max(this.rawBytes, this.decodedBytes);
  }

  get ended(): boolean {
    return this.isOver && this.inFlight === null;
  }

  async readAhead(withinMs: number): Promise<ReadAhead> {
    const piece = this.pieces === null ? null : await this.nextPiece();
    if (piece !== null) return piece;
    const { encoding, source } = this;
    if (this.ended) return END;
    if (encoding !== null && this.decoder === undefined)
      this.decoder = createDecoder(encoding, { maxBytes: MAX_LOOK_BYTES, burstBytes: MAX_LOOK_BYTES });
    if (this.decoder === null) return { kind: "unreadable" };
    const reading = (this.inFlight ??= source.pull());
    try {
      const read = isThere(reading) ? await reading : await within(reading, withinMs);
      if (read === null) return { kind: "late" };
      this.inFlight = null;
      this.isOver = read.done;
      const chunk = read.value;
      if (chunk === undefined) return END;
      this.chunks.push(chunk);
      this.rawBytes += chunk.length;
      this.chunkBytes += chunk.length;
      this.hold(chunk.length);
      source.keep?.(this.chunkBytes);
      if (this.decoder === undefined) return { kind: "bytes", bytes: chunk };
      this.pieces = this.decoder.decode(chunk);
      return (await this.nextPiece()) ?? { kind: "bytes", bytes: NO_BYTES };
    } catch {
      return { kind: "error" };
    }
  }

  /** Null where the chunk has been decoded. */
  private async nextPiece(): Promise<ReadAhead | null> {
    try {
      const piece = await this.pieces?.next();
      if (piece?.done === false) {
        this.decodedBytes += piece.value.length;
        return { kind: "bytes", bytes: piece.value };
      }
      this.pieces = null;
      return null;
    } catch (error) {
      return {
        kind: error instanceof DecodeError && error.problem === "too-large" ? "too-large" : "unreadable",
      };
    }
  }

  /** Frees bytes that were read ahead, where they are not what is held. */
  done(bytes: Uint8Array): void {
    if (this.decoder !== undefined) freePiece(bytes);
  }

  /** Whoever reads ahead keeps so many decoded bytes. False where there is no room for them. */
  mayKeep(bytes: number): boolean {
    try {
      this.decoder?.keep(bytes);
      return true;
    } catch {
      return false;
    }
  }

  /** Nothing is read ahead any more: frees what that took. */
  stopReadingAhead(): void {
    this.pieces = null;
    this.decoder?.close();
  }

  /** The chunks read ahead are not needed any more. */
  letGo(): void {
    this.chunks = [];
    this.hold(-this.chunkBytes);
    this.chunkBytes = 0;
    this.source.keep?.(0);
  }

  /** Nothing at all is read any more. */
  close(): void {
    this.letGo();
    this.source.close?.();
  }

  /** The raw chunks read ahead, in order. */
  held(): readonly Uint8Array[] {
    return this.chunks;
  }

  /** What comes after the held chunks, raw. Rejects when the connection breaks. */
  next(): Promise<Piece> {
    const next = this.inFlight ?? (this.isOver ? Promise.resolve(LAST) : this.source.pull());
    this.inFlight = null;
    return next;
  }

  /** All of what comes after them. */
  rest(): AsyncGenerator<Uint8Array> {
    return piecesOf({ pull: () => this.next() });
  }
}

const isThere = (promise: Promise<unknown>): boolean => Bun.peek.status(promise) === "fulfilled";

/** The value of the promise, or null when it is not there in time. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  const { promise: first, resolve, reject } = Promise.withResolvers<T | null>();
  const timer = setTimeout(() => resolve(null), Math.max(0, ms));
  promise.then(resolve, reject);
  try {
    return await first;
  } finally {
    clearTimeout(timer);
  }
}
