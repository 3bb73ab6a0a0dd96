// The way to an upstream, step by step: the name, the port, the tunnel through an outbound proxy, the TLS handshake. Sends no
// request and no key but the proxy's own. Loaded only where a way is in doubt, and by `doctor`.
import { lookup } from "node:dns/promises";
import { type Socket, connect, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import { errorCode } from "../base/errors.ts";

export interface WayStep {
  readonly name: "dns" | "tcp" | "connect" | "tls";
  /** The one that it leads to, as `URL#host` has it. */
  readonly host: string;
  readonly isProxy: boolean;
  readonly tookMs: number;
  /** A code such as ENOTFOUND, the status that a proxy gave to CONNECT, or "timeout"; null where it went well. */
  readonly error: string | null;
}

export interface Way {
  /** The first one that failed is the last one. */
  readonly steps: readonly WayStep[];
  /** To the upstream; for an http one behind a proxy, to the proxy. Null where a step failed. The caller's to close. */
  readonly socket: Socket | null;
}

/** No answer to CONNECT is longer. */
const HEAD_BYTES = 64 * 1024;

/** `withinMs` is for all steps together. Never throws. */
export async function openWay(
  url: string,
  proxy: string | false,
  { ca, verify, withinMs }: { readonly verify: boolean; readonly withinMs: number; readonly ca?: string },
): Promise<Way> {
  const target = new URL(url);
  const first = proxy === false ? target : new URL(proxy);
  const steps: WayStep[] = [];
  const end = performance.now() + withinMs;
  /** Sockets of a step that fails are let go: one that still waits would keep the process. */
  const run = async <T>(
    name: WayStep["name"],
    at: URL,
    work: Promise<T>,
    sockets: readonly Socket[] = [],
  ): Promise<T | null> => {
    const began = performance.now();
    const { error, value } = await within(work, end - began);
    const isProxy = proxy !== false && at === first;
    steps.push({ name, host: at.host, isProxy, tookMs: performance.now() - began, error });
    for (const socket of sockets)
      if (error !== null || (name === "tcp" && socket !== value)) socket.destroy();
    return value;
  };
  const shake = async (socket: Socket, at: URL): Promise<Socket | null> => {
    const host = hostOf(at);
    const name = isIP(host) > 0 ? { host } : { servername: host };
    const secure = connectTls({
      socket,
      ...name,
      rejectUnauthorized: verify,
      ...(ca === undefined ? {} : { ca }),
    });
    return await run("tls", at, open(secure, "secureConnect"), [secure, socket]);
  };

  const host = hostOf(first);
  const found = isIP(host) > 0 ? [{ address: host }] : await run("dns", first, lookup(host, { all: true }));
  if (found === null) return { steps, socket: null };
  const sockets = found.map(({ address }) => connect({ host: address, port: portOf(first) }));
  let socket = await run("tcp", first, openFirst(sockets), sockets);
  if (socket !== null && first.protocol === "https:") socket = await shake(socket, first);
  if (socket === null || proxy === false || target.protocol === "http:") return { steps, socket };
  const tunnel = await run("connect", first, askForTunnel(socket, first, target), [socket]);
  return { steps, socket: tunnel === null ? null : await shake(tunnel, target) };
}

/** The name or address alone, without brackets. */
const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, "");
const portOf = (url: URL): number => Number(url.port) || (url.protocol === "https:" ? 443 : 80);

/** What a proxy wants to see in front of a request: nothing, or the line with the user and password of its address. */
export function proxyLogin({ password, username }: URL): string {
  if (username === "" && password === "") return "";
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `proxy-authorization: Basic ${Buffer.from(login).toString("base64")}\r\n`;
}

/** Rejects with the status as its code where the proxy refuses. */
async function askForTunnel(socket: Socket, proxy: URL, target: URL): Promise<Socket> {
  const address = `${target.hostname}:${portOf(target)}`;
  socket.write(`CONNECT ${address} HTTP/1.1\r\nhost: ${address}\r\n${proxyLogin(proxy)}\r\n`);
  const head = await readHead(socket);
  const status = /^HTTP\/1\.\d (\d{3})/.exec(head)?.[1];
  if (status?.startsWith("2") === true) return socket;
  throw Object.assign(new Error("no tunnel"), { code: status ?? "ECONNRESET" });
}

/** As much as came of the head of an answer, until it was whole or the connection over. */
export async function readHead(socket: Socket): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let text = "";
  const read = (chunk: Buffer): void => {
    text += chunk.toString("latin1");
    if (text.includes("\r\n\r\n") || text.length > HEAD_BYTES) resolve();
  };
  socket.on("data", read);
  for (const event of ["close", "error"]) socket.once(event, resolve);
  await promise;
  socket.off("data", read);
  return text;
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

/** Of what is not there in time, nothing is heard any more. */
export async function within<T>(
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
