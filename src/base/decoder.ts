// Names the decompressor for a Content-Encoding. Bounds nothing: what comes out can be a thousand times what went in.
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
