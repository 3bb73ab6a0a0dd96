// Looks at the network for `doctor`: how far a connection to each upstream comes (the outbound proxy, its tunnel, the name, the
// port, the certificate, an answer and its clock), and the desktop's proxy. Sends no key and no request of the user's: a bare HEAD asks for the time. Never throws.
import { accessSync, constants } from "node:fs";
import type { Socket } from "node:net";
import { delimiter } from "node:path";
import { type Env, readVariable } from "../../base/env.ts";
import { createTrust } from "../../base/trust.ts";
import type { Upstream } from "../../base/upstream.ts";
import type { ExamineOptions, NetworkFacts, Reached, Stage } from "../../doctor/facts.ts";
import { nameFault } from "../../proxy/name-fault.ts";
import { openWay, proxyLogin, readHead, within } from "../../proxy/way.ts";
import { HTTPS_PORT } from "../../routing/network-faults.ts";

/** For the connection; a person waits for it. Through a proxy there are more steps. */
const REACH_MS = { direct: 3_000, proxied: 5_000 } as const;
const HTTP_MS = 1_500;

/** `upstreams` are the enabled ones; a way that several of them have is tried once. */
export async function collectNetworkFacts(
  upstreams: readonly Upstream[],
  { env, now }: ExamineOptions,
): Promise<NetworkFacts> {
  const byWay = Map.groupBy(upstreams, ({ origin, proxy, tlsCa }) => JSON.stringify([proxy, origin, tlsCa]));
  const reached = [...byWay.values()].flatMap((same) => {
    const labels = [...new Set(same.map(({ label }) => label))].join(", ");
    return same.slice(0, 1).map(async (first) => ({ ...(await reach(first, now)), labels }));
  });
  return {
    systemProxy: await readSystemProxy(env),
    trust: listTrust(env),
    reached: await Promise.all(reached),
  };
}

/** Of files, and of directories parted by colons. */
const TRUST_FILES = ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "CODEX_CA_CERTIFICATE"];
const TRUST_DIRECTORIES = "SSL_CERT_DIR";
const TRUST_OTHERS = ["NODE_TLS_REJECT_UNAUTHORIZED"];

function listTrust(env: Env): NetworkFacts["trust"] {
  return [...TRUST_FILES, TRUST_DIRECTORIES, ...TRUST_OTHERS].flatMap((variable) => {
    const value = readVariable(env, variable)?.trim();
    if (value === undefined) return [];
    const isFile = TRUST_FILES.includes(variable);
    const paths = variable === TRUST_DIRECTORIES ? value.split(delimiter) : isFile ? [value] : [];
    return [{ variable, value, unreadable: paths.find((path) => !isReadable(path)) ?? null }];
  });
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** `now`: wall clock, ms. */
export async function reach(
  { baseUrl, credential, label, proxy, service, tlsCa }: Upstream,
  now: () => number,
): Promise<Omit<Reached, "labels">> {
  const target = new URL(baseUrl);
  const withinMs = REACH_MS[proxy === false ? "direct" : "proxied"];
  const first = { label, service, baseUrl, credential: credential.kind };
  const known = { first, host: target.host, proxy: proxy === false ? null : new URL(proxy).host };
  const trust = tlsCa === null ? null : createTrust(now)(tlsCa);
  if (trust?.kind === "unusable")
    return { ...known, stages: [], clockAheadMs: null, trustProblem: trust.why };
  const ca = trust === null ? {} : { ca: trust.ca };
  const { socket, steps } = await openWay(baseUrl, proxy, { verify: true, withinMs, ...ca });
  const broken = steps.at(-1);
  if (socket === null && broken?.name === "tls" && proxy === false) {
    const error = await nameFault(target.origin, broken.error ?? "");
    return { ...known, stages: [...steps.slice(0, -1), { ...broken, error }], clockAheadMs: null };
  }
  if (socket === null) return { ...known, stages: steps, clockAheadMs: null };
  const isThroughProxy = proxy !== false && target.protocol === "http:";
  const began = performance.now();
  const asked = now();
  const { error, value } = await within(
    askHead(socket, target, isThroughProxy ? new URL(proxy) : null),
    HTTP_MS,
  );
  const answered = now();
  socket.destroy();
  const failure = value === null || value === "" || /^HTTP\S+ 400 /.test(value);
  const isForTls =
    failure && proxy === false && target.protocol === "http:" && (await takesTls(target.origin));
  const status = /^HTTP\/\d(?:\.\d)? (\d{3})/.exec(value ?? "")?.[1];
  const isRefused = isThroughProxy && /^(?:407|50[234])$/.test(status ?? "");
  const stage: Stage = {
    name: "http",
    host: isRefused ? new URL(proxy).host : target.host,
    isProxy: isRefused,
    tookMs: performance.now() - began,
    error: isForTls
      ? HTTPS_PORT
      : isRefused
        ? (status ?? "")
        : (error ?? (status === undefined ? "ECONNRESET" : null)),
  };
  const date = Date.parse(/^date: *(.+)$/im.exec(value ?? "")?.[1]?.trim() ?? "");
  // A Date has whole seconds: on average it is half a one behind. It is the upstream's own only where it answered.
  const clockAheadMs = Number.isNaN(date) || isRefused ? null : date + 500 - (asked + answered) / 2;
  return { ...known, stages: [...steps, stage], clockAheadMs };
}

/** A port for TLS breaks off what is no handshake, or answers 400. */
async function takesTls(origin: string): Promise<boolean> {
  return (await nameFault(origin, "")) === HTTPS_PORT;
}

/** The head of the answer to a bare HEAD, without a key. */
async function askHead(socket: Socket, { host, origin }: URL, proxy: URL | null): Promise<string> {
  const target = proxy === null ? "/" : `${origin}/`;
  const login = proxy === null ? "" : proxyLogin(proxy);
  socket.write(
    `HEAD ${target} HTTP/1.1\r\nhost: ${host}\r\nuser-agent: codex-helper\r\n${login}connection: close\r\n\r\n`,
  );
  return await readHead(socket);
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
