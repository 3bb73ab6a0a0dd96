// What is no engine, or does not stop to answer, is given up before it is kept.
import { expect, test } from "bun:test";
import { type AddressInfo, type Socket, createServer } from "node:net";
import { connect, EngineError } from "../../../src/app/share/engine.ts";
import { inEnglish, isText } from "../../../src/base/text.ts";

const MIB = 2 ** 20;

/** Writes for as long as it is read, 64 MiB at most. */
function flood(socket: Socket, first: string, count: (bytes: number) => void): void {
  socket.on("error", () => {});
  socket.write(first);
  const part = Buffer.alloc(MIB / 4, "a");
  let written = 0;
  const next = (): void => {
    while (!socket.destroyed && written < 64 * MIB) {
      written += part.length;
      count(part.length);
      if (!socket.write(part)) return void socket.once("drain", next);
    }
  };
  next();
}

test.each(["+", "-ERR ", "aaaa", "%3", "$999999999"])("a first line that never ends: %s", async (first) => {
  let bytes = 0;
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    flood(socket, first, (more) => (bytes += more));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const shown = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const error = await connect({ url: `redis://${shown}`, shown, ca: null }, "channel").catch(
      (why: unknown) => why,
    );
    expect(error).toBeInstanceOf(EngineError);
    const { words } = error as EngineError;
    expect(isText(words) ? inEnglish(words) : words).toContain(shown);
    expect(connections).toBe(1);
    // What the system's own buffers take is not kept here.
    expect(bytes).toBeLessThan(16 * MIB);
  } finally {
    server.close();
  }
});
