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

/** Gives the bytes in order. */
export interface Source {
  /** Null at the end. Rejects when the connection breaks. */
  pull(): Promise<Uint8Array | null>;
  /** All was pulled: `pull` would give null. False says nothing. */
  readonly isOver: boolean;
  /** So many bytes of what was pulled are kept. Throws where that is too much. */
  readonly keep?: (bytes: number) => void;
  /** Frees what it holds beside the connection, where it does. */
  readonly close?: () => void;
}

/** Chunk by chunk, as they come. */
export const readStream = (stream: ReadableStream<Uint8Array>): Source => readPieces(stream.getReader());

interface PieceReader {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
}

export function readPieces(reader: PieceReader): Source {
  let isOver = false;
  return {
    get isOver() {
      return isOver;
    },
    async pull() {
      const { done, value } = await reader.read();
      isOver = done;
      return done ? null : (value ?? null);
    },
  };
}

/** All at once: for a short answer that is not a stream, a third of the cost. */
export function readWhole(response: Response): Source {
  let isOver = false;
  return {
    get isOver() {
      return isOver;
    },
    async pull() {
      if (isOver) return null;
      const bytes = await response.bytes();
      isOver = true;
      return bytes.length === 0 ? null : bytes;
    },
  };
}

export const NOTHING: Source = { isOver: true, pull: () => Promise.resolve(null) };

/** For a client that cannot read the encoding (a known one): decoded no further than the client takes it. */
export function readDecoded(source: Source, encoding: string): Source {
  const decoder = createDecoder(encoding, { burstBytes: CLIENT_BURST_BYTES });
  if (decoder === null) return source;
  let pieces: AsyncGenerator<Uint8Array> | null = null;
  let isLast = false;
  let isOver = false;
  return {
    get isOver() {
      return isOver;
    },
    async pull() {
      try {
        while (!isOver) {
          const piece = await pieces?.next();
          if (piece?.done === false) return piece.value;
          if (isLast) break;
          const chunk = await source.pull();
          isLast = chunk === null;
          pieces = chunk === null ? decoder.finish() : decoder.decode(chunk);
        }
      } catch (error) {
        decoder.close();
        throw error;
      }
      isOver = true;
      decoder.close();
      return null;
    },
    keep: (bytes) => decoder.keep(bytes),
    close: decoder.close,
  };
}

const CLIENT_BURST_BYTES = 2 ** 20;
const NO_BYTES = new Uint8Array();

/** A class, because each attempt has one: as many closures would cost more than what they do. */
export class AnswerBody {
  private chunks: Uint8Array[] = [];
  private chunkBytes = 0;
  private decodedBytes = 0;
  private decoder: Decoder | null | undefined;
  /** What the last chunk decodes to. */
  private pieces: AsyncGenerator<Uint8Array> | null = null;
  // The read in flight. It is cleared only when its bytes were used: one that is late is awaited by the next read.
  private inFlight: Promise<Uint8Array | null> | null = null;
  /** Raw bytes held so far. */
  rawBytes = 0;

  /** `encoding` is the Content-Encoding of the bytes, or null. `hold` counts what is kept; negative for what is let go. */
  constructor(
    private readonly source: Source,
    private readonly encoding: string | null,
    private readonly hold: (bytes: number) => void,
  ) {}

  /** Bytes held so far, raw or as they were decoded, whichever are more. */
  get heldBytes(): number {
    return Math.max(this.rawBytes, this.decodedBytes);
  }

  get ended(): boolean {
    return this.source.isOver && this.inFlight === null;
  }

  async readAhead(withinMs: number): Promise<ReadAhead> {
    const piece = this.pieces === null ? null : await this.nextPiece();
    if (piece !== null) return piece;
    const { encoding, source } = this;
    if (source.isOver && this.inFlight === null) return { kind: "end" };
    if (encoding !== null && this.decoder === undefined)
      this.decoder = createDecoder(encoding, { maxBytes: MAX_LOOK_BYTES, burstBytes: MAX_LOOK_BYTES });
    if (this.decoder === null) return { kind: "unreadable" };
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | null | "late">();
    const timer = setTimeout(() => resolve("late"), Math.max(0, withinMs));
    this.inFlight ??= source.pull();
    this.inFlight.then(resolve, reject);
    try {
      const chunk = await promise;
      if (chunk === "late") return { kind: "late" };
      this.inFlight = null;
      if (chunk === null) return { kind: "end" };
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
    } finally {
      clearTimeout(timer);
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

  /** The next raw chunk after the held ones; null at the end. Rejects when the connection breaks. */
  next(): Promise<Uint8Array | null> {
    const next = this.inFlight ?? this.source.pull();
    this.inFlight = null;
    return next;
  }
}
