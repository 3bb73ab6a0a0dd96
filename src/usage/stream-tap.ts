// Observes an answer on its way to the client, compressed or not, without touching, delaying or buffering it.
// What the bytes mean is read in answer-reader.ts.
import { createDecoder } from "../base/decoder.ts";
import { type AnswerFacts, createAnswerReader } from "./answer-reader.ts";
import type { Api } from "./stream-events.ts";

export interface TapFacts extends AnswerFacts {
  /** False when the answer cannot be looked into (unknown or corrupt compression): it may be complete all the same. */
  readonly isReadable: boolean;
}

interface StreamTap {
  /** Sees the next chunk as it came from the upstream. Keeps a reference: the chunk must not be changed afterwards. */
  feed(chunk: Uint8Array): void;
  /** Resolves when all that was fed has been decoded; at once for an answer that is not compressed. Never rejects. */
  flush(): Promise<void>;
  /** What was seen so far amounts to. To be called at the end, after flush(), or whenever the client leaves. */
  finish(): TapFacts;
}

/** What the decompressor may be behind by. It runs in other threads and is not waited for. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
const UNREADABLE: TapFacts = { usage: undefined, terminal: null, error: undefined, isReadable: false };

/** A tap for one answer. `encoding` is its Content-Encoding. */
export function createStreamTap(api: Api, encoding: string | null): StreamTap {
  const reader = createAnswerReader(api);
  const name = encoding?.trim().toLowerCase() ?? "";
  if (name === "" || name === "identity") {
    return {
      feed: (chunk) => reader.feed(chunk),
      flush: () => Promise.resolve(),
      finish: () => ({ ...reader.facts(), isReadable: true }),
    };
  }

  const decoder = createDecoder(name);
  const failure = Promise.withResolvers<void>();
  let isReadable = decoder !== null;
  let decoded = Promise.resolve();
  const giveUp = (): void => {
    isReadable = false;
    decoder?.destroy();
    failure.resolve();
  };
  decoder?.on("data", (chunk: Uint8Array) => reader.feed(chunk));
  decoder?.on("error", giveUp);
  return {
    feed(chunk) {
      if (decoder === null || !isReadable) return;
      if (decoder.writableLength > MAX_WAITING_BYTES) return giveUp();
      const { promise, resolve } = Promise.withResolvers<void>();
      decoder.write(chunk, () => resolve());
      decoded = promise;
    },
    flush: () => Promise.race([decoded, failure.promise]),
    finish: () => (isReadable ? { ...reader.facts(), isReadable } : UNREADABLE),
  };
}
