// Says who listens on a loopback port: another proxy of ours, some program, or one that we may not see.
// Asks our own health page and the system's tables; never throws.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { ignoreSystemError } from "../../base/errors.ts";
import { listNames } from "../../base/files.ts";
import { isRecord } from "../../base/json-value.ts";
import { CLIENT_NAME, isService } from "../../base/service.ts";
import { PRODUCT } from "../../base/version.ts";
import { identifyProcess } from "../../base/process-identity.ts";
import { askInstance } from "../ask-instance.ts";

export type PortOwner =
  | { readonly kind: "ours"; readonly pid: number; readonly client: string }
  | { readonly kind: "program"; readonly pid: number; readonly name: string }
  | { readonly kind: "unknown" };

const ASK_MS = 500;
const LOOK_UP: Readonly<Partial<Record<NodeJS.Platform, (port: number) => PortOwner | null>>> = {
  linux: lookIntoProc,
  darwin: (port) => readLsof(ask("/usr/sbin/lsof", "-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-Fpc")),
  win32: (port) => {
    const pid = readNetstat(ask("netstat", "-ano", "-p", "TCP"), port);
    const name = pid === null ? null : (identifyProcess(pid)?.started ?? null);
    return pid === null || name === null ? null : { kind: "program", pid, name };
  },
};

export async function findPortOwner(port: number): Promise<PortOwner> {
  return (await askHealth(port)) ?? LOOK_UP[process.platform]?.(port) ?? { kind: "unknown" };
}

async function askHealth(port: number): Promise<PortOwner | null> {
  const health = await askInstance({ port }, "health", { waitMs: ASK_MS });
  if (!isRecord(health) || health["name"] !== PRODUCT) return null;
  const { pid, service } = health;
  return { kind: "ours", pid: Number(pid), client: isService(service) ? CLIENT_NAME[service] : "?" };
}

/** Linux: the listening socket's inode in /proc/net, then the process that holds it. */
function lookIntoProc(port: number): PortOwner | null {
  try {
    const inode = listeningInodes(port);
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      if (holdsAny(pid, inode)) {
        return { kind: "program", pid: Number(pid), name: readFileSync(`/proc/${pid}/comm`, "utf8").trim() };
      }
    }
  } catch {
    // It is not to be read here.
  }
  return null;
}

function listeningInodes(port: number): ReadonlySet<string> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  const tables = ["/proc/net/tcp", "/proc/net/tcp6"].map((path) => readFileSync(path, "utf8"));
  const rows = tables.flatMap((table) => table.split("\n").map((line) => line.trim().split(/\s+/)));
  return new Set(
    rows
      .filter((row) => row[1]?.endsWith(`:${hexPort}`) === true && row[3] === "0A")
      .map((row) => `socket:[${row[9]}]`),
  );
}

function holdsAny(pid: string, sockets: ReadonlySet<string>): boolean {
  const directory = `/proc/${pid}/fd`;
  // What another user's process hides, and a descriptor that was closed since it was listed, holds nothing.
  return listNames(directory).some((fd) =>
    sockets.has(ignoreSystemError(() => readlinkSync(`${directory}/${fd}`), "")),
  );
}

/** "p" and the id, then "c" and the name, a line each: what `lsof -Fpc` says of the first process. */
export function readLsof(output: string): PortOwner | null {
  const [, pid, name] = /^p(\d+)\nc(.+)$/m.exec(output) ?? [];
  return pid === undefined || name === undefined ? null : { kind: "program", pid: Number(pid), name };
}

/** The process that listens there by `netstat -ano`, whose words are in the system's language and whose columns are not. */
export function readNetstat(output: string, port: number): number | null {
  const row = new RegExp(`^ *TCP +\\S+:${port} +(?:0\\.0\\.0\\.0|\\[::\\]):0 +\\S+ +(\\d+)`, "m").exec(
    output,
  );
  return row === null ? null : Number(row[1]);
}

/** What a tool of the system prints; nothing where it is not there. */
function ask(...command: readonly [string, ...string[]]): string {
  try {
    return Bun.spawnSync([...command], { stderr: "ignore", timeout: ASK_MS }).stdout.toString();
  } catch {
    return "";
  }
}
