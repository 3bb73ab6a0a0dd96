// The comment behind a value of ours in config.toml. It says whose it is, and what stood there before, so that a person,
// or `switch off` without its journal, can put it back.
// Pure.

export type Mark =
  /** Nothing stood there before. */
  | { readonly kind: "added" }
  /** `before` is TOML source on one line. */
  | { readonly kind: "replaced"; readonly before: string };

export interface FoundMark {
  readonly mark: Mark;
  /** The comment's length, with the blank before it. */
  readonly length: number;
}

const ADDED = " # codex-helper: added";
const REPLACED = " # codex-helper: was ";
const ONE_LINE_STRING = /^(?:"(?!"")(?:[^"\\\r\n]|\\.)*"|'(?!'')[^'\r\n]*')/;

/** The comment for a value that replaces the TOML string `before`; `value` is that string's value. */
export function makeMark(replaced: { readonly before: string; readonly value: string } | null): string {
  if (replaced === null) return ADDED;
  const { before, value } = replaced;
  return REPLACED + (ONE_LINE_STRING.exec(before)?.[0] === before ? before : quote(value));
}

/** The mark that starts exactly at `offset`. */
export function readMark(text: string, offset: number): FoundMark | undefined {
  if (text.startsWith(ADDED, offset)) return { mark: { kind: "added" }, length: ADDED.length };
  if (!text.startsWith(REPLACED, offset)) return undefined;
  const start = offset + REPLACED.length;
  const end = text.indexOf("\n", start);
  const before = ONE_LINE_STRING.exec(text.slice(start, end < 0 ? text.length : end))?.[0];
  if (before === undefined) return undefined;
  return { mark: { kind: "replaced", before }, length: REPLACED.length + before.length };
}

/** A basic string of TOML on one line. */
function quote(value: string): string {
  return JSON.stringify(value).replaceAll("\u007f", "\\u007f");
}
