// A client that sends exactly the bytes it is told to, and shows exactly what came back.
import { connect, type Socket } from "node:net";
import {
  createMessageReader,
  fieldValue,
  type MessageHead,
  responseFraming,
  statusOf,
} from "./http-message.ts";
import { within } from "./wait.ts";

export interface RawResponse {
  readonly status: number;
  readonly head: MessageHead;
  readonly body: Uint8Array;
  /** `complete`: the body's framing was satisfied; `fin` and `reset`: the connection ended before it was, or (fin) a body
   *  that only the end delimits. */
  readonly end: "complete" | "fin" | "reset";
  header(name: string): string | null;
  text(): string;
}

export interface RawClient extends AsyncDisposable {
  send(bytes: string | Uint8Array): void;
  /** The next response, read to its end; interim 1xx responses are passed over. */
  response(method?: string, deadlineMs?: number): Promise<RawResponse>;
  /** Resolves as soon as the head of the next response and at least so many bytes of its body are there. */
  begun(bodyBytes?: number): Promise<void>;
  /** Every byte received so far. */
  readonly received: number;
  /** How the connection ended, once it has. */
  readonly ended: Promise<"fin" | "reset">;
  /** Stops reading, so that the other side feels backpressure. */
  pause(): void;
  resume(): void;
  /** No more bytes will come from here. */
  fin(): void;
  reset(): void;
}

/** Connects to a port of loopback. */
export async function connectRaw(port: number): Promise<RawClient> {
  const socket: Socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  const opened = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<"fin" | "reset">();
  const reader = createMessageReader();
  let received = 0;
  let over: "fin" | "reset" | null = null;
  let wake = Promise.withResolvers<void>();
  const notify = (): void => {
    wake.resolve();
    wake = Promise.withResolvers();
  };
  const finish = (as: "fin" | "reset"): void => {
    over ??= as;
    ended.resolve(over);
    notify();
  };
  socket.once("connect", opened.resolve);
  socket.on("error", (error) => {
    opened.reject(error);
    finish("reset");
  });
  socket.on("end", () => finish("fin"));
  socket.on("close", () => finish("fin"));
  socket.on("data", (bytes: Buffer) => {
    received += bytes.length;
    reader.push(bytes);
    notify();
  });
  await within(opened.promise, { what: `a connection to port ${port}` });

  /** The head of the response that is being read, until it is read to its end. */
  let current: MessageHead | null = null;
  const readHead = async (): Promise<MessageHead> => {
    for (;;) {
      current ??= reader.head();
      if (current !== null && statusOf(current) >= 200) return current;
      if (current !== null) current = null;
      else if (over !== null) throw new Error(`the connection ended (${over}) before a response`);
      else await wake.promise;
    }
  };
  const readResponse = async (method: string): Promise<RawResponse> => {
    const head = await readHead();
    const framing = responseFraming(head, method);
    for (;;) {
      const body = reader.body(framing);
      if (body.isComplete || over !== null) {
        const bytes = Buffer.concat(body.chunks);
        current = null;
        reader.next();
        return {
          status: statusOf(head),
          head,
          body: bytes,
          end: body.isComplete ? "complete" : (over ?? "fin"),
          header: (name) => fieldValue(head, name),
          text: () => new TextDecoder().decode(bytes),
        };
      }
      await wake.promise;
    }
  };
  return {
    send(bytes) {
      socket.write(bytes);
    },
    response: (method = "POST", deadlineMs = 10_000) =>
      within(readResponse(method), { what: "a response", deadlineMs }),
    async begun(bodyBytes = 0) {
      const read = async (): Promise<void> => {
        const framing = responseFraming(await readHead(), "GET");
        while (reader.body(framing).bytes < bodyBytes) await wake.promise;
      };
      await within(read(), { what: "the beginning of a response" });
    },
    get received() {
      return received;
    },
    ended: ended.promise,
    pause() {
      socket.pause();
    },
    resume() {
      socket.resume();
    },
    fin() {
      socket.end();
    },
    reset() {
      socket.resetAndDestroy();
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}

export interface RawRequest {
  readonly method?: string;
  readonly path?: string;
  /** Complete field lines without their CRLF; Host and Content-Length come by themselves unless named here. */
  readonly fields?: readonly string[];
  readonly body?: string | Uint8Array;
  /** Longest wait for the answer. Default 10,000. */
  readonly deadlineMs?: number;
}

/** The bytes of an ordinary request. */
export function makeRequestBytes(port: number, request: RawRequest = {}): Uint8Array {
  const { body = "", fields = [], method = "POST", path = "/v1/responses" } = request;
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const has = (name: string): boolean => fields.some((field) => field.toLowerCase().startsWith(`${name}:`));
  const head = [
    `${method} ${path} HTTP/1.1`,
    ...(has("host") ? [] : [`Host: 127.0.0.1:${port}`]),
    ...fields,
    ...(bytes.length === 0 || has("content-length") || has("transfer-encoding")
      ? []
      : [`Content-Length: ${bytes.length}`]),
    "",
    "",
  ].join("\r\n");
  return Buffer.concat([Buffer.from(head), bytes]);
}

/** One request on a connection of its own. */
export async function sendRaw(port: number, request: RawRequest = {}): Promise<RawResponse> {
  await using client = await connectRaw(port);
  client.send(makeRequestBytes(port, request));
  return await client.response(request.method, request.deadlineMs);
}
