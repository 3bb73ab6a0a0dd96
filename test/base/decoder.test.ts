import { describe, expect, test } from "bun:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { createDecoder, DecodeError, type Decoder, decodeWhole } from "../../src/base/decoder.ts";
import { CODINGS, makeBomb } from "../helpers/bombs.ts";

const MIB = 2 ** 20;
const ROOMY = { burstBytes: 512 * MIB };

function open(coding: string, limits: Parameters<typeof createDecoder>[1]): Decoder {
  const decoder = createDecoder(coding, limits);
  if (decoder === null) throw new Error(`no decoder of ${coding}`);
  return decoder;
}

/** How far it gets, and why no further. */
async function run(pieces: AsyncGenerator<Uint8Array>) {
  let bytes = 0;
  let largest = 0;
  try {
    for await (const piece of pieces) {
      bytes += piece.length;
      largest = Math.max(largest, piece.length);
    }
    return { bytes, largest, problem: null };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return { bytes, largest, problem: error.problem };
  }
}

describe("a decoder", () => {
  for (const [coding, compress] of CODINGS) {
    test(`gives the same bytes of ${coding}, however they are cut`, async () => {
      const original = Buffer.from(Array.from({ length: 3_000 }, (_, n) => Bun.hash(`${n}`)).join("\n"));
      const compressed = compress(original);
      await fc.assert(
        fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1 }), async (sizes) => {
          const decoder = open(coding, ROOMY);
          const out: Uint8Array[] = [];
          for (let at = 0, n = 0; at < compressed.length; n += 1) {
            const size = sizes[n % sizes.length] ?? 1;
            for await (const piece of decoder.decode(compressed.subarray(at, at + size))) out.push(piece);
            at += size;
          }
          for await (const piece of decoder.finish()) out.push(piece);
          decoder.close();
          expect(Buffer.compare(Buffer.concat(out), original)).toBe(0);
        }),
        { numRuns: 10 },
      );
    });

    test(`stops ${coding} at its limit, in small pieces until then`, async () => {
      const decoder = open(coding, { ...ROOMY, maxBytes: MIB });
      const { bytes, largest, problem } = await run(decoder.decode(makeBomb(coding, 64)));
      decoder.close();
      expect(problem).toBe("too-large");
      expect(bytes).toBeLessThanOrEqual(MIB);
      expect(largest).toBeLessThanOrEqual(128 * 1024);
    });

    test(`takes as much of ${coding} as its limit, to the byte`, async () => {
      for (const maxBytes of [0, 1, 1_000]) {
        const decoder = open(coding, { ...ROOMY, maxBytes });
        const { bytes, problem } = await run(decoder.decode(compress(Buffer.from("x".repeat(maxBytes)))));
        const rest = await run(decoder.finish());
        decoder.close();
        expect([bytes + rest.bytes, problem, rest.problem]).toEqual([maxBytes, null, null]);
      }
    });

    test(`says of ${coding} that it lacks its end`, async () => {
      const decoder = open(coding, ROOMY);
      const compressed = compress(Buffer.from("x".repeat(1_000)));
      await run(decoder.decode(compressed.subarray(0, -1)));
      expect((await run(decoder.finish())).problem).toBe("invalid");
      decoder.close();
    });

    test(`ends with ${coding}, whatever follows it`, async () => {
      const decoder = open(coding, ROOMY);
      const bytes = Buffer.concat([compress(Buffer.from("whole")), Buffer.from("rest")]);
      const { problem, ...rest } = await run(decoder.decode(bytes));
      decoder.close();
      if (problem === null) expect(rest.bytes).toBe(5);
      else expect(problem).toBe("invalid");
    });

    test(`refuses a whole body of ${coding} beyond its limit`, async () => {
      const compressed = compress(Buffer.alloc(4 * MIB, "x"));
      expect(await decodeWhole(compressed, coding, 4 * MIB)).toHaveLength(4 * MIB);
      expect(await decodeWhole(compressed, coding, 4 * MIB - 1)).toBe("too-large");
    });
  }

  test("counts the ratio of late, not that of the whole stream", async () => {
    const decoder = open("br", { burstBytes: MIB });
    expect((await run(decoder.decode(makeBomb("br", 64)))).problem).toBe("too-large");
    decoder.close();
    // Deflate never exceeds the ratio.
    const gzip = open("gzip", { burstBytes: MIB });
    expect(await run(gzip.decode(makeBomb("gzip", 64)))).toMatchObject({ bytes: 64 * MIB, problem: null });
    gzip.close();
  });

  test("refuses a whole body of more than a thousand times its size, whatever its limit", async () => {
    expect(await decodeWhole(makeBomb("br", 64), "br", 1024 * MIB)).toBe("too-large");
    expect(await decodeWhole(makeBomb("zstd", 64), "zstd", 1024 * MIB)).toBe("too-large");
  });

  test("shares a limit with all others, and gives back what it had", async () => {
    const input = makeBomb("gzip", 1);
    const begin = async (): Promise<Decoder> => {
      const decoder = open("gzip", ROOMY);
      await run(decoder.decode(input));
      return decoder;
    };
    for (let round = 0; round < 3; round += 1) {
      const large = [await begin(), await begin(), await begin()];
      large[0]?.keep(12 * MIB);
      large[1]?.keep(6 * MIB);
      expect(() => large[2]?.keep(8 * MIB)).toThrow(DecodeError);
      const small = await begin();
      small.keep(MIB / 8);
      for (const decoder of [...large, small]) decoder.close();
    }
  });

  test("that is closed neither goes on nor hangs", async () => {
    const decoder = open("zstd", ROOMY);
    const pieces = decoder.decode(makeBomb("zstd", 64));
    await pieces.next();
    decoder.close();
    expect((await run(pieces)).problem).toBe("invalid");
    expect((await run(decoder.decode(new Uint8Array(10)))).problem).toBe("invalid");
  });

  test("undoes several codings in a row, the last first", async () => {
    const decoder = createDecoder("br, gzip", ROOMY);
    const packed = gzipSync(brotliCompressSync("twice packed"));
    let text = "";
    for (const byte of packed)
      for await (const piece of decoder?.decode(Uint8Array.of(byte)) ?? []) text += piece;
    for await (const piece of decoder?.finish() ?? []) text += piece;
    decoder?.close();
    expect(text).toBe("twice packed");
  });

  test("knows no others, and not more than four in a row", () => {
    for (const coding of ["gzip, compress", "gzip, gzip, gzip, gzip, gzip", "identity", "compress", ""])
      expect(createDecoder(coding, ROOMY)).toBeNull();
  });
});
