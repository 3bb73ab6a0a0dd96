// The clients that no load generator plays: one that leaves, one that no longer reads, a thousand at once, the very first.
import type { Socket } from "bun";
import type { Contender } from "./contenders.ts";
import { memoryMb } from "./process-cost.ts";
import { type Kind, makeRequest, type Workload } from "./wire.ts";

/** Of one contender; null where it does not stream, or was not asked. */
export interface DifficultClients {
  readonly name: string;
  /** From the client's leaving to the upstream seeing it go, ms; the longest time that is waited where it does not. */
  readonly leaveMs: number | null;
  /** How much memory grew while a client that does not read was sent 400 MB, MB. */
  readonly stalledMb: number | null;
  /** The first answer after the start, ms. */
  readonly firstMs: number | null;
}

/** Of 1,000 streams opened at once. */
export interface Crowd {
  readonly served: number;
  readonly refused: number;
  /** Neither: broken off, or silent for as long as one waits. */
  readonly lost: number;
}

const LEAVING = 20;
const LEAVING_MS = 1_000;
const STALL_MS = 3_000;
const CROWD = 1_000;
const CROWD_MS = 60_000;

/** `closed` gives the time of the next connection that the upstream sees close (ms since 1970). */
export async function measureLeaving(
  contender: Contender,
  closed: () => Promise<number>,
): Promise<number | null> {
  const times: number[] = [];
  for (let round = 0; round < LEAVING; round += 1) {
    const end = closed();
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    const socket = await open(contender, "silent", () => resolve());
    await begun;
    const leftAt = performance.timeOrigin + performance.now();
    socket.terminate();
    const closedAt = await Promise.race([end, Bun.sleep(LEAVING_MS).then(() => null)]);
    if (closedAt === null) return LEAVING_MS;
    times.push(closedAt - leftAt);
  }
  return times.toSorted((one, other) => one - other)[LEAVING / 2] ?? null;
}

export async function measureStalling(contender: Contender): Promise<number | null> {
  const { pid } = contender;
  if (pid === null) return null;
  const before = memoryMb(pid).now;
  let most = before;
  const socket = await open(contender, "endless", (own) => own.pause());
  const end = performance.now() + STALL_MS;
  while (performance.now() < end) {
    await Bun.sleep(50);
    most = Math.max(most, memoryMb(pid).now);
  }
  socket.terminate();
  return most - before;
}

export async function measureFirst({ dialect, port }: Contender): Promise<number> {
  const startedAt = performance.now();
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = await open({ dialect, port }, "json", () => resolve());
  await promise;
  socket.end();
  return performance.now() - startedAt;
}

export async function measureCrowd(contender: Contender): Promise<Crowd> {
  const one = (): Promise<"served" | "refused" | "lost"> =>
    new Promise((resolve) => {
      let text = "";
      const timer = setTimeout(() => resolve("lost"), CROWD_MS);
      const end = (as: "served" | "refused" | "lost"): void => {
        clearTimeout(timer);
        resolve(as);
      };
      open(
        contender,
        "paced",
        (socket, bytes) => {
          text = (text + bytes.toString("latin1")).slice(0, 12) + bytes.toString("latin1").slice(-5);
          if (text.startsWith("HTTP/1.1 503")) end("refused");
          else if (text.endsWith("0\r\n\r\n")) end("served");
          else return;
          socket.end();
        },
        () => end("lost"),
      ).catch(() => end("lost"));
    });
  const ends = await Promise.all(Array.from({ length: CROWD }, one));
  const count = (as: string): number => ends.filter((end) => end === as).length;
  return { served: count("served"), refused: count("refused"), lost: count("lost") };
}

/** Sends one request and shows what comes back. */
async function open(
  { dialect, port }: Pick<Contender, "dialect" | "port">,
  kind: Kind,
  onData: (socket: Socket, bytes: Buffer) => void,
  onClose: () => void = () => {},
): Promise<Socket> {
  const workload: Workload = { name: "", kind, connections: 1, requests: 1, bodyBytes: 2_000, events: 50 };
  let unsent = makeRequest({ dialect: { ...dialect, hasSession: false }, port, workload });
  const send = (socket: Socket): void => {
    unsent = unsent.subarray(Math.max(0, socket.write(unsent)));
  };
  return await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: { open: send, drain: send, data: onData, close: onClose },
  });
}
