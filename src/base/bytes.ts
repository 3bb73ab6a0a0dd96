// Bytes as text: what a body begins with, which tells JSON from a page and from a stream of events, and in which encoding a file is.
// Pure.
import { UserError } from "./errors.ts";
import { t } from "./text.ts";

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

const BRACE = 0x7b;
const BRACKET = 0x5b;
const LESS_THAN = 0x3c;

/** What a body is. */
export type Shape = "unknown" | "events" | "json" | "page";

/** By its first byte that is neither white space nor a part of a byte order mark: content types lie. */
export function shapeOf(bytes: Uint8Array): Shape {
  for (const byte of bytes) {
    if (byte <= 0x20 || BYTE_ORDER_MARK.includes(byte)) continue;
    if (byte === BRACE || byte === BRACKET) return "json";
    return byte === LESS_THAN ? "page" : "events";
  }
  return "unknown";
}

/** Of a file's text. */
export type Encoding = "UTF-8" | "UTF-16LE" | "UTF-16BE";

export const ENCODINGS: readonly Encoding[] = ["UTF-8", "UTF-16LE", "UTF-16BE"];

/** https://encoding.spec.whatwg.org/#names-and-labels */
const LABELS = { "UTF-8": "utf-8", "UTF-16LE": "utf-16le", "UTF-16BE": "utf-16be" } as const;

/** By the byte order mark, which Notepad and PowerShell 5 write before UTF-16: https://www.unicode.org/faq/utf_bom.html#bom4 */
export function encodingOf([first, second]: Uint8Array): Encoding {
  if (first === 0xff && second === 0xfe) return "UTF-16LE";
  return first === 0xfe && second === 0xff ? "UTF-16BE" : "UTF-8";
}

/** The text, without a BOM unless it is to stay; null for bytes that are not of that encoding. */
export function decodeAs(
  bytes: Uint8Array,
  encoding: Encoding,
  { keepsBom = false }: { readonly keepsBom?: boolean } = {},
): string | null {
  try {
    return new TextDecoder(LABELS[encoding], { fatal: true, ignoreBOM: keepsBom }).decode(bytes);
  } catch {
    return null;
  }
}

/** The bytes that `decodeAs` made the text of. */
export function encodeAs(text: string, encoding: Encoding): Uint8Array {
  if (encoding === "UTF-8") return new TextEncoder().encode(text);
  const bytes = Buffer.from(text, "utf16le");
  return encoding === "UTF-16LE" ? bytes : bytes.swap16();
}

/** The text in whichever encoding its mark tells, without that; what is no text in it becomes U+FFFD. */
export function decodeAny(bytes: Uint8Array): string {
  const encoding = encodingOf(bytes);
  return decodeAs(bytes, encoding) ?? new TextDecoder(LABELS[encoding]).decode(bytes);
}

/** As `decodeAs`. */
export function decodeUtf8(bytes: Uint8Array, options?: { readonly keepsBom?: boolean }): string | null {
  return decodeAs(bytes, "UTF-8", options);
}

export interface DecodeOptions {
  readonly keepsBom?: boolean;
  /** Those that may be. UTF-16 needs its byte order mark. */
  readonly encodings?: readonly Encoding[];
}

/** The text of a file, as `decodeAs` reads it. Throws UserError for bytes that are of no such encoding. */
export function decodeText(
  bytes: Uint8Array,
  path: string,
  { encodings = ENCODINGS, ...options }: DecodeOptions = {},
): string {
  if (isUnmarkedUtf16(bytes))
    throw new UserError(t`${path} is UTF-16 without a byte order mark: save it as UTF-8`);
  const encoding = encodingOf(bytes);
  const text = encodings.includes(encoding) ? decodeAs(bytes, encoding, options) : null;
  if (text !== null) return text;
  if (encoding !== "UTF-8") throw new UserError(t`${path} is ${encoding}: save it as UTF-8`);
  throw new UserError(t`${path} is not valid UTF-8 (line ${findForeignLine(bytes)}): save it as UTF-8`);
}

/** UTF-16 without its mark, as the zero byte of a first character of ASCII tells: https://www.rfc-editor.org/rfc/rfc4627#section-3 */
function isUnmarkedUtf16([first, second]: Uint8Array): boolean {
  return (first === 0) !== (second === 0) && first !== undefined && second !== undefined;
}

/** Of the first byte that is not UTF-8, counted from 1. */
function findForeignLine(bytes: Uint8Array): number {
  let line = 1;
  // No other character has the byte of a line feed in it.
  for (let start = 0; start < bytes.length; line += 1) {
    const end = bytes.indexOf(0x0a, start);
    const next = end < 0 ? bytes.length : end + 1;
    if (decodeUtf8(bytes.subarray(start, next)) === null) return line;
    start = next;
  }
  return line;
}
