// Reads JSON texts without escapes out of a block. Those that come again and again are recognised, not decoded, and are
// one and the same string each time. Constant memory.
import { type BytePattern, MIN_PATTERN_LENGTH, hasPattern, makePattern } from "./byte-pattern.ts";

export interface TextReader {
  /** The text whose opening quote stands at `at`; null when it holds an escape or a control character. */
  readonly read: (at: number) => string | null;
  /** Behind the closing quote of the last text that was read or passed. */
  readonly end: () => number;
  /** Goes to the end of a text that nobody wants. False when it holds an escape or a control character. */
  readonly pass: (at: number) => boolean;
}

interface KnownText {
  readonly text: string;
  /** With both quotes. */
  readonly pattern: BytePattern;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const PLACES = 4096;
const MAX_KNOWN_LENGTH = 512;

/** The block must go on for 16 bytes behind a text, and end in a quote or a control character. */
export function createTextReader(bytes: Buffer): TextReader {
  const block = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const known: (KnownText | undefined)[] = Array.from({ length: PLACES });
  let end = 0;

  function pass(at: number): boolean {
    let next = at + 1;
    for (let byte = bytes[next] ?? 0; byte !== QUOTE; byte = bytes[next] ?? 0) {
      if (byte < 0x20 || byte === BACKSLASH) return false;
      next += 1;
    }
    end = next + 1;
    return true;
  }

  /** Of the first 16 bytes, so that it takes no search for the end. Of two texts with one place the later one stays. */
  function placeOf(start: number): number {
    let hash = block.getInt32(start, true);
    for (let offset = 4; offset < 16; offset += 4) {
      hash = Math.imul(hash, 31) ^ block.getInt32(start + offset, true);
    }
    return (hash ^ (hash >>> 12) ^ (hash >>> 22)) & (PLACES - 1);
  }

  return {
    read(at) {
      const place = placeOf(at);
      const one = known[place];
      if (one !== undefined && hasPattern(block, at, one.pattern)) {
        end = at + one.pattern.length;
        return one.text;
      }
      if (!pass(at)) return null;
      const text = bytes.toString("utf8", at + 1, end - 1);
      const length = end - at;
      if (length >= MIN_PATTERN_LENGTH && length <= MAX_KNOWN_LENGTH) {
        known[place] = { text, pattern: makePattern(block, at, end) };
      }
      return text;
    },
    end: () => end,
    pass,
  };
}
