// Decides whether a request is accepted at all: who asks (Host, Origin, Sec-Fetch-Site, client token), with which method, in
// a loop or not. Browsers are refused whatever they send; there is no cross-origin permission to give.
// Pure.
import { isSameSecret } from "../base/secrets.ts";
import { type Service, flagFor, takeClientToken } from "../base/service.ts";
import { type Text, t } from "../base/text.ts";

/** A request that is answered here and never reaches an upstream. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 405 | 421 | 426 | 508;
  readonly message: Text;
}

export interface RefusedRequest {
  readonly method: string;
  readonly path: string;
  readonly refusal: Refusal;
}

/** Names the instances a request has passed, comma-separated. Ours being there means that we ask ourselves. */
export const HOPS_HEADER = "x-codex-helper-hops";
const MAX_HOPS = 5;

/** The exact Host values that name a listener on loopback at this port: anything else may be DNS rebinding. */
export function makeAllowedHosts(port: number): ReadonlySet<string> {
  const names = ["127.0.0.1", "localhost", "[::1]"];
  return new Set([...names.map((name) => `${name}:${port}`), ...(port === 80 ? names : [])]);
}

/** What a client has to know, and what this one has said. */
export interface TokenLock {
  /** Null where nothing is asked for. */
  readonly wanted: string | null;
  readonly given: string | null;
  readonly service: Service;
}

/** Null when the request may pass. `instance` is this process's own id in the hops header. */
export function refuse(
  request: Pick<Request, "headers" | "method" | "url">,
  allowedHosts: ReadonlySet<string>,
  instance: string,
  lock?: TokenLock,
): Refusal | null {
  const { headers, method } = request;
  const host = headers.get("host");
  // Two Host fields arrive joined by a comma and are in no list (RFC 9112 3.2). Of an absolute target Bun shows the path alone: a
  // foreign one is known by its Host, which every client makes the same (3.2.2). One that does not gets our own answer.
  if (host === null || !allowedHosts.has(host.toLowerCase())) {
    return { status: 421, message: t`this proxy answers only on its own loopback address` };
  }
  if (isFromPage(headers)) return { status: 403, message: t`requests from web pages are refused` };
  if (lock !== undefined && lock.wanted !== null && !isSameSecret(lock.given ?? "", lock.wanted)) {
    const command = `ch switch on${flagFor(lock.service)}`;
    const message = t`only clients with the current client token are answered (limits.client_token): type ${command} and start a new session`;
    return { status: 401, message };
  }
  if (method === "CONNECT" || method === "TRACE") {
    return { status: 405, message: t`the method ${method} is not supported by this proxy` };
  }
  // Any other upgrade may be ignored (RFC 9110 7.8): Java's client offers h2c with every request.
  const upgrade = headers.get("upgrade");
  if (upgrade !== null && /(?:^|,)\s*websocket\s*(?:,|$)/i.test(upgrade)) {
    return { status: 426, message: t`WebSocket is not supported; use plain HTTP` };
  }
  const hops = headers.get(HOPS_HEADER);
  if (hops !== null && (hops.includes(instance) || hops.split(",").length >= MAX_HOPS)) {
    return { status: 508, message: t`loop detected: an upstream leads back to this proxy` };
  }
  return null;
}

/** By whatever a browser says: not all say all of it. Libraries that follow the Fetch standard say `Sec-Fetch-Mode: cors` alone. */
function isFromPage(headers: Headers): boolean {
  if (headers.get("origin") !== null || headers.get("referer") !== null) return true;
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site !== "none";
  return (
    (headers.get("sec-fetch-mode") ?? "cors") !== "cors" ||
    (headers.get("sec-fetch-dest") ?? "empty") !== "empty" ||
    headers.get("sec-fetch-user") !== null ||
    headers.get("access-control-request-method") !== null
  );
}

export interface RequestTarget {
  /** Starts with "/". Without a client token. */
  readonly path: string;
  /** With its "?", or "". */
  readonly search: string;
}

/**
 * Path and query of a request's URL as text, with the client token taken out of it: nothing after this sees it. Null for a
 * URL without a host or path (HTTP/1.0, malformed Hosts).
 */
export function splitUrl(url: string): (RequestTarget & { readonly clientToken: string | null }) | null {
  const scheme = url.indexOf("://");
  const start = scheme < 0 ? -1 : url.indexOf("/", scheme + 3);
  if (start < 0) return null;
  const question = url.indexOf("?", start);
  const { clientToken, path } = takeClientToken(question < 0 ? url.slice(start) : url.slice(start, question));
  return { path: path === "" ? "/" : path, search: question < 0 ? "" : url.slice(question), clientToken };
}
