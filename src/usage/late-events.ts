// Walks back over the events of a stream's end: nearly always the last one says all, and nothing else is put together or read.
// Pure.
import { type SseEvent, createSseSplitter } from "../base/sse.ts";
import type { createByteTail } from "./byte-tail.ts";
import { mayTellUsage } from "./find-usage.ts";

export interface LateBytes {
  /** The end of them; null where that would be all. */
  readonly last: Uint8Array | null;
  readonly all: Uint8Array;
}

/** The end that is kept: nearly always its last event says all, and the rest is not put together. */
export class TailBytes implements LateBytes {
  readonly last: Uint8Array | null;
  private whole: Uint8Array | undefined;

  constructor(private readonly tail: Pick<ByteTail, "bytes" | "chunks" | "lastBytes">) {
    this.last = tail.lastBytes(LAST_BYTES);
  }

  get all(): Uint8Array {
    return (this.whole ??= this.tail.bytes());
  }

  /** The beginning of a stream that is kept whole, in slices; nothing of one that is not. */
  *beginning(sliceBytes: number): Generator<Uint8Array> {
    for (const chunk of this.tail.chunks)
      for (let at = 0; at < chunk.length; at += sliceBytes) yield chunk.subarray(at, at + sliceBytes);
  }
}

type ByteTail = ReturnType<typeof createByteTail>;

const LAST_BYTES = 4 * 1024;

interface LateEvent {
  readonly event: SseEvent;
  /** False for a last one that lacks its blank line: clients do not see it then, but the upstream has counted it. */
  readonly isDispatched: boolean;
  /** It may tell tokens, and was asked for these. */
  readonly mayTell: boolean;
}

/** The events of an event stream's end, last first, that hold one of the needles or what is asked of tokens. */
export function* eventsFromEnd(
  bytes: LateBytes,
  needles: () => readonly Buffer[],
  asksForUsage: () => boolean,
): Generator<LateEvent> {
  let isLast = true;
  for (const block of blocksFromEnd(bytes)) {
    const mayTell = asksForUsage() && mayTellUsage(block);
    if (mayTell || needles().some((needle) => block.includes(needle))) {
      const splitter = createSseSplitter({ maxEventBytes: Number.POSITIVE_INFINITY });
      const dispatched = splitter.push(block);
      const unfinished = splitter.push(BLANK_LF);
      for (const event of unfinished) yield { event, isDispatched: !isLast, mayTell };
      for (const event of dispatched.toReversed()) yield { event, isDispatched: true, mayTell };
    }
    isLast = false;
  }
}

/**
 * Stretches that end behind the first half of a blank line, last first. Each holds whole events: one, or several where
 * lines end in bare CRs, which no known upstream sends. The last holds what follows the last blank line.
 */
function* blocksFromEnd(bytes: LateBytes): Generator<Buffer> {
  let text = asBuffer(bytes.last ?? bytes.all);
  let isAll = bytes.last === null;
  let blanks = blanksOf(text);
  for (let end = text.length; end > 0;) {
    const blank = end < 2 ? -1 : Math.max(...blanks.map((line) => text.lastIndexOf(line, end - 2)));
    if (blank < 0 && !isAll) {
      end += bytes.all.length - text.length;
      text = asBuffer(bytes.all);
      isAll = true;
      blanks = blanksOf(text);
      continue;
    }
    yield text.subarray(blank + 1, end);
    end = blank + 1;
  }
}

function blanksOf(text: Buffer): readonly Buffer[] {
  return text.includes(CR) ? BLANKS : LF_BLANK;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export const BLANK_LF = Buffer.from("\n\n");
const LF_BLANK = [BLANK_LF];
const BLANKS = [BLANK_LF, Buffer.from("\n\r\n")];
const CR = 0x0d;
