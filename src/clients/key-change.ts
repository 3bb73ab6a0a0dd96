// What a switch did to one key of a client's file, and what undoing it came to. The words that the editors of both file
// formats, the journal and the commands share.
// Pure.

/** One key that we set. Everything is text of the file, except `value`. */
export interface KeyChange {
  readonly path: readonly string[];
  /** What stood there before, as written; null when there was nothing. Never a value of ours. */
  readonly before: string | null;
  /** What we wrote: in place of `before`, or the whole insertion. */
  readonly written: string;
  /** Text around it whose place an insertion took; none where absent. */
  readonly replaced?: string | undefined;
  /** The value that the client reads: as long as it stands, the key is ours. */
  readonly value: string;
}

export type Undone =
  /** `isGuess`: recognised by its value alone, so what stood there before is not known for certain. */
  | {
      readonly kind: "restored";
      readonly path: readonly string[];
      readonly isGuess: boolean;
      /** What stood there: our address, or the id of our provider. */
      readonly value: string;
    }
  /** Somebody set it to something else meanwhile; left as it is. */
  | { readonly kind: "changed"; readonly path: readonly string[] }
  /** Somebody removed it meanwhile. */
  | { readonly kind: "gone"; readonly path: readonly string[] }
  /** Holds our address, and nothing tells what stood there before; left as it is. */
  | { readonly kind: "unknown"; readonly path: readonly string[]; readonly value: string };

export interface Undo {
  readonly text: string;
  /** In the order of the file; empty when nothing of ours was there. */
  readonly keys: readonly Undone[];
}

export interface UndoOptions {
  /** What the journal remembers; null without one, and then our values are known by their looks. */
  readonly changes: readonly KeyChange[] | null;
  /** Addresses that can hardly be anybody else's: what the journal does not tell, they do. */
  readonly ownAddresses: readonly string[];
}

export interface Edit {
  readonly text: string;
  readonly changes: readonly KeyChange[];
}

/** A key's path as a person writes it. */
export function showKey(path: readonly string[]): string {
  return path.map((key) => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key))).join(".");
}

/** Do two paths name the same key? */
export function isSamePath(one: readonly (string | number)[], other: readonly (string | number)[]): boolean {
  return one.length === other.length && one.every((key, at) => key === other[at]);
}
