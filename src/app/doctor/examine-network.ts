// Looks at the network for `doctor`: how far a connection to each upstream comes (its name, its port, its certificate,
// its clock), and the desktop's proxy. Sends no key and no request of the user's: a bare HEAD asks for the time. Never throws.
import { lookup } from "node:dns/promises";
import { type Socket, connect, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import { type Env, readVariable } from "../../base/env.ts";
import { errorCode } from "../../base/errors.ts";
import type { Upstream } from "../../base/upstream.ts";
import type { ExamineOptions, NetworkFacts, Reached, Stage } from "../../doctor/facts.ts";

/** For all stages together: a person waits for it. */
const REACH_MS = 3_000;
const CLOCK_MS = 1_500;
const HEAD_BYTES = 16 * 1024;

/** `upstreams` are the enabled ones; an address that several of them have is tried once. */
export async function collectNetworkFacts(
  upstreams: readonly Upstream[],
  { env, now }: ExamineOptions,
): Promise<NetworkFacts> {
  const byAddress = Map.groupBy(upstreams, ({ baseUrl, proxy }) =>
    proxy === false ? new URL(baseUrl).origin : proxy,
  );
  const reached = [...byAddress.values()].flatMap((same) => {
    const labels = [...new Set(same.map(({ label }) => label))].join(", ");
    return same.slice(0, 1).map(async (first) => ({ ...(await reach(first, now)), labels }));
  });
  return { systemProxy: await readSystemProxy(env), reached: await Promise.all(reached) };
}

/** Of an outbound proxy, only the proxy is tried: what is behind it is the proxy's to say. `now`: wall clock, ms. */
export async function reach(
  { baseUrl, proxy }: Upstream,
  now: () => number,
): Promise<Omit<Reached, "labels">> {
  const address = new URL(proxy === false ? baseUrl : proxy);
  const isSecure = address.protocol === "https:";
  const host = address.hostname.replace(/^\[|\]$/g, "");
  const port = Number(address.port) || (isSecure ? 443 : 80);
  const end = performance.now() + REACH_MS;
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

interface Source {
  readonly command: readonly [program: string, ...args: readonly string[]];
  /** "host:port", or null where none is set. */
  readonly read: (output: string) => string | null;
}

const SOURCES: Readonly<Partial<Record<NodeJS.Platform, Source>>> = {
  linux: { command: ["gsettings", "list-recursively", "org.gnome.system.proxy"], read: readGnome },
  darwin: { command: ["scutil", "--proxy"], read: readMac },
  win32: {
    command: ["reg", "query", "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings"],
    read: readWindows,
  },
};
const ANSWER_MS = 500;
const VARIABLES = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/** "host:port" of the desktop's proxy; null where there is none, or a variable names one already. */
export async function readSystemProxy(env: Env): Promise<string | null> {
  const source = SOURCES[process.platform];
  if (source === undefined || VARIABLES.some((name) => readVariable(env, name) !== undefined)) return null;
  const [program, ...args] = source.command;
  const path = Bun.which(program, { PATH: readVariable(env, "PATH") ?? "" });
  if (path === null) return null;
  try {
    const asked = Bun.spawn([path, ...args], {
      env: { ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
      timeout: ANSWER_MS,
    });
    return source.read(await new Response(asked.stdout).text());
  } catch {
    return null;
  }
}

function readGnome(output: string): string | null {
  if (!/^org\.gnome\.system\.proxy mode 'manual'$/m.test(output)) return null;
  return ["https", "http"].map((scheme) => readPair(output, scheme)).find((pair) => pair !== null) ?? null;
}

function readPair(output: string, scheme: string): string | null {
  const of = (key: string): string =>
    new RegExp(`^org\\.gnome\\.system\\.proxy\\.${scheme} ${key} '?([^'\\n]*)'?$`, "m").exec(output)?.[1] ??
    "";
  return of("host") === "" || of("port") === "0" ? null : `${of("host")}:${of("port")}`;
}

function readMac(output: string): string | null {
  const of = (key: string): string => new RegExp(`^\\s*${key} : (.+)$`, "m").exec(output)?.[1]?.trim() ?? "";
  return of("HTTPSEnable") === "1" ? `${of("HTTPSProxy")}:${of("HTTPSPort")}` : null;
}

function readWindows(output: string): string | null {
  const of = (key: string): string =>
    new RegExp(`^\\s*${key}\\s+REG_\\w+\\s+(.+)$`, "m").exec(output)?.[1]?.trim() ?? "";
  if (of("ProxyEnable") !== "0x1") return null;
  const servers = of("ProxyServer");
  return (
    /(?:^|;)https=([^;]+)/.exec(servers)?.[1] ?? (servers === "" || servers.includes("=") ? null : servers)
  );
}
