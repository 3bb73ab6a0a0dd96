// The connections to upstreams: a young pool for ordinary requests, single-use ones for asking again when a pooled
// connection turned out to be dead, and a bare connect that only says whether an address accepts one.
import { closeSync, openSync } from "node:fs";
import { SHORTAGES, errorCode } from "../base/errors.ts";
import type { Upstream } from "../base/upstream.ts";

export type Connections = ReturnType<typeof createConnections>;

/** Relays close idle connections after 15-60 s: ours must be the younger ones. */
const KEEP_ALIVE_SECS = 15;
/** Bun's idle timer moves in steps of 4 s and may be two steps late. */
const KEEP_ALIVE_MAX_MS = (KEEP_ALIVE_SECS + 8) * 1000;

/** `now` is a monotonic clock in ms. */
export function createConnections(now: () => number) {
  const pooled = new Bun.FetchSession({ keepAlive: { idleTimeout: KEEP_ALIVE_SECS } });
  const single = new Bun.FetchSession({ keepAlive: false });
  const lastReleased = new Map<string, number>();
  return {
    /** `fresh`: a connection that no request has used before. */
    fetch: (fresh: boolean) => (fresh ? single : pooled).fetch,
    /** Call when an attempt at the upstream is over and its connection may have gone back to the pool. */
    released(upstream: Upstream): void {
      lastReleased.set(upstream.baseUrl, now());
    },
    /** Could a request sent now go out on a kept-alive connection? Bun does not say, so this is an upper bound. */
    mayHaveBeenReused(upstream: Upstream): boolean {
      const at = lastReleased.get(upstream.baseUrl);
      return at !== undefined && now() - at <= KEEP_ALIVE_MAX_MS;
    },
    close(): void {
      pooled.close();
      single.close();
    },
  };
}

/** For a host name Bun 1.4.5 says so where it could open no socket. */
const MAY_HIDE_SHORTAGE = /^(?:ECONNREFUSED|ConnectionRefused|FailedToOpenSocket|ENOTFOUND|EAI_)/;

/** The code of the shortage that made a connection fail with `code`; null where it failed for another reason. */
export function findShortage(code: string): string | null {
  if (SHORTAGES.has(code)) return code;
  if (!MAY_HIDE_SHORTAGE.test(code)) return null;
  try {
    closeSync(openSync(process.execPath, "r"));
    return null;
  } catch (error) {
    const found = errorCode(error) ?? "";
    return SHORTAGES.has(found) ? found : null;
  }
}

export type ConnectResult =
  | { readonly kind: "connected" }
  | { readonly kind: "refused"; readonly code: string }
  | { readonly kind: "timeout" };

/**
 * One bare TCP connect, with the TLS handshake for https, and no request: no token is spent on it. Certificates are left
 * for the real request to judge. Where requests go through an outbound proxy, only the proxy's own address is tried.
 * Never throws.
 */
export async function checkConnect(
  url: string,
  proxy: string | false,
  timeoutMs: number,
): Promise<ConnectResult> {
  const address = new URL(proxy === false ? url : proxy);
  const secure = address.protocol === "https:";
  const { promise, resolve } = Promise.withResolvers<ConnectResult>();
  const timer = setTimeout(() => resolve({ kind: "timeout" }), timeoutMs);
  const fail = (error: unknown): void =>
    resolve({ kind: "refused", code: errorCode(error) ?? "ECONNREFUSED" });
  const connecting = Bun.connect({
    hostname: address.hostname.replace(/^\[|\]$/g, ""),
    port: Number(address.port) || (secure ? 443 : 80),
    ...(secure ? { tls: { rejectUnauthorized: false, serverName: address.hostname } } : {}),
    socket: {
      open: () => {
        if (!secure) resolve({ kind: "connected" });
      },
      handshake: () => resolve({ kind: "connected" }),
      data: () => {},
      connectError: (_socket, error) => fail(error),
      error: (_socket, error) => fail(error),
      close: (_socket, error) => fail(error),
    },
  });
  connecting.catch(fail);
  const result = await promise;
  clearTimeout(timer);
  connecting.then(
    (socket) => socket.terminate(),
    () => {},
  );
  return result;
}
