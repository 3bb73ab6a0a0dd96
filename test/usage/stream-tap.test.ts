import { describe, expect, test } from "bun:test";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { type TapFacts, createStreamTap } from "../../src/usage/stream-tap.ts";

const TEXT = [
  ...Array.from(
    { length: 300 },
    (_, index) => `data: {"type":"response.output_text.delta","delta":"${Bun.hash(`${index}`)}"}\n\n`,
  ),
  'data: {"type":"response.completed","response":{"id":"r","usage":{"input_tokens":3,"output_tokens":4}}}\n\n',
].join("");
const SEEN: TapFacts = {
  usage: { input_tokens: 3, output_tokens: 4, total_tokens: 7 },
  terminal: "completed",
  isOver: true,
  error: undefined,
  isReadable: true,
};
const UNREADABLE: TapFacts = {
  usage: undefined,
  terminal: null,
  isOver: false,
  error: undefined,
  isReadable: false,
};

async function observe(encoding: string | null, bytes: Uint8Array): Promise<TapFacts> {
  const tap = createStreamTap("responses", encoding);
  for (let at = 0; at < bytes.length; at += 100) tap.feed(bytes.slice(at, at + 100));
  await tap.flush();
  const seen = tap.finish();
  tap.close();
  return seen;
}

const ENCODINGS: readonly [string, (text: string) => Uint8Array][] = [
  ["gzip", (text) => gzipSync(text)],
  ["x-gzip", (text) => gzipSync(text)],
  ["deflate", (text) => deflateSync(text)],
  ["br", (text) => brotliCompressSync(text)],
  ["zstd", (text) => zstdCompressSync(text)],
  [" GZIP ", (text) => gzipSync(text)],
  ["identity", (text) => Buffer.from(text)],
];

describe("a stream tap", () => {
  for (const [encoding, compress] of ENCODINGS) {
    test(`sees through ${encoding}`, async () => {
      expect(await observe(encoding, compress(TEXT))).toEqual(SEEN);
    });
  }

  for (const [encoding, compress] of ENCODINGS.slice(0, 5)) {
    test(`takes a cut ${encoding} answer for cut, not for unreadable`, async () => {
      const bytes = compress(TEXT);
      expect(await observe(encoding, bytes.subarray(0, bytes.length / 2))).toEqual({
        ...SEEN,
        usage: undefined,
        terminal: null,
        isOver: false,
      });
    });

    test(`leaves a corrupt ${encoding} answer alone`, async () => {
      const bytes = Uint8Array.from(compress(TEXT));
      bytes.fill(7, 200);
      expect(await observe(encoding, bytes)).toEqual(UNREADABLE);
    });
  }

  test("does not look into an encoding it does not know", async () => {
    expect(await observe("compress", Buffer.from(TEXT))).toEqual(UNREADABLE);
    expect(await observe("gzip, br", Buffer.from(TEXT))).toEqual(UNREADABLE);
  });

  test("keeps little of an answer that unfolds to a thousand times its size", async () => {
    const bytes = zstdCompressSync(Buffer.alloc(100_000_000, "data: x\n\n"));
    const before = process.memoryUsage().rss;
    expect(await observe("zstd", bytes)).toMatchObject({ isReadable: true, usage: undefined });
    expect(process.memoryUsage().rss - before).toBeLessThan(60e6);
  });

  test("gives up on a decompressor that cannot follow", () => {
    const tap = createStreamTap("responses", "gzip");
    const chunk = gzipSync(crypto.getRandomValues(new Uint8Array(65_536)));
    for (let at = 0; at < 200; at += 1) tap.feed(chunk);
    expect(tap.finish()).toEqual(UNREADABLE);
  });
});
