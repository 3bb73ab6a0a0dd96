// An answer whose body is gzip and does not say so: what stands before the upstream has lost its Content-Encoding. No client could
// read it, and an error in it would not be understood.
import { type Piece, readDecoded, type Source } from "./answer-body.ts";

/** RFC 1952 2.3.1. No text begins so. */
const MAGIC = [0x1f, 0x8b];

/** Gives the bytes as they are, or decoded if they begin as gzip does. A class, because each turn has one. */
export class Undeclared implements Source {
  isGzip = false;
  private begun: Source | null = null;

  constructor(private readonly source: Source) {}

  pull(): Promise<Piece> {
    if (this.begun !== null) return this.begun.pull();
    const reading = this.source.pull();
    const there = Bun.peek(reading);
    // What is there stays so: no other promise is made of it.
    if (there instanceof Promise || there.value?.[0] === MAGIC[0])
      return reading.then((piece) => this.begin(piece));
    this.begun = this.source;
    return reading;
  }

  keep(bytes: number): void {
    this.begun?.keep?.(bytes);
  }

  close(): void {
    (this.begun ?? this.source).close?.();
  }

  private async begin(first: Piece): Promise<Piece> {
    let { done, value } = first;
    // One byte says nothing yet.
    while (value?.length === 1 && value[0] === MAGIC[0] && !done) {
      const more = await this.source.pull();
      done = more.done;
      value = Buffer.concat([value, more.value ?? new Uint8Array()]);
    }
    const piece = { done, value };
    this.isGzip = MAGIC.every((byte, at) => value?.[at] === byte);
    if (!this.isGzip) {
      this.begun = this.source;
      return piece;
    }
    this.begun = readDecoded(startWith(piece, this.source), "gzip");
    return await this.begun.pull();
  }
}

function startWith(first: Piece, rest: Source): Source {
  let isRead = false;
  return {
    pull() {
      if (isRead) return rest.pull();
      isRead = true;
      return Promise.resolve(first);
    },
  };
}
