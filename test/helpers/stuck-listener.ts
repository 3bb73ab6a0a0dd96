import { connect, type Socket } from "node:net";
import { within } from "./wait.ts";

export interface StuckListener extends AsyncDisposable {
  readonly port: number;
}

/** More than any system's backlog of connections that nobody accepts. */
const MOST_CONNECTIONS = 8_192;
const HANGS_AFTER_MS = 250;

/** A port of loopback whose SYNs are not answered: its process stands still and its backlog is full. */
export async function startStuckListener(): Promise<StuckListener> {
  const script = `
    const server = require("node:net").createServer();
    server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(server.address().port));`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  const reader = child.stdout.getReader();
  const port = Number(new TextDecoder().decode((await reader.read()).value));
  child.kill("SIGSTOP");
  const sockets: Socket[] = [];
  const dispose = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    child.kill("SIGKILL");
    await child.exited;
  };
  while (sockets.length < MOST_CONNECTIONS) {
    const socket = connect({ port, host: "127.0.0.1" });
    sockets.push(socket);
    const connected = Promise.withResolvers<true>();
    socket.on("error", () => {});
    socket.once("connect", () => connected.resolve(true));
    const isTaken = await within(connected.promise, { deadlineMs: HANGS_AFTER_MS }).catch(() => false);
    if (!isTaken) return { port, [Symbol.asyncDispose]: dispose };
  }
  await dispose();
  throw new Error("this system's backlog has no end");
}
