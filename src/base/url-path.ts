// Whether a receiver could read a URL's path as one that leads elsewhere: many decode it again, take parameters of segments off, or
// know other spellings of a dot and a slash.
// Pure.

/** A gateway, a server and its framework may each decode once. What is encoded more often was made to deceive one of them. */
const MAX_DECODINGS = 3;

/** `path`: as it stands in the address, from its first slash on. */
export function mayLeadAway(path: string): boolean {
  let text = path;
  for (let round = 0; round <= MAX_DECODINGS; round += 1) {
    if (hasOddSegment(text)) return true;
    const decoded = decode(text);
    if (decoded === text) return false;
    if (decoded === null) return true;
    text = decoded;
  }
  return true;
}

/** A dotted segment, alone or with parameters (RFC 3986 3.3) or blanks, a backslash, a control character. */
function hasOddSegment(text: string): boolean {
  // Compatibility forms: U+FF0F is "/", U+2025 is "..".
  const plain = /^[ -~]*$/.test(text) ? text : text.normalize("NFKC");
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return /[\\\u0000-\u001f\u007f]|(?:^|\/)\s*\.{1,2}\s*(?:[/;?#]|$)/.test(plain);
}

/** Null where it is not UTF-8: an overlong form of a dot, for one. What is no escape stays. */
function decode(text: string): string | null {
  try {
    return text
      .replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => decodeURIComponent(escapes))
      .replace(/%u([0-9a-f]{4})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  } catch {
    return null;
  }
}
