// Bytes to be found again at some place of a large block, compared four at a time.
// Pure.

export interface BytePattern {
  readonly length: number;
  readonly words: Int32Array;
  /** The last four bytes, which the last word may hold in part. */
  readonly last: number;
}

/** So many bytes at least make a pattern. */
export const MIN_PATTERN_LENGTH = 4;

/** The bytes of a block from `start` up to `end`. */
export function makePattern(block: DataView, start: number, end: number): BytePattern {
  const length = end - start;
  const wordAt = (_: unknown, index: number): number => block.getInt32(start + index * 4, true);
  const words = Int32Array.from({ length: length >> 2 }, wordAt);
  return { length, words, last: block.getInt32(end - 4, true) };
}

/** Does the pattern stand at this place? The block must go on for its length. */
export function hasPattern(block: DataView, at: number, pattern: BytePattern): boolean {
  const { words } = pattern;
  const count = words.length;
  for (let index = 0; index < count; index += 1) {
    if (block.getInt32(at + index * 4, true) !== words[index]) return false;
  }
  return block.getInt32(at + pattern.length - 4, true) === pattern.last;
}
