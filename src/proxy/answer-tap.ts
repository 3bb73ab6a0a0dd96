// Observes an answer that may be compressed: the observer sees what a copy of the bytes unfolds to.
import { type AnswerFacts, createStreamTap } from "../usage/stream-tap.ts";
import { createDecodedCopy } from "./decoded-copy.ts";
import type { Api } from "./request-facts.ts";

export interface AnswerTap {
  /** Keeps a reference to the chunk. */
  feed(chunk: Uint8Array): void;
  /** Resolves when everything fed so far has been seen. */
  settled(): Promise<void>;
  /** What was seen, worked out once: call it at the end. Null when the bytes cannot be looked into. */
  facts(): AnswerFacts | null;
}

/** `encoding`: Content-Encoding of the chunks, or null.  */
export function createAnswerTap(api: Exclude<Api, "other">, encoding: string | null): AnswerTap {
  const tap = createStreamTap(api);
  let facts: AnswerFacts | null = null;
  if (encoding === null) {
    return { feed: tap.feed, settled: () => Promise.resolve(), facts: () => (facts ??= tap.finish()) };
  }
  const copy = createDecodedCopy(encoding);
  let readable = copy !== null;
  let queue = Promise.resolve();
  return {
    feed(chunk) {
      if (copy === null || !readable) return;
      queue = queue
        .then(() => copy.push(chunk))
        .then(tap.feed, () => {
          readable = false;
        });
    },
    settled: () => queue,
    facts: () => (facts ??= readable ? tap.finish() : null),
  };
}
