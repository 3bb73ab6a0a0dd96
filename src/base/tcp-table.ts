// Linux's tables of TCP sockets, proc_net_tcp(5): which address has which socket, and whose it is. Empty elsewhere.
import { readFileSync } from "node:fs";
import { ignoreSystemError } from "./errors.ts";

export interface TcpSocket {
  /** "0100007F:0C8B" */
  readonly local: string;
  readonly remote: string;
  readonly state: string;
  readonly uid: number;
  readonly inode: string;
}

export const LISTEN = "0A";
export const ESTABLISHED = "01";

/** Of both families; "" where they cannot be read. */
export function readTcpTables(): string {
  const tables = ["/proc/net/tcp", "/proc/net/tcp6"];
  return tables.map((path) => ignoreSystemError(() => readFileSync(path, "utf8"), "")).join("");
}

export function listTcpSockets(tables: string): TcpSocket[] {
  return tables.split("\n").map((line) => {
    const [, local = "", remote = "", state = "", , , , uid = "", , inode = ""] = line.trim().split(/\s+/);
    return { local, remote, state, uid: Number(uid), inode };
  });
}

/** As the tables write it. */
export function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}
