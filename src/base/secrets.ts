// Turns secrets into something that may be seen: a mask for people, a fingerprint for keys of maps.
// Never returns, logs or stores the secret itself.
// Pure.

/** "sk-12…cdef" for a long secret, "…" for a short one. Shows at most 4 + 4 characters and under half of it. */
export function maskSecret(secret: string): string {
  if (secret.length < 16) return "…";
  return `${secret.slice(0, 4)}…${secret.slice(-4)}`;
}

/** 12 hex digits of SHA-256: tells two credentials apart without holding either. */
export function fingerprint(secret: string): string {
  return hashText(secret).slice(0, 12);
}

/** SHA-256 in hex. Not by node:crypto, which takes 3 ms to load. */
export function hashText(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}

/** HMAC-SHA-256 in hex. */
export function signText(key: string, text: string): string {
  return new Bun.CryptoHasher("sha256", key).update(text).digest("hex");
}

/** Compares in a time that does not depend on where they differ. */
export function isSameSecret(given: string, wanted: string): boolean {
  let difference = given.length ^ wanted.length;
  for (let at = 0; at < wanted.length; at += 1) difference |= given.charCodeAt(at) ^ wanted.charCodeAt(at);
  return difference === 0;
}

/** Values of URL query parameters and well-known key shapes, anywhere in a text. */
const PATTERNS: readonly [RegExp, string][] = [
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi, "$1 …"],
  [/\b(sk|cr|key|pat|gh[opsur]|xai|gsk|hf|r8|tvly|github_pat|glpat|xox[a-z])[-_][A-Za-z0-9_-]{8,}/g, "$1-…"],
  [/\b(AIza|ya29\.|AKIA|ASIA)[A-Za-z0-9_-]{12,}/g, "$1…"],
  // A field or a parameter that says itself what it is.
  [
    /\b((?:proxy-)?authorization|x-api-key|api[-_]?key|access[-_]?token|auth[-_]?token|client[-_]?secret)(["']?\s*[:=]\s*["']?)(?!(?:Bearer|Basic)\b)[A-Za-z0-9._~+/-]{12,}=*/gi,
    "$1$2…",
  ],
  [/\/ch_[0-9a-f]{8,}/g, "/ch_…"],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?/g, "eyJ…"],
  [/((?:https?|wss?|socks[45]?[ah]?|rediss?|valkeys?|redis\+[a-z+]+):\/\/)[^\s/@"']+@/g, "$1…@"],
  [/((?:https?|wss?):\/\/[^\s?"'#]+)\?[^\s"'#]*/g, "$1?…"],
];

/**
 * Masks every secret in a text that is about to be shown or logged: the known values first, then shapes that look
 * like keys, then URL query strings.
 */
export function maskText(text: string, known: Iterable<string> = []): string {
  let masked = text;
  for (const secret of known)
    if (secret.length >= 6) masked = masked.replaceAll(secret, () => maskSecret(secret));
  for (const [pattern, replacement] of PATTERNS) masked = masked.replace(pattern, replacement);
  return masked;
}
