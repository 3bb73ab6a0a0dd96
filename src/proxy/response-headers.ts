// Makes the headers a client gets out of an upstream's: rate limits, request ids and x-codex-* pass, what speaks of the
// upstream's connection or would act on a browser does not.
// Pure.
import { HOP_BY_HOP, namedByConnection } from "./request-headers.ts";

/** Would be taken for ours by anything that keeps state per host (RFC 6265, RFC 7838, RFC 6797). */
const STATEFUL = new Set([
  "set-cookie",
  "set-cookie2",
  "alt-svc",
  "strict-transport-security",
  "clear-site-data",
]);

export interface ResponseHeaderParts {
  readonly upstream: Headers;
  /** True when the body goes out decoded though the upstream sent it encoded. */
  readonly decoded: boolean;
}

/** The headers to answer with. Content-Length is left out: Bun writes the framing that fits what is sent. */
export function makeResponseHeaders(parts: ResponseHeaderParts): Headers {
  const named = namedByConnection(parts.upstream);
  const out = new Headers();
  for (const [name, value] of parts.upstream) {
    if (HOP_BY_HOP.has(name) || named?.has(name) === true || STATEFUL.has(name)) continue;
    if (name === "content-length" || name.startsWith("access-control-")) continue;
    if (name === "content-encoding" && parts.decoded) continue;
    out.append(name, value);
  }
  return out;
}
