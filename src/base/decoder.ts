// Undoes a Content-Encoding, as a stream or chunk by chunk. Bounds nothing: what comes out can be a thousand times what
// went in.
import type { Transform } from "node:stream";

/** A stream that undoes the encoding (lower case); null for one that is not known here. */
export function createDecoder(encoding: string): Transform | null {
  // Loaded where something is compressed: it takes 3 ms, and no start should wait for it.
  const zlib = process.getBuiltinModule("node:zlib");
  switch (encoding) {
    case "gzip":
    case "x-gzip":
      return zlib.createGunzip();
    case "deflate":
      return zlib.createInflate();
    case "br":
      return zlib.createBrotliDecompress();
    case "zstd":
      return zlib.createZstdDecompress();
    default:
      return null;
  }
}

/** Looks into a compressed answer without touching it: its receiver still gets the compressed bytes. */
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
