// Little compressed data that becomes very much.
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";

/** Every content coding that is decoded, with what makes it. */
export const CODINGS: readonly (readonly [coding: string, compress: (bytes: Uint8Array) => Buffer])[] = [
  ["gzip", (bytes) => gzipSync(bytes, { level: 9 })],
  ["deflate", (bytes) => deflateSync(bytes, { level: 9 })],
  ["br", (bytes) => brotliCompressSync(bytes, { params: BROTLI })],
  ["zstd", (bytes) => zstdCompressSync(bytes)],
];

const BROTLI = { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_LGWIN]: 24 };

/** Making one takes seconds. */
const made = new Map<string, Buffer>();

/** `mib` MiB that begin with `start`; spaces where nothing else is said. */
export function makeBomb(coding: string, mib: number, start = "", fill = " "): Buffer {
  return made.getOrInsertComputed([coding, mib, start, fill].join("\n"), () =>
    compressBomb(coding, mib, start, fill),
  );
}

function compressBomb(coding: string, mib: number, start: string, fill: string): Buffer {
  const compress = CODINGS.find(([name]) => name === coding)?.[1];
  if (compress === undefined) throw new Error(`no such coding: ${coding}`);
  const bytes = Buffer.alloc(mib * 2 ** 20, fill);
  bytes.write(start);
  return compress(bytes);
}
