// The body of an upstream's answer before it is committed: it can be read ahead (the bytes are held) and then be delivered
// whole, first byte to last, or be dropped.
import { createDecodedCopy, type DecodedCopy } from "../base/decoder.ts";

export type ReadAhead =
  /** The next bytes, decoded when the answer is compressed. Empty when a compressed chunk unfolds to nothing yet. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "end" }
  /** The connection broke. */
  | { readonly kind: "error" }
  /** Nothing came in time; the read is still in flight and its bytes are not lost. */
  | { readonly kind: "late" }
  /** Compressed in a way that cannot be looked into. */
  | { readonly kind: "unreadable" };

export type AnswerBody = ReturnType<typeof createAnswerBody>;

/** Gives the bytes in order. */
export interface Source {
  /** Null at the end. Rejects when the connection breaks. */
  pull(): Promise<Uint8Array | null>;
  /** All was pulled: `pull` would give null. False says nothing. */
  readonly isOver: boolean;
}

/** Chunk by chunk, as they come. */
export function readStream(stream: ReadableStream<Uint8Array>): Source {
  const reader = stream.getReader();
  let isOver = false;
  return {
    get isOver() {
      return isOver;
    },
    async pull() {
      const { done, value } = await reader.read();
      isOver = done;
      return done ? null : value;
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

/** `encoding` is the Content-Encoding of the bytes, or null. */
export function createAnswerBody(source: Source, encoding: string | null) {
  const chunks: Uint8Array[] = [];
  let heldBytes = 0;
  let copy: DecodedCopy | null | undefined;
  // The read in flight. It is cleared only when its bytes were used: one that is late is awaited by the next read.
  let inFlight: Promise<Uint8Array | null> | null = null;

  return {
    /** Raw bytes held so far. */
    get heldBytes() {
      return heldBytes;
    },
    get ended() {
      return source.isOver && inFlight === null;
    },
    async readAhead(withinMs: number): Promise<ReadAhead> {
      if (source.isOver && inFlight === null) return { kind: "end" };
      if (encoding !== null && copy === undefined) copy = createDecodedCopy(encoding);
      if (copy === null) return { kind: "unreadable" };
      const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | null | "late">();
      const timer = setTimeout(() => resolve("late"), Math.max(0, withinMs));
      inFlight ??= source.pull();
      inFlight.then(resolve, reject);
      try {
        const chunk = await promise;
        if (chunk === "late") return { kind: "late" };
        inFlight = null;
        if (chunk === null) return { kind: "end" };
        chunks.push(chunk);
        heldBytes += chunk.length;
        if (copy === undefined) return { kind: "bytes", bytes: chunk };
        const bytes = await copy.push(chunk).catch(() => null);
        return bytes === null ? { kind: "unreadable" } : { kind: "bytes", bytes };
      } catch {
        return { kind: "error" };
      } finally {
        clearTimeout(timer);
      }
    },
    /** The raw chunks read ahead, in order. */
    held: (): readonly Uint8Array[] => chunks,
    /** The next raw chunk after the held ones; null at the end. Rejects when the connection breaks. */
    next(): Promise<Uint8Array | null> {
      const next = inFlight ?? source.pull();
      inFlight = null;
      return next;
    },
  };
}
