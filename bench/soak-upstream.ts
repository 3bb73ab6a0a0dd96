// An upstream for the soak: answers well, or badly in one of the ways that relays have.
import type { Socket } from "bun";

interface Peer {
  /** Head bytes of a request that is not complete yet. */
  head: string;
  bodyLeft: number;
  wantsStream: boolean;
}

const head = (status: string, lines: readonly string[]): string =>
  ["HTTP/1.1 " + status, ...lines, "", ""].join("\r\n");
const whole = (status: string, type: string, body: string): string =>
  head(status, [`content-type: ${type}`, `content-length: ${Buffer.byteLength(body)}`]) + body;
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const event = (data: { type: string } & Record<string, unknown>): string =>
  chunk(`event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`);

const STREAM_HEAD = head("200 OK", ["content-type: text/event-stream", "transfer-encoding: chunked"]);
const usage = { input_tokens: 10, output_tokens: 5, total_tokens: 15 };
const CREATED = event({ type: "response.created", response: { id: "r", status: "in_progress", output: [] } });
const DELTA = event({ type: "response.output_text.delta", output_index: 0, delta: "some more ".repeat(20) });
const COMPLETED = event({
  type: "response.completed",
  response: { id: "r", status: "completed", output: [], usage },
});
const DOCUMENT = JSON.stringify({ id: "r", object: "response", status: "completed", output: [], usage });

type Behaviour = (socket: Socket<Peer>, wantsStream: boolean) => void;

const good: Behaviour = (socket, wantsStream) => {
  if (!wantsStream) return void socket.write(whole("200 OK", "application/json", DOCUMENT));
  socket.write(STREAM_HEAD + CREATED);
  let left = 2 + Math.floor(Math.random() * 20);
  const timer = setInterval(() => {
    left -= 1;
    if (left > 0 && socket.write(DELTA.repeat(10)) >= 0) return;
    clearInterval(timer);
    socket.write(`${COMPLETED}0\r\n\r\n`);
  }, 5);
};
const bad: readonly Behaviour[] = [
  (socket) =>
    socket.write(whole("429 Too Many Requests", "application/json", '{"error":{"message":"slow down"}}')),
  (socket) => socket.write(whole("500 Internal Server Error", "text/plain", "x".repeat(20_000))),
  (socket) =>
    socket.write(whole("503 Service Unavailable", "application/json", '{"error":{"message":"busy"}}')),
  (socket) => socket.write(whole("200 OK", "text/html", "<html>log in first</html>")),
  (socket) => socket.write(whole("200 OK", "application/json", '{"error":{"message":"no balance"}}')),
  (socket) => socket.terminate(),
  (socket) => {
    socket.write(STREAM_HEAD + CREATED + DELTA);
    socket.terminate();
  },
  (socket) => {
    socket.write(`${STREAM_HEAD}${CREATED}${DELTA}0\r\n\r\n`);
  },
  // Silent for longer than the proxy waits.
  () => {},
  (socket) => {
    socket.write(STREAM_HEAD + CREATED + DELTA);
  },
];

/** `badShare`: how many of its answers are bad, 0 to 1. */
export function startBadUpstream(badShare: number): {
  readonly port: number;
  /** How often it was asked what is left. */
  polls(): number;
  stop(): void;
} {
  let polls = 0;
  const answer = (socket: Socket<Peer>): void => {
    const behaviour = Math.random() < badShare ? bad[Math.floor(Math.random() * bad.length)] : undefined;
    (behaviour ?? good)(socket, socket.data.wantsStream);
  };
  const server = Bun.listen<Peer>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = { head: "", bodyLeft: 0, wantsStream: false };
      },
      data(socket, bytes) {
        const { data } = socket;
        if (data.bodyLeft > 0) {
          data.bodyLeft -= bytes.length;
          if (data.bodyLeft <= 0) answer(socket);
          return;
        }
        data.head += bytes.toString("latin1");
        const end = data.head.indexOf("\r\n\r\n");
        if (end < 0) return;
        const length = Number(/\r\ncontent-length: *(\d+)/i.exec(data.head.slice(0, end))?.[1] ?? 0);
        if (data.head.startsWith("GET /left ")) {
          polls += 1;
          data.head = "";
          socket.write(whole("200 OK", "application/json", '{"left":12.5}'));
          return;
        }
        data.wantsStream = data.head.includes("\r\nx-soak: stream\r\n");
        data.bodyLeft = length - (data.head.length - end - 4);
        data.head = "";
        if (data.bodyLeft <= 0) answer(socket);
      },
    },
  });
  return { port: server.port, polls: () => polls, stop: () => server.stop(true) };
}
