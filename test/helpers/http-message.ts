// Reads HTTP/1.1 messages from raw bytes for both ends of the tests' wires. Lenient: it has to show what was really sent.

export type HeaderField = readonly [name: string, value: string];

export interface MessageHead {
  /** "POST /v1/responses HTTP/1.1" or "HTTP/1.1 200 OK". */
  readonly startLine: string;
  /** In the order and with the case of the wire. */
  readonly fields: readonly HeaderField[];
}

/** All values of a field, joined as RFC 9110 5.3 allows; null when it is absent. */
export function fieldValue(head: MessageHead, name: string): string | null {
  const values = head.fields.flatMap(([key, value]) => (key.toLowerCase() === name ? [value] : []));
  return values.length === 0 ? null : values.join(", ");
}

/** How the end of a body is found. */
export type Framing =
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "close" };

export interface BodyState {
  readonly chunks: readonly Uint8Array[];
  readonly bytes: number;
  readonly isComplete: boolean;
}

/** Grows by the bytes of one connection and takes messages off its front. */
export interface MessageReader {
  push(bytes: Uint8Array): void;
  /** The next head, or null until it is complete. */
  head(): MessageHead | null;
  /** Moves what has come of the body into the state. */
  body(framing: Framing): BodyState;
  /** After a complete body: the next message begins. */
  next(): void;
  /** Bytes that no message has claimed. */
  readonly pending: Uint8Array;
}

export function createMessageReader(): MessageReader {
  let pending: Buffer = Buffer.alloc(0);
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  let isComplete = false;
  // Of a chunked body: bytes left of the current chunk, or null between two chunks.
  let chunkLeft: number | null = null;
  let inTrailer = false;

  const take = (count: number): Buffer => {
    const part = pending.subarray(0, count);
    pending = pending.subarray(count);
    return part;
  };
  const keep = (part: Buffer): void => {
    if (part.length === 0) return;
    chunks.push(part);
    bytes += part.length;
  };
  const takeLine = (): string | null => {
    const end = pending.indexOf("\r\n");
    if (end < 0) return null;
    const line = take(end).toString("latin1");
    take(2);
    return line;
  };
  const readChunked = (): void => {
    while (!isComplete) {
      if (chunkLeft !== null) {
        const part = take(Math.min(chunkLeft, pending.length));
        keep(part);
        chunkLeft -= part.length;
        if (chunkLeft > 0 || pending.length < 2) return;
        take(2);
        chunkLeft = null;
      }
      const line = takeLine();
      if (line === null) return;
      if (inTrailer) {
        isComplete = line === "";
        continue;
      }
      const size = Number.parseInt(line, 16);
      if (!Number.isInteger(size)) throw new Error(`not a chunk size: ${JSON.stringify(line.slice(0, 40))}`);
      if (size === 0) inTrailer = true;
      else chunkLeft = size;
    }
  };

  return {
    push(more) {
      pending = pending.length === 0 ? Buffer.from(more) : Buffer.concat([pending, more]);
    },
    head() {
      const end = pending.indexOf("\r\n\r\n");
      if (end < 0) return null;
      const lines = take(end).toString("latin1").split("\r\n");
      take(4);
      return {
        startLine: lines[0] ?? "",
        fields: lines.slice(1).map((line): HeaderField => {
          const colon = line.indexOf(":");
          return [line.slice(0, colon), line.slice(colon + 1).trim()];
        }),
      };
    },
    body(framing) {
      if (framing.kind === "length") {
        keep(take(Math.min(framing.bytes - bytes, pending.length)));
        isComplete = bytes >= framing.bytes;
      } else if (framing.kind === "close") keep(take(pending.length));
      else readChunked();
      return { chunks, bytes, isComplete };
    },
    next() {
      chunks = [];
      bytes = 0;
      isComplete = false;
      inTrailer = false;
      chunkLeft = null;
    },
    get pending() {
      return pending;
    },
  };
}

/** RFC 9112 6.3, for a request (which has no body unless it says so). */
export function requestFraming(head: MessageHead): Framing {
  if (fieldValue(head, "transfer-encoding") !== null) return { kind: "chunked" };
  return { kind: "length", bytes: Number(fieldValue(head, "content-length") ?? 0) };
}

/** RFC 9112 6.3, for the response to `method`. */
export function responseFraming(head: MessageHead, method: string): Framing {
  const status = statusOf(head);
  if (method === "HEAD" || status < 200 || status === 204 || status === 304)
    return { kind: "length", bytes: 0 };
  if (fieldValue(head, "transfer-encoding") !== null) return { kind: "chunked" };
  const length = fieldValue(head, "content-length");
  return length === null ? { kind: "close" } : { kind: "length", bytes: Number(length) };
}

export function statusOf(head: MessageHead): number {
  return Number(head.startLine.split(" ")[1]);
}
