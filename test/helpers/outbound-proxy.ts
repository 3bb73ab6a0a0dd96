// A scripted outbound proxy on loopback.
import { type AddressInfo, type Socket, connect, createServer } from "node:net";

const OPEN = "HTTP/1.1 200 Connection established\r\n\r\n";
const LOGIN = "user:pass%20word";

export type Manner = (socket: Socket, head: string) => void;

/** An outbound proxy that does one thing with each connection when it has said what it wants. */
export async function startOutbound(manner: Manner) {
  const heads: string[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (chunk) => {
      heads.push(chunk.toString("latin1"));
      manner(socket, chunk.toString("latin1"));
    });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const { port } = server.address() as AddressInfo;
  const host = `127.0.0.1:${port}`;
  return {
    host,
    url: `http://${LOGIN}@${host}`,
    heads,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      await closed.promise;
    },
  };
}

export const says =
  (status: string, more = ""): Manner =>
  (socket) =>
    void socket.end(`HTTP/1.1 ${status}\r\n${more}content-length: 2\r\n\r\nno`);
export const tunnelTo =
  (port: number): Manner =>
  (socket) => {
    const inner = connect(port, "127.0.0.1", () => socket.write(OPEN));
    inner.on("error", () => socket.destroy());
    socket.on("close", () => inner.destroy());
    inner.on("close", () => socket.destroy());
    socket.pipe(inner);
    inner.pipe(socket);
  };
/** Until the other side leaves. */
export const isMute: Manner = (socket) => void socket.once("end", () => socket.destroy());
export const opensTo =
  (then: Manner): Manner =>
  (socket, head) => {
    socket.write(OPEN);
    socket.once("data", () => then(socket, head));
  };
