// Says who listens on a port of 127.0.0.1: a proxy of ours, which proves it with the token of its run, or whatever else the
// system's tables tell. What a listener says of itself counts for nothing. Never throws.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { UserError, errorCode, ignoreSystemError, onUserError } from "../base/errors.ts";
import { listNames } from "../base/files.ts";
import { isRecord } from "../base/json-value.ts";
import type { Paths } from "../base/paths.ts";
import { identifyProcess } from "../base/process-identity.ts";
import { CLIENT_NAME, type Service } from "../base/service.ts";
import { startOf } from "../base/start.ts";
import { LISTEN, hexPort, listTcpSockets, readTcpTables } from "../base/tcp-table.ts";
import { type Text, t } from "../base/text.ts";
import { loadConfig } from "../config/file.ts";
import { makeEmptyConfig } from "../config/parse.ts";
import { resolveSettings } from "../config/settings.ts";
import { ensureClientToken } from "../state/client-token.ts";
import { findInstances } from "../state/instances.ts";
import { askInstance } from "./ask-instance.ts";

export type PortOwner = OurProxy | Stranger;

interface OurProxy {
  readonly kind: "ours";
  readonly pid: number;
  readonly service: Service;
  /** It answers only those who have the client token. */
  readonly demandsToken: boolean;
}

/** Each is null where the system does not tell. */
interface Stranger {
  readonly kind: "other";
  readonly program: string | null;
  readonly pid: number | null;
  readonly user: string | null;
}

const ASK_MS = 500;
const CONNECT_MS = 500;
const UNKNOWN: Stranger = { kind: "other", program: null, pid: null, user: null };
const LOOK_UP: Readonly<Partial<Record<NodeJS.Platform, (port: number) => Stranger | null>>> = {
  linux: lookIntoProc,
  darwin: (port) => readLsof(ask("/usr/sbin/lsof", "-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-FpcLn"), port),
  win32: (port) => {
    const pid = readNetstat(ask("netstat", "-ano", "-p", "TCP"), port);
    return pid === null ? null : { ...UNKNOWN, pid, program: identifyProcess(pid)?.started ?? null };
  },
};

/** Null where nothing listens there. `run` is where the records of our proxies are. */
export async function lookAtListener(port: number, run: string): Promise<PortOwner | null> {
  return (await isListening(port)) ? await findPortOwner(port, run) : null;
}

/** Of a port that is in use. */
export async function findPortOwner(port: number, run: string): Promise<PortOwner> {
  const records = (await findInstances(run)).running.filter((record) => record.port === port);
  for (const record of records) {
    const health = await askInstance(record, "health", { waitMs: ASK_MS });
    if (!isRecord(health)) continue;
    const { pid, service } = record;
    return { kind: "ours", pid, service, demandsToken: health["client_token"] === true };
  }
  const holder = LOOK_UP[process.platform]?.(port) ?? UNKNOWN;
  // Too busy to answer; but it is that process which has the socket.
  const busy = records.find(({ pid }) => pid === holder.pid);
  return busy === undefined
    ? holder
    : { kind: "ours", pid: busy.pid, service: busy.service, demandsToken: false };
}

/**
 * The proxy on the port that a client is to be pointed at; null where nothing listens yet. Throws UserError where another
 * program would get the client's requests.
 */
export async function requireOurs(port: number, service: Service, run: string): Promise<OurProxy | null> {
  const owner = await lookAtListener(port, run);
  if (owner === null || (owner.kind === "ours" && owner.service === service)) return owner;
  const client = CLIENT_NAME[service];
  const other = `ch serve --${service} --port ${port + 10}`;
  if (owner.kind === "ours")
    throw new UserError(t`port ${port} is served for ${CLIENT_NAME[owner.service]}, not for ${client}`, {
      hint: other,
    });
  throw new UserError(
    t`port ${port} is in use by ${describeStranger(owner)}, not by codex-helper: it would receive ${client}'s requests and key`,
    { hint: t`stop that program, or use another port: ${other}` },
  );
}

/** What has to be in the client's address: where config.json asks for it, or the proxy that is there. Throws UserError. */
export async function chooseClientToken(paths: Paths, proxy: OurProxy | null): Promise<string | null> {
  // What is wrong with config.json keeps no client from being switched.
  const config = await loadConfig(paths.config).catch(onUserError(() => makeEmptyConfig()));
  const isAsked = resolveSettings(config).demandsToken || proxy?.demandsToken === true;
  return isAsked ? await ensureClientToken(paths) : null;
}

/** "python3 (pid 4711, user nobody)" */
export function describeStranger({ pid, program, user }: Stranger): Text {
  if (program !== null && user !== null) return t`${program} (pid ${pid ?? 0}, user ${user})`;
  if (program !== null) return t`${program} (pid ${pid ?? 0})`;
  return user === null ? t`another program` : t`a program of user ${user}`;
}

