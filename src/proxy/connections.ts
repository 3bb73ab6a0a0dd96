// The connections to upstreams: a young pool for ordinary requests, single-use ones for asking again when a pooled
// connection turned out to be dead, and a bare connect that only says whether an address accepts one.
import { closeSync, openSync } from "node:fs";
import { SHORTAGES, errorCode } from "../base/errors.ts";
import type { Trust } from "../base/trust.ts";
import type { Upstream } from "../base/upstream.ts";
import type { AttemptOutcome } from "../routing/types.ts";

export type Connections = ReturnType<typeof createConnections>;

/** Relays close idle connections after 15-60 s: ours must be the younger ones. */
const KEEP_ALIVE_SECS = 15;
/** Bun's idle timer moves in steps of 4 s and may be two steps late. */
const KEEP_ALIVE_MAX_MS = (KEEP_ALIVE_SECS + 8) * 1000;

/** As long as a kept connection may stay silent before it is given up for a fresh one. */
const STALE_AFTER_MS = 10_000;
/** So many times the longest wait for a head that was seen lately. */
const STALE_TIMES = 2;
const MAX_WAITS = 8;

/** How a port without TLS takes a handshake. Bun says EPROTO also of every alert. */
const PERHAPS_HTTP = /^(?:EPROTO|ECONNRESET|ConnectionClosed|timeout)$/;
/** How a port for TLS ends a request in plain text. */
const PERHAPS_TLS = /^(?:ECONNRESET|ConnectionClosed|Malformed_HTTP_Response)$/;
const codeOf = (outcome: AttemptOutcome): string => {
  if (outcome.kind === "timeout" && outcome.phase === "connect") return "timeout";
  return outcome.kind === "transport" ? outcome.code : "";
};
/** A port does not change from http to https while one looks. */
const NAME_AGAIN_MS = 60_000;

/** The monotonic clock stands still while the computer sleeps. */
const SLEEP_MS = 5_000;
/** Nobody sends a request so soon after one that a sleep began and ended in between. */
const LOOK_AGAIN_MS = 2;

