// Undoes a Content-Encoding: as a stream, chunk by chunk, or of a whole body within a limit. But for the last nothing is
// bounded: what comes out can be a thousand times what went in.
import type { Transform } from "node:stream";
import { promisify } from "node:util";
import { errorCode } from "./errors.ts";

interface Coding {
  readonly stream: () => Transform;
  /** For a whole body, in the order in which they are tried. */
  readonly whole: readonly ((data: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>)[];
}

/** The content codings of RFC 9110 8.4.1 and zstd (RFC 8878). Bun's own zstd has no output limit; node:zlib has. */
function findCoding(encoding: string): Coding | null {
  // Loaded where something is compressed: it takes 3 ms, and no start should wait for it.
  const zlib = process.getBuiltinModule("node:zlib");
  switch (encoding) {
    case "gzip":
    case "x-gzip":
      return { stream: zlib.createGunzip, whole: [promisify(zlib.gunzip)] };
    // "deflate" is the zlib format; some senders leave its header out.
    case "deflate":
      return { stream: zlib.createInflate, whole: [promisify(zlib.inflate), promisify(zlib.inflateRaw)] };
    case "br":
      return { stream: zlib.createBrotliDecompress, whole: [promisify(zlib.brotliDecompress)] };
    case "zstd":
      return { stream: zlib.createZstdDecompress, whole: [promisify(zlib.zstdDecompress)] };
    default:
      return null;
  }
}

/** A stream that undoes the encoding (lower case); null for one that is not known here. */
export function createDecoder(encoding: string): Transform | null {
  return findCoding(encoding)?.stream() ?? null;
}

/** The decoded body; in one word why there is none. Never rejects. */
export async function decodeWhole(
  body: Uint8Array,
  encoding: string,
  maxBytes: number,
): Promise<Uint8Array | "unknown" | "too-large" | "invalid"> {
  const coding = findCoding(encoding);
  if (coding === null) return "unknown";
  for (const decode of coding.whole) {
    try {
      return await decode(body, { maxOutputLength: maxBytes });
    } catch (error) {
      if (errorCode(error) === "ERR_BUFFER_TOO_LARGE") return "too-large";
    }
  }
  return "invalid";
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