/** Does anything listen on that port of 127.0.0.1? Also what lets connections wait in a full queue. */
export async function isListening(port: number): Promise<boolean> {
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), CONNECT_MS);
  const heard = Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {}, connectError() {} } }).then(
    (socket) => {
      socket.terminate();
      return true;
    },
    () => false,
  );
  try {
    return (await Promise.race([heard, late.promise])) ?? (await tryPort(port)) === "taken";
  } finally {
    clearTimeout(timer);
  }
}

/** Takes the port for a moment. Linux keeps a list of ports for programs that ask for them by number. */
export async function tryPort(port: number): Promise<"free" | "reserved" | "taken"> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<"free" | "reserved" | "taken">();
  server.once("error", (error) => resolve(errorCode(error) === "EACCES" ? "reserved" : "taken"));
  server.listen({ port, host: "127.0.0.1", exclusive: true }, () => resolve("free"));
  const state = await promise;
  server.close();
  return state;
}

/** Linux: the listening socket and its user in /proc/net, then the process that holds it. */
function lookIntoProc(port: number): Stranger | null {
  const read = (path: string): string => ignoreSystemError(() => readFileSync(path, "utf8"), "");
  const socket = readSockets(readTcpTables(), port);
  if (socket === null) return null;
  const user = nameUser(read("/etc/passwd"), socket.uid);
  const pids = ignoreSystemError(() => readdirSync("/proc"), []).filter((name) => /^\d+$/.test(name));
  const pid = pids.find((one) => holds(one, `socket:[${socket.inode}]`));
  if (pid === undefined) return { ...UNKNOWN, user };
  return { kind: "other", program: read(`/proc/${pid}/comm`).trim() || null, pid: Number(pid), user };
}

/** Local addresses that get a connection to 127.0.0.1, the nearest first. "::1" is none of them. */
const NEAREST = [
  "0100007F",
  "0000000000000000FFFF00000100007F",
  "00000000",
  "0000000000000000FFFF000000000000",
  "00000000000000000000000000000000",
];

/** The socket that answers at 127.0.0.1, from Linux's tables. */
export function readSockets(tables: string, port: number): { uid: number; inode: string } | null {
  const listening = listTcpSockets(tables).filter(({ state }) => state === LISTEN);
  for (const address of NEAREST) {
    const found = listening.find(({ local }) => local === `${address}:${hexPort(port)}`);
    if (found !== undefined) return { uid: found.uid, inode: found.inode };
  }
  return null;
}

/** By /etc/passwd; a user of a directory service has only a number. */
export function nameUser(passwd: string, uid: number): string {
  const line = passwd.split("\n").find((one) => one.split(":")[2] === String(uid));
  return line?.split(":")[0] ?? String(uid);
}

function holds(pid: string, socket: string): boolean {
  const directory = `/proc/${pid}/fd`;
  // What another user's process hides, and a descriptor that was closed since it was listed, holds nothing.
  return listNames(directory).some(
    (fd) => ignoreSystemError(() => readlinkSync(`${directory}/${fd}`), "") === socket,
  );
}

/** `lsof -FpcLn`: lines for a process (p id, c name, L user), then for each of its sockets (n address). */
export function readLsof(output: string, port: number): Stranger | null {
  let process = UNKNOWN;
  const found = new Map<string, Stranger>();
  for (const line of output.split("\n")) {
    const value = line.slice(1);
    if (line.startsWith("p")) process = { ...UNKNOWN, pid: Number(value) };
    else if (line.startsWith("c")) process = { ...process, program: value };
    else if (line.startsWith("L")) process = { ...process, user: value };
    else if (line.startsWith("n") && !found.has(value)) found.set(value, process);
  }
  return found.get(`127.0.0.1:${port}`) ?? found.get(`*:${port}`) ?? null;
}

/** The process that listens there by `netstat -ano`, whose words are in the system's language and whose columns are not. */
export function readNetstat(output: string, port: number): number | null {
  for (const address of ["127.0.0.1", "0.0.0.0", "[::]"]) {
    const local = RegExp.escape(`${address}:${port}`);
    const row = new RegExp(`^ *TCP +${local} +(?:0\\.0\\.0\\.0|\\[::\\]):0 +\\S+ +(\\d+)`, "m").exec(output);
    if (row !== null) return Number(row[1]);
  }
  return null;
}

/** What a tool of the system prints; nothing where it is not there. */
function ask(...command: readonly [string, ...string[]]): string {
  try {
    return Bun.spawnSync({ ...startOf(command), stderr: "ignore", timeout: ASK_MS }).stdout.toString();
  } catch {
    return "";
  }
}