/** `now` is a monotonic clock in ms, `wallNow` the wall clock. */
export function createConnections(now: () => number, wallNow: () => number = Date.now) {
  const pooled = new Bun.FetchSession({ keepAlive: { idleTimeout: KEEP_ALIVE_SECS } });
  const single = new Bun.FetchSession({ keepAlive: false });
  const names = new Map<string, { readonly of: string; readonly code: string; readonly at: number }>();
  let trust: ((path: string) => Trust) | null = null;
  let seenAt = now();
  /** How far the wall clock is ahead of the monotonic one. */
  let ahead = wallNow() - seenAt;
  let wokeAt = -Infinity;
  /** What was kept before a sleep leads nowhere, and is closed by its idle time only now. */
  const hasJustWoken = (at = now()): boolean => {
    if (at - seenAt >= LOOK_AGAIN_MS) {
      const before = ahead;
      seenAt = at;
      ahead = wallNow() - at;
      if (ahead - before > SLEEP_MS) wokeAt = at;
    }
    return at - wokeAt <= KEEP_ALIVE_MAX_MS;
  };
  let underWay = 0;
  let turn: Promise<void> | null = null;
  const lastReleased = new Map<string, number>();
  /** How long the last answers of each address were waited for, ms. */
  const headWaits = new Map<string, number[]>();
  const nextTurn = (): Promise<void> =>
    new Promise((resolve) => {
      setImmediate(() => {
        turn = null;
        resolve();
      });
    });
  return {
    /** `fresh`: a connection that no request has used before. */
    fetch: (fresh: boolean) => (fresh || hasJustWoken() ? single : pooled).fetch,
    /**
     * When to send a request beside others: together with those that came in the same turn of the event loop. Bun's thread for
     * fetch then wakes up once for all of them. Null for at once. Each call needs one of `sent`.
     */
    together(): Promise<void> | null {
      underWay += 1;
      return underWay === 1 ? null : (turn ??= nextTurn());
    },
    /** Its head is there, or will not come. */
    sent(): void {
      underWay -= 1;
    },
    /** Call when an attempt at the upstream is over and its connection may have gone back to the pool. */
    released(upstream: Upstream): void {
      lastReleased.set(upstream.baseUrl, now());
    },
    /** Could a request sent now go out on a kept-alive connection? Bun does not say, so this is an upper bound. */
    mayHaveBeenReused(upstream: Upstream): boolean {
      const releasedAt = lastReleased.get(upstream.baseUrl);
      if (releasedAt === undefined) return false;
      const at = now();
      return at - releasedAt <= KEEP_ALIVE_MAX_MS && !hasJustWoken(at);
    },
    noteHead({ baseUrl }: Upstream, waitMs: number): void {
      const waits = headWaits.get(baseUrl);
      if (waits === undefined) headWaits.set(baseUrl, [waitMs]);
      else if (waits.push(waitMs) > MAX_WAITS) waits.shift();
    },
    /**
     * How long a head is waited for on a kept connection that may lead nowhere (a computer that slept, another network, a
     * tunnel that died behind the proxy). Null where the upstream has been so slow before that its silence says nothing.
     */
    staleAfterMs({ baseUrl }: Upstream): number | null {
      const waits = headWaits.get(baseUrl);
      return waits !== undefined && Math.max(...waits) * STALE_TIMES <= STALE_AFTER_MS
        ? STALE_AFTER_MS
        : null;
    },
    /** A failure of a new connection, with a code that says more where a handshake tells it: it is tried once in a while, and not where there were answers. */
    async named(outcome: AttemptOutcome, { baseUrl, origin, proxy }: Upstream): Promise<AttemptOutcome> {
      const of = codeOf(outcome);
      const isInDoubt = (origin.startsWith("https:") ? PERHAPS_HTTP : PERHAPS_TLS).test(of);
      if (proxy !== false || !isInDoubt || headWaits.has(baseUrl)) return outcome;
      let known = names.get(origin);
      if (known?.of !== of || now() - known.at >= NAME_AGAIN_MS) {
        const { nameFault } = await import("./name-fault.ts");
        known = { of, code: await nameFault(origin, of), at: now() };
        names.set(origin, known);
      }
      if (known.code === of) return outcome;
      const sent = outcome.kind === "transport" ? outcome.sent : "never";
      return { kind: "transport", code: known.code, sent };
    },
    /** What an upstream's `tls_ca` says. */
    async trustOf(path: string): Promise<Trust> {
      trust ??= (await import("../base/trust.ts")).createTrust(Date.now);
      return trust(path);
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
  /** `code` may be the status that a proxy gave to CONNECT. `step`: where the way ended; "tcp" for the first address. */
  | { readonly kind: "refused"; readonly code: string; readonly step: "tcp" | "connect" | "tls" }
  | { readonly kind: "timeout"; readonly step: "tcp" | "connect" | "tls" };

/**
 * One bare TCP connect, with the TLS handshake for https, and no request: no token is spent on it. Certificates are left
 * for the real request to judge. Behind an outbound proxy an https address is tried through it, and of an http one the proxy alone.
 * Never throws.
 */
export async function checkConnect(
  url: string,
  proxy: string | false,
  timeoutMs: number,
): Promise<ConnectResult> {
  if (proxy !== false && url.startsWith("https:")) return await checkThrough(url, proxy, timeoutMs);
  const address = new URL(proxy === false ? url : proxy);
  const secure = address.protocol === "https:";
  const { promise, resolve } = Promise.withResolvers<ConnectResult>();
  const timer = setTimeout(() => resolve({ kind: "timeout", step: "tcp" }), timeoutMs);
  const fail = (error: unknown): void =>
    resolve({ kind: "refused", code: errorCode(error) ?? "ECONNREFUSED", step: "tcp" });
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

async function checkThrough(url: string, proxy: string, withinMs: number): Promise<ConnectResult> {
  const { openWay } = await import("./way.ts");
  const { socket, steps } = await openWay(url, proxy, { verify: false, withinMs });
  socket?.destroy();
  const { error = null, isProxy = true, name } = steps.at(-1) ?? {};
  if (error === null) return { kind: "connected" };
  const step = name === "connect" ? name : isProxy ? "tcp" : "tls";
  return error === "timeout" ? { kind: "timeout", step } : { kind: "refused", code: error, step };
}
