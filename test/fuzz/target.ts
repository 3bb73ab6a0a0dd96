// What a fuzz target is: a promise about input that others write, how such input is made, and which files it runs through.
import type fc from "fast-check";

/** Plain data, so that any of it can be changed, stored in a file and read again. Bytes are Latin-1 strings. */
export type Input = null | boolean | number | string | readonly Input[] | { readonly [key: string]: Input };

export interface FuzzTarget {
  readonly promise: string;
  /** Under src/. Lines of these that no input has reached yet are what the search is for. */
  readonly covers: readonly string[];
  /** What mutation puts into texts: the words that mean something here. */
  readonly words: readonly string[];
  readonly arbitrary: fc.Arbitrary<Input>;
  /**
   * Throws where the promise is broken. Returns what became of the input, in a word or two: one with a new outcome is kept.
   * Must take any value of the arbitrary's shape: strings and numbers of a kept input are changed freely.
   */
  readonly check: (input: Input) => string | Promise<string>;
}

export function defineTarget<T extends Input>(
  target: Omit<FuzzTarget, "arbitrary" | "check"> & {
    readonly arbitrary: fc.Arbitrary<T>;
    readonly check: (input: T) => string | Promise<string>;
  },
): FuzzTarget {
  return { ...target, check: (input) => target.check(input as T) };
}

/** One of a list by any number, so that a changed number still means something. */
export function pick<T>(list: readonly T[], number: number): T {
  const picked = list[Math.abs(Math.trunc(number)) % list.length];
  if (picked === undefined) throw new Error("a list without items");
  return picked;
}

/** Cuts bytes at the given places (taken modulo the length). */
export function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...cuts].map((start, index) => bytes.subarray(start, cuts[index] ?? bytes.length));
}

export function eachByte(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}

export function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
