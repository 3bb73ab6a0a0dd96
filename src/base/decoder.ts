// Undoes a Content-Encoding within limits: a stream piece by piece, no further than it is asked for, or a whole body.
// What comes out can be a million times what went in, so every decoder has a limit, and all of them together have one.
import type { Transform } from "node:stream";
import { promisify } from "node:util";
import { errorCode } from "./errors.ts";

const MIB = 2 ** 20;
/** What is decoded only to be looked at may come to so much. */
export const MAX_LOOK_BYTES = 16 * MIB;
/** Deflate cannot do better than 1032:1. What exceeds this in the long run was made to exhaust whoever decodes it. */
const MAX_RATIO = 1032;
/** All decoders of the process may hold so much together: their windows, and what their users keep of the output. */
const MAX_HELD_BYTES = 64 * MIB;
/** Those that hold much leave room for the others: an ordinary answer is decoded beside many that are not. */
const LITTLE_BYTES = MIB / 8;
const MAX_HELD_BY_LARGE_BYTES = 20 * MIB;
/** One step of a decoder takes so much input at most and gives so much output at most. */
const INPUT_BYTES = 4 * 1024;
const OUTPUT_BYTES = 32 * 1024;
/** RFC 9659: a zstd content coding may not ask for a window of more than 8 MiB. */
const ZSTD_WINDOW_LOG = 23;
const DEFLATE_WINDOW_BYTES = 32 * 1024;

/** What the live decoders hold: one figure for the process, because its memory is one. */
const held = { bytes: 0 };

/** Output brings garbage with it, of its users too, which a collector finds later than a bomb makes it. */
const COLLECT_BYTES = MIB;
const COLLECT_EVERY_MS = 20;
/** Text and events come to 5 to 30 times their input: the collector is left alone for these. */
const USUAL_RATIO = 64;
const output = { bytes: 0, collectedAt: 0 };

function noteOutput(bytes: number): void {
  output.bytes += bytes;
  if (output.bytes < COLLECT_BYTES) return;
  const now = performance.now();
  if (now - output.collectedAt < COLLECT_EVERY_MS) return;
  output.bytes = 0;
  Bun.gc(true);
  output.collectedAt = performance.now();
}

export const bytesOfDecoders = (): number => held.bytes;

/** Of decoders that fill their window unseen so many do it at once; the others wait until that has been counted. */
const MAX_UNSEEN = 1;
const unseen = { count: 0, waiting: [] as (() => void)[] };

async function beginUnseen(): Promise<void> {
  if (unseen.count < MAX_UNSEEN) unseen.count += 1;
  else {
    const { promise, resolve } = Promise.withResolvers<void>();
    unseen.waiting.push(resolve);
    await promise;
  }
}

function endUnseen(): void {
  const next = unseen.waiting.shift();
  if (next === undefined) unseen.count -= 1;
  else next();
}

/** A whole frame of the one byte "E". */
const ZSTD_FRAME = Uint8Array.fromHex("28b52ffd200109000045");

