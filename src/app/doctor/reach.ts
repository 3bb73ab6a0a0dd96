// Finds out how far a connection to an upstream comes: its name, its port, its certificate, its clock. No key and no request of
// the user's is sent; a bare HEAD asks for nothing but the time. Never throws.
import { lookup } from "node:dns/promises";
import { type Socket, connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { isIP } from "node:net";
import { errorCode } from "../../base/errors.ts";
import type { Reached, Stage } from "../../doctor/facts.ts";

export interface ReachTarget {
  /** The upstream's base URL. */
  readonly url: string;
  /** The outbound proxy before it, or false. Only the proxy is tried then: what is behind it is the proxy's to say. */
  readonly proxy: string | false;
}

export interface ReachOptions {
  /** For all stages together, ms. */
  readonly withinMs: number;
  /** Wall clock, ms. */
  readonly now: () => number;
}

export async function reach(
  { proxy, url }: ReachTarget,
  { now, withinMs }: ReachOptions,
): Promise<Omit<Reached, "labels">> {
  const address = new URL(proxy === false ? url : proxy);
  const isSecure = address.protocol === "https:";
  const host = address.hostname.replace(/^\[|\]$/g, "");
  const port = Number(address.port) || (isSecure ? 443 : 80);
  const end = performance.now() + withinMs;
  const stages: Stage[] = [];
  const result = (clockAheadMs: number | null) => ({
    host: address.port === "" ? address.hostname : address.host,
    isOutboundProxy: proxy !== false,
    stages,
    clockAheadMs,
  });
  /** Sockets of a stage that fails are let go: one that still waits would keep the process. */
  const run = async <T>(
    name: Stage["name"],
    work: Promise<T>,
    sockets: readonly Socket[] = [],
  ): Promise<T | null> => {
    const began = performance.now();
    const outcome = await within(work, end - began);
    stages.push({ name, tookMs: performance.now() - began, error: outcome.error });
    for (const socket of sockets) if (socket !== outcome.value) socket.destroy();
    return outcome.value;
  };

  const found = isIP(host) > 0 ? [{ address: host }] : await run("dns", lookup(host, { all: true }));
  if (found === null) return result(null);
  const sockets = found.map((one) => connect({ host: one.address, port }));
  const plain = await run("tcp", openFirst(sockets), sockets);
  if (plain === null) return result(null);
  const target = { host: plain.remoteAddress ?? host, port };
  if (!isSecure) return result(proxy === false ? await askClock(plain, address.host, now) : null);
  plain.destroy();
  const name = isIP(host) > 0 ? {} : { servername: host };
  const shaking = connectTls({ ...target, ...name });
  const secure = await run("tls", open(shaking, "secureConnect"), [shaking]);
  return result(secure === null || proxy !== false ? null : await askClock(secure, address.host, now));
}

const CLOCK_MS = 1_500;
const HEAD_BYTES = 16 * 1024;

/** The Date of the answer to a HEAD, against the middle of the exchange; null where none came. Closes the socket. */
async function askClock(socket: Socket, host: string, now: () => number): Promise<number | null> {
  const asked = now();
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    if (text.includes("\r\n\r\n") || text.length > HEAD_BYTES) resolve(text);
  });
  for (const event of ["close", "error"]) socket.once(event, () => resolve(text));
  socket.write(`HEAD / HTTP/1.1\r\nhost: ${host}\r\nuser-agent: codex-helper\r\nconnection: close\r\n\r\n`);
  const { value } = await within(promise, CLOCK_MS);
  socket.destroy();
  const date = Date.parse(/^date: *(.+)$/im.exec(value ?? "")?.[1]?.trim() ?? "");
  // A Date has whole seconds: on average it is half a one behind.
  return Number.isNaN(date) ? null : date + 500 - (asked + now()) / 2;
}

/** The first that is there: where a name has addresses of both kinds, often only one of them leads anywhere. */
async function openFirst(sockets: readonly Socket[]): Promise<Socket> {
  try {
    return await Promise.any(sockets.map((socket) => open(socket, "connect")));
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  }
}

function open(socket: Socket, event: "connect" | "secureConnect"): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  socket.once(event, () => resolve(socket));
  socket.on("error", reject);
  socket.once("close", () => reject(Object.assign(new Error("closed"), { code: "ECONNRESET" })));
  return promise;
}

async function within<T>(
  work: Promise<T>,
  ms: number,
): Promise<{ readonly value: T; readonly error: null } | { readonly value: null; readonly error: string }> {
  const late = Promise.withResolvers<"timeout">();
  const timer = setTimeout(() => late.resolve("timeout"), Math.max(0, ms));
  try {
    const value = await Promise.race([work, late.promise]);
    if (value !== "timeout") return { value, error: null };
    work.catch(() => {});
    return { value: null, error: "timeout" };
  } catch (error) {
    return { value: null, error: errorCode(error) ?? "unknown error" };
  } finally {
    clearTimeout(timer);
  }
}
