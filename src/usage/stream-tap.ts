// Observes an answer on its way to the client, compressed or not, without touching, delaying or buffering it.
// What the bytes mean is read in answer-reader.ts.
import { createDecoder, DecodeError, type Decoder, freePiece } from "../base/decoder.ts";
import { type AnswerFacts, createAnswerReader } from "./answer-reader.ts";
import type { Api } from "./stream-events.ts";

export interface TapFacts extends AnswerFacts {
  /** False when the answer cannot be looked into (unknown, corrupt or too much compression): it may be complete. */
  readonly isReadable: boolean;
  /** It was decoded in part, and the rest exceeds a limit. */
  readonly isTooLarge?: boolean;
}

interface StreamTap {
  /** Sees the next chunk as it came from the upstream. Keeps a reference: the chunk must not be changed afterwards. */
  feed(chunk: Uint8Array): void;
  /** Resolves when all that was fed has been decoded; at once for an answer that is not compressed. Never rejects. */
  flush(): Promise<void>;
  /** What was seen so far amounts to. To be called at the end, after flush(), or whenever the client leaves. */
  finish(): TapFacts;
  /** How many chunks said anything so far, and how many pings there were; null where it cannot be looked into. */
  activity(): { readonly news: number; readonly pings: number } | null;
  /** About so many tokens of output so far; null where that is not known. For whoever looks now and then. */
  countWritten(): number | null;
  /** Bytes of all that the answer showed, without reasoning; null where that is not known. For the end. */
  countShown(): number | null;
  /** Frees what it took to look into a compressed answer. */
  close(): void;
}

/** What the decompressor may be behind by. It runs in other threads and is not waited for. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** A stream may be as long as it likes, and is not kept: this bounds only the work that a little input can make. */
const BURST_BYTES = 128 * 1024 * 1024;
const UNREADABLE: TapFacts = {
  usage: undefined,
  terminal: null,
  isOver: false,
  error: undefined,
  isReadable: false,
};

/** Of many streams at once each event finds the caches cold: its reader looks at several together, or when it is asked. */
const BATCH_BYTES = 4 * 1024;

type Reader = ReturnType<typeof createAnswerReader>;

function makePlainTap(behind: Reader, batchBytes: number): StreamTap {
  let unread: Uint8Array[] = [];
  let unreadBytes = 0;
  const upToDate = (): Reader => {
    if (unreadBytes > 0) {
      const chunks = unread;
      unread = [];
      unreadBytes = 0;
      for (const chunk of chunks) behind.feed(chunk);
    }
    return behind;
  };
  return {
    feed(chunk) {
      unread.push(chunk);
      unreadBytes += chunk.length;
      if (unreadBytes >= batchBytes) upToDate();
    },
    flush: () => Promise.resolve(),
    finish: () => ({ ...upToDate().facts(), isReadable: true }),
    activity: () => upToDate().activity,
    countWritten: () => upToDate().countWritten(),
    countShown: () => upToDate().countShown(),
    close() {},
  };
}

/** A tap for one answer. `encoding` is its Content-Encoding; of one that was `decoded` before the tap frees what it has seen. */
export function createStreamTap(api: Api, encoding: string | null, decoded = false): StreamTap {
  const name = encoding?.trim().toLowerCase() ?? "";
  const isPlain = name === "" || name === "identity";
  if (isPlain)
    return decoded
      ? makePlainTap(createAnswerReader(api, freePiece), 0)
      : makePlainTap(createAnswerReader(api), BATCH_BYTES);

  const decoder = createDecoder(name, { burstBytes: BURST_BYTES });
  const waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let isReadable = decoder !== null;
  let isTooLarge = false;
  let working: Promise<void> | null = null;
  /** Null once it is given up: what it has kept is free again. */
  let reader: Reader | null = createAnswerReader(api, freePiece);
  const giveUp = (): void => {
    isReadable = false;
    reader?.close();
    reader = null;
    waiting.length = 0;
    decoder?.close();
  };
  const decodeWaiting = async (from: Decoder): Promise<void> => {
    try {
      for (let chunk = waiting.shift(); chunk !== undefined; chunk = waiting.shift()) {
        for await (const piece of from.decode(chunk)) {
          reader?.feed(piece);
          from.keep(reader?.heldBytes ?? 0);
        }
        waitingBytes -= chunk.length;
      }
    } catch (error) {
      isTooLarge = error instanceof DecodeError && error.problem === "too-large";
      giveUp();
    }
    working = null;
  };
  return {
    feed(chunk) {
      if (decoder === null || !isReadable) return;
      waitingBytes += chunk.length;
      if (waitingBytes > MAX_WAITING_BYTES) return giveUp();
      waiting.push(chunk);
      working ??= decodeWaiting(decoder);
    },
    flush: () => working ?? Promise.resolve(),
    finish: () =>
      reader !== null && isReadable
        ? { ...reader.facts(), isReadable }
        : { ...UNREADABLE, ...(isTooLarge ? { isTooLarge } : {}) },
    activity: () => (isReadable ? (reader?.activity ?? null) : null),
    countWritten: () => (isReadable ? (reader?.countWritten() ?? null) : null),
    countShown: () => (isReadable ? (reader?.countShown() ?? null) : null),
    close() {
      decoder?.close();
      reader?.close();
    },
  };
}
