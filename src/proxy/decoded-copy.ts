// Looks into a compressed answer without touching it: chunks go in as received, what they unfold to comes out.
// The client still gets the compressed bytes.
import { createDecoder } from "../base/decoder.ts";

export interface DecodedCopy {
  /** What this chunk completes, possibly nothing. Rejects on corrupt input. */
  push(chunk: Uint8Array): Promise<Uint8Array>;
}

/** Null for an encoding that is not known here. */
export function createDecodedCopy(encoding: string): DecodedCopy | null {
  const stream = createDecoder(encoding);
  if (stream === null) return null;
  let out: Uint8Array[] = [];
  // A decoder that fails does not call a write back (Bun 1.4.5).
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  stream.on("data", (chunk: Uint8Array) => out.push(chunk));
  stream.on("error", failure.reject);
  return {
    async push(chunk) {
      const { promise, resolve } = Promise.withResolvers<void>();
      stream.write(chunk, () => resolve());
      await Promise.race([promise, failure.promise]);
      const bytes = Buffer.concat(out);
      out = [];
      return bytes;
    },
  };
}
