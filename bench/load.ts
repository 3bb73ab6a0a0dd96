// The bench's client: raw keep-alive connections, one request after the other on each.  Takes orders from its parent.
import type { Socket } from "bun";
import { findSessionNames, makeRequest, type Measured, type Order, SESSION_DIGITS } from "./wire.ts";

interface Line {
  sentAt: number;
  /** The rest of the request that the socket would not take yet. */
  unsent: Uint8Array;
  head: Buffer;
  inBody: boolean;
  status: number;
  /** Bytes of the body still to come; -1 for a chunked one. */
  left: number;
  /** The end of what was read of a chunked body. */
  tail: string;
}

const EMPTY = Buffer.alloc(0);
const LAST_CHUNK = "0\r\n\r\n";
const clockMs = (): number => performance.timeOrigin + performance.now();

async function run(order: Order): Promise<Measured> {
  const { port, workload } = order;
  const request = makeRequest(order);
  const { sessions = 1 } = workload;
  const names = sessions > 1 ? findSessionNames(request) : [];
  const ttfbs: number[] = [];
  const latencies: number[] = [];
  let toStart = workload.requests;
  let finished = 0;
  let errors = 0;
  let open = workload.connections;
  const done = Promise.withResolvers<void>();
  const isPaced = workload.kind === "paced";

  const next = (socket: Socket<Line>): void => {
    if (toStart === 0) {
      socket.end();
      return;
    }
    toStart -= 1;
    const line = socket.data;
    Object.assign(line, { head: EMPTY, inBody: false, left: 0, tail: "" });
    if (names.length > 0) {
      const digits = Buffer.from(`${toStart % sessions}`.padStart(SESSION_DIGITS, "0"));
      for (const place of names) request.set(digits, place);
    }
    flush(socket, request);
    line.sentAt = performance.now();
  };
  const flush = (socket: Socket<Line>, bytes: Uint8Array): void => {
    const sent = Math.max(0, socket.write(bytes));
    socket.data.unsent = bytes.subarray(sent);
    if (sent === bytes.length) socket.data.sentAt = performance.now();
  };
  const finish = (socket: Socket<Line>): void => {
    finished += 1;
    if (socket.data.status !== 200) errors += 1;
    next(socket);
  };
  const readBody = (socket: Socket<Line>, bytes: Buffer): void => {
    const line = socket.data;
    if (isPaced) {
      const at = clockMs();
      for (const [, stamp] of bytes.toString("latin1").matchAll(/@(\d+\.\d+)@/g)) {
        latencies.push((at - Number(stamp)) * 1_000);
      }
    }
    if (line.left >= 0) {
      line.left -= bytes.length;
      if (line.left <= 0) finish(socket);
      return;
    }
    line.tail = (line.tail + bytes.toString("latin1", Math.max(0, bytes.length - 5))).slice(-5);
    if (line.tail === LAST_CHUNK) finish(socket);
  };
  const read = (socket: Socket<Line>, bytes: Buffer): void => {
    const line = socket.data;
    if (line.inBody) return readBody(socket, bytes);
    line.head = line.head.length === 0 ? Buffer.from(bytes) : Buffer.concat([line.head, bytes]);
    const end = line.head.indexOf("\r\n\r\n");
    if (end < 0 || line.head.length === end + 4) return;
    ttfbs.push((performance.now() - line.sentAt) * 1_000);
    const head = line.head.toString("latin1", 0, end);
    line.inBody = true;
    line.status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    line.left = length === undefined ? -1 : Number(length);
    readBody(socket, line.head.subarray(end + 4));
  };

  const startedAt = performance.now();
  for (let n = 0; n < workload.connections; n += 1) {
    await Bun.connect<Line>({
      hostname: "127.0.0.1",
      port,
      data: { sentAt: 0, unsent: EMPTY, head: EMPTY, inBody: false, status: 0, left: 0, tail: "" },
      socket: {
        open: next,
        data: read,
        drain(socket) {
          if (socket.data.unsent.length > 0) flush(socket, socket.data.unsent);
        },
        close() {
          open -= 1;
          if (open === 0) done.resolve();
        },
      },
    });
  }
  await done.promise;
  const seconds = (performance.now() - startedAt) / 1_000;
  // A connection that broke took its request with it.
  errors += workload.requests - finished;
  return {
    seconds,
    requests: finished,
    errors,
    ttfbP50: percentile(ttfbs, 0.5),
    ttfbP99: percentile(ttfbs, 0.99),
    eventP50: percentile(latencies, 0.5),
    eventP99: percentile(latencies, 0.99),
  };
}

function percentile(values: number[], share: number): number {
  if (values.length === 0) return 0;
  values.sort((one, other) => one - other);
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
}

process.on("message", (order: Order) => {
  void run(order).then((measured) => process.send?.(measured));
});
process.send?.("ready");
