// What Content-Encoding and Accept-Encoding mean: which codings an answer's bytes really have, and which ones the client reads.
import { isKnownCoding } from "../base/decoder.ts";

/** Of the registered ones (RFC 9110 16.6.1) those that are not undone here. */
const FOREIGN_CODINGS = new Set(["compress", "x-compress", "exi", "pack200-gzip", "aes128gcm", "dcb", "dcz"]);

/** The codings of a Content-Encoding, lower case, in the order in which they were applied. "none" or "utf-8" is none. */
export function readCodings(contentEncoding: string | null): readonly string[] {
  if (contentEncoding === null) return [];
  return contentEncoding
    .toLowerCase()
    .split(",")
    .map((token) => token.trim())
    .filter((token) => isKnownCoding(token) || FOREIGN_CODINGS.has(token));
}

/** RFC 9110 12.5.3. A client that says nothing gets what needs no decoding. */
export function acceptsCodings(acceptEncoding: string | null, codings: readonly string[]): boolean {
  if (codings.length === 0) return true;
  const weights = new Map<string, number>();
  for (const item of (acceptEncoding ?? "").toLowerCase().split(",")) {
    const [name = "", ...params] = item.split(";").map((part) => part.trim());
    const weight = params.find((param) => param.startsWith("q="))?.slice(2) ?? "1";
    weights.set(plainName(name), Number(weight));
  }
  return codings.every((coding) => (weights.get(plainName(coding)) ?? weights.get("*") ?? 0) > 0);
}

/** RFC 9110 8.4.1.3: the same as without the prefix. */
function plainName(coding: string): string {
  return coding.startsWith("x-") ? coding.slice(2) : coding;
}
