// Makes the headers a client gets out of an upstream's: rate limits, request ids and x-codex-* pass, what speaks of the
// upstream's connection or would act on a browser does not.
// Pure.
import { HOP_BY_HOP, namedByConnection } from "./request-headers.ts";

/** Would be taken for ours by anything that keeps state per host (RFC 6265, RFC 7838, RFC 6797). */
const STATEFUL = ["set-cookie", "set-cookie2", "alt-svc", "strict-transport-security", "clear-site-data"];
const DROPPED: ReadonlySet<string> = new Set([...HOP_BY_HOP, ...STATEFUL, "content-length"]);

export interface ResponseHeaderParts {
  readonly upstream: Headers;
  /** True when the body goes out decoded though the upstream sent it encoded. */
  readonly decoded: boolean;
}

/** The headers to answer with. Content-Length is left out: Bun writes the framing that fits what is sent. */
export function makeResponseHeaders(parts: ResponseHeaderParts): Headers {
  const { upstream } = parts;
  const out = new Headers(upstream);
  for (const name of upstream.keys())
    if (DROPPED.has(name) || name.startsWith("access-control-")) out.delete(name);
  for (const name of namedByConnection(upstream)) out.delete(name);
  if (parts.decoded) out.delete("content-encoding");
  return out;
}
