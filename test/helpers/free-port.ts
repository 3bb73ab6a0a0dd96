/**
 * Each process that asks reserves a block of ports for itself, by listening on the first of them as long as it runs; no
 * port of it is given out twice. The blocks lie below the ports that systems choose from by themselves, so that no
 * connection and no listener on port 0 takes one between here and its use.
 */
const FIRST = 20_000;
const END = 32_000;
const BLOCK = 50;

let next = 0;
let end = 0;

/** A port of loopback that nothing listens on, and that nothing else will choose. */
export function freePort(): number {
  for (;;) {
    if (next === end) reserveBlock();
    const port = next++;
    const listener = tryListen(port);
    if (listener === null) continue;
    listener.stop(true);
    return port;
  }
}

function reserveBlock(): void {
  for (let first = Math.max(FIRST, end); first < END; first += BLOCK) {
    const guard = tryListen(first);
    if (guard === null) continue;
    guard.unref();
    [next, end] = [first + 1, first + BLOCK];
    return;
  }
  throw new Error("no block of ports is left");
}

function tryListen(port: number): Bun.TCPSocketListener | null {
  try {
    return Bun.listen({ hostname: "127.0.0.1", port, exclusive: true, socket: { data() {} } });
  } catch {
    return null;
  }
}