interface Coding {
  /** `first` is the first byte of the input. */
  readonly stream: (options: object, first: number) => Transform;
  /** What its decoder may have to remember of its output. */
  readonly windowBytes: (first: number) => number;
  /** Its decoder fills its whole window before it gives anything. */
  readonly fillsWindow?: true;
  /** What decodes to one byte more behind all that is complete, where the decoder does not tell what lacks its end. */
  readonly probe?: Uint8Array;
  /** For a whole body, in the order in which they are tried. */
  readonly whole: readonly ((data: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>)[];
}

/** The content codings of RFC 9110 8.4.1 and zstd (RFC 8878). Bun's own zstd has no output limit; node:zlib has. */
function findCoding(encoding: string): Coding | null {
  if (!isKnownCoding(encoding)) return null;
  // Loaded where something is compressed: it takes 3 ms, and no start should wait for it.
  const zlib = process.getBuiltinModule("node:zlib");
  const { ZSTD_d_windowLogMax } = zlib.constants;
  switch (encoding) {
    // "deflate" is the zlib format, which begins with its method, 8; some senders leave its header out.
    case "deflate":
      return {
        stream: (options, first) =>
          (first & 15) === 8 ? zlib.createInflate(options) : zlib.createInflateRaw(options),
        windowBytes: () => DEFLATE_WINDOW_BYTES,
        whole: [promisify(zlib.inflate), promisify(zlib.inflateRaw)],
      };
    case "br":
      return {
        stream: zlib.createBrotliDecompress,
        windowBytes: brotliWindow,
        fillsWindow: true,
        whole: [promisify(zlib.brotliDecompress)],
      };
    case "zstd":
      return {
        stream: (options) =>
          zlib.createZstdDecompress({ ...options, params: { [ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG } }),
        windowBytes: () => 2 ** ZSTD_WINDOW_LOG,
        // Seen on Bun 1.4.5.
        probe: ZSTD_FRAME,
        whole: [promisify(zlib.zstdDecompress)],
      };
    default:
      return {
        stream: zlib.createGunzip,
        windowBytes: () => DEFLATE_WINDOW_BYTES,
        whole: [promisify(zlib.gunzip)],
      };
  }
}

/** RFC 7932 9.1: the bits of WBITS. */
function brotliWindow(first: number): number {
  const large = (first >> 1) & 7;
  const small = (first >> 4) & 7;
  const bits = (first & 1) === 0 ? 16 : large > 0 ? 17 + large : small > 1 ? 8 + small : 17;
  return 2 ** bits;
}

/** Whether the coding (lower case) can be undone here. */
export function isKnownCoding(encoding: string): boolean {
  return ["gzip", "x-gzip", "deflate", "br", "zstd"].includes(encoding);
}

/** Why something is not decoded any further. */
export class DecodeError extends Error {
  constructor(readonly problem: "too-large" | "invalid") {
    super(problem);
  }
}

export interface DecodeLimits {
  /** Of the whole output. Default: none, for a stream that may be as long as it likes. */
  readonly maxBytes?: number;
  /** So much may come out at once before the ratio of output to input counts. */
  readonly burstBytes: number;
}

export type Decoder = NonNullable<ReturnType<typeof createOneDecoder>>;

/** More in a row than anybody applies: each has a window of its own. */
const MAX_CODINGS = 4;

/** Whether all of them (lower case, "gzip, br") can be undone here. */
export function canDecode(encoding: string): boolean {
  const codings = encoding.split(", ");
  return codings.length <= MAX_CODINGS && codings.every(isKnownCoding);
}

/** Frees a piece of a decoder's output that nobody looks at any more. A collector would, but later than a bomb makes them. */
export function freePiece({ buffer, byteLength }: Uint8Array): void {
  // Any other is a part of a buffer that its stream goes on filling.
  if (byteLength === OUTPUT_BYTES && buffer.byteLength === OUTPUT_BYTES && buffer instanceof ArrayBuffer)
    buffer.transfer(0);
}

/** For one coding or several in a row, lower case. Null where one is not known here. To be closed. */
export function createDecoder(encoding: string, limits: DecodeLimits): Decoder | null {
  if (!canDecode(encoding)) return null;
  const decoders = encoding.split(", ").flatMap((coding) => createOneDecoder(coding, limits) ?? []);
  return decoders.reduce(chain);
}

/** The first was applied first and is undone last. */
function chain(first: Decoder, second: Decoder): Decoder {
  async function* through(pieces: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      yield* first.decode(piece);
      freePiece(piece);
    }
  }
  return {
    decode: (chunk) => through(second.decode(chunk)),
    async *finish() {
      yield* through(second.finish());
      yield* first.finish();
    },
    keep: (bytes) => first.keep(bytes),
    close() {
      second.close();
      first.close();
    },
  };
}

function createOneDecoder(encoding: string, limits: DecodeLimits) {
  const coding = findCoding(encoding);
  if (coding === null) return null;
  const { burstBytes, maxBytes = Number.POSITIVE_INFINITY } = limits;
  let opened: Transform | null = null;
  let problem: DecodeError | null = null;
  let isOver = false;
  let wake = (): void => {};
  const open = (first: number): Transform => {
    const stream = coding.stream({ chunkSize: OUTPUT_BYTES, highWaterMark: OUTPUT_BYTES }, first);
    stream.on("readable", () => wake());
    // Also where more follows behind the end of the compressed data, which no write is called back for.
    stream.on("end", () => {
      isOver = true;
      wake();
    });
    // A decoder that fails does not call a write back either (Bun 1.4.5).
    stream.on("error", () => fail("invalid"));
    windowBytes = coding.windowBytes(first);
    return stream;
  };

  let windowBytes = 0;
  let isWindowFull = false;
  let total = 0;
  let input = 0;
  let kept = 0;
  let own = 0;
  /** The ratio of late: input adds to it, output uses it up, and no more than a burst is saved up. */
  let credit = burstBytes;
  const hold = (bytes: number): void => {
    held.bytes += bytes - own;
    own = bytes;
  };
  const fail = (as: DecodeError["problem"]): void => {
    problem ??= new DecodeError(as);
    hold(0);
    opened?.destroy();
    wake();
  };
  const count = (): void => {
    if (problem !== null) return;
    hold(kept + (isWindowFull ? windowBytes : Math.min(total, windowBytes)) + OUTPUT_BYTES);
    const room = own > LITTLE_BYTES ? MAX_HELD_BY_LARGE_BYTES : MAX_HELD_BYTES;
    if (total > maxBytes || credit < 0 || held.bytes > room) fail("too-large");
  };

  /** Gives the output of what was written until `isDone`. `onStep` hears of each step once it is counted. */
  async function* readUntil(isDone: () => boolean, onStep = (): void => {}): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (problem !== null) throw problem;
      const piece = opened?.read() as Buffer | null;
      if (piece !== null) {
        total += piece.length;
        credit -= piece.length;
        if (total > input * USUAL_RATIO) noteOutput(piece.length);
        // So much of so little: there is more where it came from.
        if (coding?.fillsWindow === true && piece.length >= OUTPUT_BYTES) isWindowFull = true;
        count();
        onStep();
        if (problem === null) yield piece;
        continue;
      }
      if (isDone() || isOver) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      await promise;
    }
  }

  async function* decodeSlice(slice: Uint8Array): AsyncGenerator<Uint8Array> {
    let isUnseen = coding?.fillsWindow === true;
    const onStep = (): void => {
      if (isUnseen) endUnseen();
      isUnseen = false;
    };
    if (isUnseen) await beginUnseen();
    try {
      if (problem !== null) throw problem;
      let isWritten = false;
      opened?.write(slice, () => {
        isWritten = true;
        wake();
      });
      yield* readUntil(() => isWritten, onStep);
    } finally {
      onStep();
    }
  }

  async function* decode(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
    if (chunk.length === 0) return;
    opened ??= open(chunk[0] ?? 0);
    for (let at = 0; at < chunk.length && !isOver; at += INPUT_BYTES) {
      const slice = chunk.subarray(at, at + INPUT_BYTES);
      credit = Math.min(burstBytes, credit) + slice.length * MAX_RATIO;
      input += slice.length;
      yield* decodeSlice(slice);
    }
  }

  return {
    /** The pieces that this chunk completes, each made when it is asked for. Throws DecodeError. */
    decode,
    /** The rest, where no more comes. Throws DecodeError where the compressed data lacks its end. */
    async *finish(): AsyncGenerator<Uint8Array> {
      if (isOver) return;
      if (coding.probe !== undefined) {
        let bytes = 0;
        // Its byte is none of the output.
        total -= 1;
        for await (const piece of decode(coding.probe)) bytes += piece.length;
        if (bytes !== 1) throw new DecodeError("invalid");
        return;
      }
      (opened ??= open(0)).end();
      yield* readUntil(() => false);
    },
    /** Its user keeps so many bytes of the output. Throws DecodeError where that is more than there is room for. */
    keep(bytes: number): void {
      kept = bytes;
      count();
      if (problem !== null && bytes > 0) throw problem;
    },
    close: (): void => fail("invalid"),
  };
}

/** The decoded body; in one word why there is none. Never rejects. */
export async function decodeWhole(
  body: Uint8Array,
  encoding: string,
  maxBytes: number,
): Promise<Uint8Array | "unknown" | "too-large" | "invalid"> {
  const coding = findCoding(encoding);
  if (coding === null) return "unknown";
  const maxOutputLength = Math.min(maxBytes, MAX_LOOK_BYTES + body.length * MAX_RATIO);
  for (const decode of coding.whole) {
    try {
      return await decode(body, { maxOutputLength });
    } catch (error) {
      if (errorCode(error) === "ERR_BUFFER_TOO_LARGE") return "too-large";
    }
  }
  return "invalid";
}
