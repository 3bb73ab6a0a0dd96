// The bench's upstream: raw TCP, answers as its query says, costs as little as it can.  bun bench/upstream.ts
import type { Socket } from "bun";
import { PACE_MS } from "./wire.ts";

interface Peer {
  /** Head bytes of a request that is not complete yet. */
  head: Buffer;
  /** Body bytes that are still to come. */
  bodyLeft: number;
  target: string;
  /** What stands in the body for a redacted text; wanted by some. */
  stand: string;
  /** What the socket would not take. */
  queued: Buffer;
  /** Bytes of an endless stream that are still to come. */
  endless: number;
  /** The parent wants to know when this connection is gone. */
  isWatched: boolean;
}

const EMPTY = Buffer.alloc(0);
const MODEL = "gpt-6.1-sol";
const usage = {
  input_tokens: 1200,
  input_tokens_details: { cached_tokens: 1000 },
  output_tokens: 300,
  output_tokens_details: { reasoning_tokens: 100 },
  total_tokens: 1500,
};
const message = {
  type: "message",
  id: "msg_1",
  role: "assistant",
  status: "completed",
  content: [{ type: "output_text", text: "hello ".repeat(40) }],
};
const json = JSON.stringify({
  id: "resp_1",
  object: "response",
  status: "completed",
  model: MODEL,
  output: [message],
  usage,
});
const JSON_ANSWER = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_1\r\ncontent-length: ${json.length}\r\n\r\n${json}`,
);
/** For proxies that translate to Chat Completions. */
const chat = JSON.stringify({
  id: "chatcmpl_1",
  object: "chat.completion",
  created: 1,
  model: MODEL,
  choices: [
    { index: 0, finish_reason: "stop", message: { role: "assistant", content: "hello ".repeat(40) } },
  ],
  usage: { prompt_tokens: 1200, completion_tokens: 300, total_tokens: 1500 },
});
const CHAT_ANSWER = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${chat.length}\r\n\r\n${chat}`,
);
const OVERLOADED = Buffer.from(
  "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: 43\r\n\r\n" +
    '{"error":{"message":"too much work today"}}',
);
let failing = 0;
const STREAM_HEAD =
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: req_1\r\ntransfer-encoding: chunked\r\n\r\n";

function event(data: { type: string } & Record<string, unknown>): Buffer {
  const text = `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
  return Buffer.from(`${text.length.toString(16)}\r\n${text}\r\n`);
}

const FIRST = Buffer.concat([
  Buffer.from(STREAM_HEAD),
  event({
    type: "response.created",
    response: { id: "resp_1", status: "in_progress", model: MODEL, output: [] },
  }),
]);
const delta = (text: string): Buffer =>
  event({
    type: "response.output_text.delta",
    item_id: "msg_1",
    output_index: 0,
    content_index: 0,
    delta: text,
  });
const DELTA = delta(" and then some more of it");
const calling = (text: string): Buffer =>
  event({ type: "response.function_call_arguments.delta", item_id: "fc_1", output_index: 0, delta: text });
const CALL = calling('{"list":["');
const MORE_OF_CALL = calling(' and a \\"word\\",');
const LAST = Buffer.concat([
  event({ type: "response.output_item.done", output_index: 0, item: message }),
  event({
    type: "response.completed",
    response: { id: "resp_1", status: "completed", model: MODEL, output: [message], usage },
  }),
  Buffer.from("0\r\n\r\n"),
]);
const ENDLESS_BYTES = 400_000_000;
const PIECE = Buffer.concat(Array.from({ length: 500 }, () => DELTA));
const now = (): string => (performance.timeOrigin + performance.now()).toFixed(3);

function readStand(peer: Peer, bytes: Buffer): void {
  if (peer.target.includes("kind=echo"))
    peer.stand = /chx-\w{8}\.example|CHX_\w{8}|\[HOST\]/.exec(bytes.toString("latin1"))?.[0] ?? peer.stand;
}

function send(socket: Socket<Peer>, bytes: Buffer): void {
  const { data } = socket;
  if (data.queued.length > 0) {
    data.queued = Buffer.concat([data.queued, bytes]);
    return;
  }
  const sent = Math.max(0, socket.write(bytes));
  if (sent < bytes.length) data.queued = bytes.subarray(sent);
}

function sendOn(socket: Socket<Peer>): void {
  while (socket.data.endless > 0 && socket.data.queued.length === 0) {
    socket.data.endless -= PIECE.length;
    send(socket, PIECE);
  }
}

function answer(socket: Socket<Peer>): void {
  const query = new URLSearchParams(socket.data.target.split("?")[1] ?? "");
  const events = Number(query.get("events"));
  if (socket.data.target.startsWith("/chat/")) return send(socket, CHAT_ANSWER);
  if (socket.data.target.startsWith("/failing/") && (failing += 1) % 2 === 1) return send(socket, OVERLOADED);
  if (socket.data.target.startsWith("/broken/")) return send(socket, OVERLOADED);
  if (query.get("kind") === "json") return send(socket, JSON_ANSWER);
  send(socket, FIRST);
  if (query.get("kind") === "silent") {
    socket.data.isWatched = true;
    return send(socket, DELTA);
  }
  if (query.get("kind") === "endless") {
    socket.data.endless = ENDLESS_BYTES;
    return sendOn(socket);
  }
  if (query.get("kind") === "sse") {
    for (let n = 0; n < events; n += 1) send(socket, DELTA);
    return send(socket, LAST);
  }
  if (query.get("kind") === "echo") {
    const stands = calling(` at ${socket.data.stand} `);
    for (let n = 0; n < events; n += 1) send(socket, n === 0 ? CALL : n % 100 === 0 ? stands : MORE_OF_CALL);
    return send(socket, LAST);
  }
  let left = events;
  const timer = setInterval(() => {
    if (left > 0) send(socket, delta(`@${now()}@`));
    else {
      clearInterval(timer);
      send(socket, LAST);
    }
    left -= 1;
  }, PACE_MS);
}

const server = Bun.listen<Peer>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(socket) {
      socket.data = {
        head: EMPTY,
        bodyLeft: 0,
        target: "",
        stand: "",
        queued: EMPTY,
        endless: 0,
        isWatched: false,
      };
    },
    data(socket, bytes) {
      const { data } = socket;
      if (data.bodyLeft > 0) {
        data.bodyLeft -= bytes.length;
        readStand(data, bytes);
        if (data.bodyLeft <= 0) answer(socket);
        return;
      }
      data.head = data.head.length === 0 ? Buffer.from(bytes) : Buffer.concat([data.head, bytes]);
      const end = data.head.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = data.head.toString("latin1", 0, end);
      data.target = head.slice(0, head.indexOf("\r\n")).split(" ")[1] ?? "";
      data.bodyLeft =
        Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0) - (data.head.length - end - 4);
      data.head = EMPTY;
      readStand(data, bytes);
      if (data.bodyLeft <= 0) answer(socket);
    },
    drain(socket) {
      const { queued } = socket.data;
      socket.data.queued = EMPTY;
      if (queued.length > 0) send(socket, queued);
      sendOn(socket);
    },
    close(socket) {
      if (socket.data.isWatched) process.send?.({ closedAt: performance.timeOrigin + performance.now() });
    },
  },
});
process.send?.({ port: server.port });
