// Which sessions that came through here are still open: those whose program still runs. Which program that is, the system
// tells of the connection that a session's request came on, beside the answer. A session whose program it does not tell is none.
import { readFile, readdir, readlink } from "node:fs/promises";
import { type ProcessIdentity, identifyProcess, isRunning } from "../../base/process-identity.ts";
import { ESTABLISHED, hexPort, listTcpSockets } from "../../base/tcp-table.ts";
import { SERVICE_FACTS, type Service } from "../../base/service.ts";
import { startOf } from "../../base/start.ts";

export interface OpenSessionsOptions {
  readonly service: Service;
  readonly port: () => number;
  /** The process at the other end; null where it is not known. Default: what this system tells. */
  readonly findPeer?: (peerPort: number, port: number) => Promise<number | null>;
}

const MOST_SESSIONS = 500;
const ASK_MS = 1_000;
/** For programs that are still looked for at the end. */
const WAIT_MS = 300;
/** A look goes over all programs that run, some 10 ms: so many at once, and one more so often. */
const MOST_LOOKS = 8;
const LOOK_EVERY_MS = 500;

export function createOpenSessions({ findPeer = findPeerProcess, port, service }: OpenSessionsOptions) {
  /** The programs of the sessions; null while one is looked for, and where it was not found. */
  const sessions = new Map<string, ProcessIdentity | null>();
  const looking = new Map<string, Promise<void>>();
  let looks = MOST_LOOKS;
  let countedAt = performance.now();
  const mayLook = (): boolean => {
    const now = performance.now();
    looks = Math.min(MOST_LOOKS, looks + (now - countedAt) / LOOK_EVERY_MS);
    countedAt = now;
    if (looks < 1) return false;
    looks -= 1;
    return true;
  };
  const look = async (id: string, peerPort: number): Promise<void> => {
    const pid = await findPeer(peerPort, port()).catch(() => null);
    sessions.set(id, pid === null ? null : identifyProcess(pid));
    looking.delete(id);
  };
  return {
    /** Cheap: a session's program is looked for until it is found, and seldom. `peerPort`: of the client's end on 127.0.0.1. */
    note(id: string, peerPort: () => number | undefined): void {
      if (sessions.get(id) != null || looking.has(id)) return;
      if (!sessions.has(id) && sessions.size >= MOST_SESSIONS) return;
      if (!mayLook()) return;
      const peer = peerPort();
      if (peer === undefined) return;
      sessions.set(id, null);
      looking.set(id, look(id, peer));
    },
    /** Ids, the newest last. */
    async listOpen(): Promise<string[]> {
      await Promise.race([Promise.all(looking.values()), Bun.sleep(WAIT_MS)]);
      const running = [...sessions].flatMap(([id, program]) =>
        program !== null && isRunning(program) ? [{ id, pid: program.pid }] : [],
      );
      const isHeld = await Promise.all(running.map(({ pid }) => isProgramOpen(pid, service)));
      return running.filter((_, index) => isHeld[index]).map(({ id }) => id);
    },
  };
}

export async function findPeerProcess(peerPort: number, port: number): Promise<number | null> {
  if (process.platform === "linux") return await findInProc(peerPort, port);
  if (process.platform === "win32") {
    const row = `^ *TCP +127\\.0\\.0\\.1:${peerPort} +127\\.0\\.0\\.1:${port} +\\S+ +(\\d+)`;
    return numberOf(new RegExp(row, "m").exec(await ask("netstat", "-ano", "-p", "TCP")));
  }
  const address = `-iTCP@127.0.0.1:${peerPort}`;
  // Both ends match: ours is not the client.
  const pids = (await ask("/usr/sbin/lsof", "-nP", address, "-sTCP:ESTABLISHED", "-Fp")).matchAll(
    /^p(\d+)$/gm,
  );
  return [...pids].map(numberOf).find((pid) => pid !== process.pid) ?? null;
}

function numberOf(match: RegExpExecArray | null): number | null {
  return match === null ? null : Number(match[1]);
}

/** The socket in Linux's tables, then the process that has it open. */
async function findInProc(peerPort: number, port: number): Promise<number | null> {
  const tables = await Promise.all(
    ["/proc/net/tcp", "/proc/net/tcp6"].map((path) => readFile(path, "utf8").catch(() => "")),
  );
  const [local, remote] = [peerPort, port].map((one) => `0100007F:${hexPort(one)}`);
  const socket = listTcpSockets(tables.join("")).find(
    (one) =>
      one.state === ESTABLISHED && one.local.endsWith(local ?? "") && one.remote.endsWith(remote ?? ""),
  );
  if (socket === undefined) return null;
  const wanted = `socket:[${socket.inode}]`;
  for (const pid of await listPids()) {
    // What another user's process hides, and one that has ended, holds nothing.
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const one of descriptors)
      if ((await readlink(`/proc/${pid}/fd/${one}`).catch(() => "")) === wanted) return Number(pid);
  }
  return null;
}

/** The newest first: a client was started not long ago. */
async function listPids(): Promise<string[]> {
  const names = await readdir("/proc").catch(() => []);
  return names.filter((name) => /^\d+$/.test(name)).toSorted((one, other) => Number(other) - Number(one));
}

/** A client's background service stays when the last of its windows is closed: it counts while there is another of its program. */
async function isProgramOpen(pid: number, service: Service): Promise<boolean> {
  const { daemonWord } = SERVICE_FACTS[service];
  if (daemonWord === undefined || process.platform !== "linux") return true;
  const isDaemon = async (one: number | string): Promise<boolean> =>
    (await readFile(`/proc/${one}/cmdline`, "utf8").catch(() => daemonWord)).includes(daemonWord);
  if (!(await isDaemon(pid))) return true;
  const programOf = (one: number | string): Promise<string | null> =>
    readlink(`/proc/${one}/exe`).catch(() => null);
  const program = await programOf(pid);
  for (const other of await listPids())
    if (program !== null && (await programOf(other)) === program && !(await isDaemon(other))) return true;
  return false;
}

/** What a tool of the system prints; nothing where it is not there. */
async function ask(...command: readonly [string, ...string[]]): Promise<string> {
  try {
    const child = Bun.spawn({
      ...startOf(command),
      stdout: "pipe",
      stderr: "ignore",
      stdin: "ignore",
      timeout: ASK_MS,
    });
    return await new Response(child.stdout).text();
  } catch {
    return "";
  }
}
