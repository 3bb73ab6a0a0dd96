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
  let failure: Error | null = null;
  stream.on("data", (chunk: Uint8Array) => out.push(chunk));
  stream.on("error", (error: Error) => {
    failure = error;
  });
  return {
    async push(chunk) {
      const { promise, resolve } = Promise.withResolvers<void>();
      stream.write(chunk, () => resolve());
      await promise;
      if (failure !== null) throw failure;
      const bytes = Buffer.concat(out);
      out = [];
      return bytes;
    },
  };
}
