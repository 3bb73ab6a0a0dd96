// A scripted upstream on loopback that speaks raw TCP, so that it can do everything a real one does wrong.
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import {
  createMessageReader,
  fieldValue,
  type HeaderField,
  type MessageHead,
  requestFraming,
} from "./http-message.ts";
import { within } from "./wait.ts";

/** Ends the connection the hard way. */
export const RESET = Symbol("reset");
/** Ends the connection cleanly. */
export const FIN = Symbol("fin");
/** Says nothing more until the other side goes away. */
export const SILENCE = Symbol("silence");

/** Bytes go out as they are: status line, headers and framing are the script's own. */
export type Step = string | Uint8Array | typeof RESET | typeof FIN | typeof SILENCE;

/** What one request gets. A generator may await whatever it likes between two steps. Without FIN or RESET at its end the
 *  connection stays open for the next request. */
export type Answer = readonly Step[] | AsyncIterable<Step>;

export interface ReceivedRequest {
  /** 1 for the first request of this upstream. */
  readonly n: number;
  /** 1 for the first connection. */
  readonly connection: number;
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  /** In the order and with the case of the wire. */
  readonly fields: readonly HeaderField[];
  readonly body: Uint8Array;
  /** performance.now() when its last byte had come. */
  readonly at: number;
  header(name: string): string | null;
  text(): string;
  json(): unknown;
}

export interface Connection {
  readonly id: number;
  readonly openedAt: number;
  /** performance.now() when the connection was over, or null. */
  readonly closedAt: number | null;
}

export type Script = ((request: ReceivedRequest, n: number) => Answer) | readonly Answer[];

export interface FakeUpstreamOptions {
  /** Done to a connection as soon as it is there; "serve" reads requests. Default "serve". */
  readonly onAccept?: (connection: number) => "serve" | "reset" | "fin" | "silence";
  /** Answer when the head is there, without reading the body (which goes on being swallowed). */
  readonly answerAtHead?: boolean;
  readonly tls?: { readonly key: string; readonly cert: string };
  /** 0, the default, for any free one. */
  readonly port?: number;
}

export interface FakeUpstream extends AsyncDisposable {
  readonly port: number;
  /** "http://127.0.0.1:PORT" */
  readonly origin: string;
  /** The origin with "/v1": what goes into a config. */
  readonly baseUrl: string;
  /** Complete requests in the order in which they came. */
  readonly requests: readonly ReceivedRequest[];
  readonly connections: readonly Connection[];
  /** The n-th request (1 is the first), as soon as it is complete. */
  gotRequest(n?: number): Promise<ReceivedRequest>;
  /** The n-th connection's end, with the time it came. */
  waitForClose(n?: number): Promise<Connection & { readonly closedAt: number }>;
  /** Bytes written so far to all connections; with a reader that stalls it stands still. */
  readonly bytesWritten: number;
  /** Requests from now on get this. A list starts again at its first answer. */
  play(script: Script): void;
  close(): Promise<void>;
}

interface Line {
  readonly id: number;
  readonly openedAt: number;
  closedAt: number | null;
}

/** Starts an upstream. A list of answers gives one to each request in turn, the last one again and again. */
export async function startFakeUpstream(
  script: Script,
  options: FakeUpstreamOptions = {},
): Promise<FakeUpstream> {
  let played = script;
  let playedFrom = 0;
  const requests: ReceivedRequest[] = [];
  const connections: Line[] = [];
  const sockets = new Set<Socket>();
  const watchers = new Set<() => void>();
  let bytesWritten = 0;
  const changed = (): void => {
    for (const watcher of watchers) watcher();
  };
  const when = async <T>(find: () => T | null, what: string): Promise<T> => {
    const found = Promise.withResolvers<T>();
    const look = (): void => {
      const value = find();
      if (value !== null) found.resolve(value);
    };
    watchers.add(look);
    look();
    try {
      return await within(found.promise, { what });
    } finally {
      watchers.delete(look);
    }
  };
  const answerFor = (request: ReceivedRequest): Answer => {
    const n = request.n - playedFrom;
    if (typeof played === "function") return played(request, n);
    return played[Math.min(n, played.length) - 1] ?? [FIN];
  };
  const receive = (head: MessageHead, body: Uint8Array, connection: number): ReceivedRequest => {
    const [method = "", target = ""] = head.startLine.split(" ");
    const request: ReceivedRequest = {
      n: requests.length + 1,
      connection,
      method,
      target,
      fields: head.fields,
      body,
      at: performance.now(),
      header: (name) => fieldValue(head, name),
      text: () => new TextDecoder().decode(body),
      json: () => JSON.parse(new TextDecoder().decode(body)) as unknown,
    };
    requests.push(request);
    changed();
    return request;
  };

  const serve = (socket: Socket): void => {
    const line: Line = { id: connections.length + 1, openedAt: performance.now(), closedAt: null };
    connections.push(line);
    sockets.add(socket);
    const gone = Promise.withResolvers<void>();
    const over = (): void => {
      if (line.closedAt !== null) return;
      line.closedAt = performance.now();
      sockets.delete(socket);
      gone.resolve();
      changed();
    };
    socket.on("error", over);
    socket.on("close", over);
    socket.on("end", () => {
      over();
      socket.end();
    });
    changed();
    const manner = options.onAccept?.(line.id) ?? "serve";
    if (manner === "reset") return void socket.resetAndDestroy();
    if (manner === "fin") return void socket.end();
    socket.on("data", () => {});
    if (manner === "silence") return;

    const write = async (bytes: string | Uint8Array): Promise<void> => {
      if (line.closedAt !== null) return;
      const written = Promise.withResolvers<void>();
      socket.write(bytes, () => written.resolve());
      await Promise.race([written.promise, gone.promise]);
      bytesWritten += bytes.length;
    };
    const give = async (answer: Answer): Promise<void> => {
      for await (const step of answer) {
        if (line.closedAt !== null) return;
        if (step === RESET) return void socket.resetAndDestroy();
        if (step === FIN) return void socket.end();
        if (step === SILENCE) await gone.promise;
        else await write(step);
      }
    };

    const reader = createMessageReader();
    let head: MessageHead | null = null;
    let answering: Promise<void> = Promise.resolve();
    const read = (): void => {
      for (;;) {
        if (head === null) {
          head = reader.head();
          if (head === null) return;
          if (options.answerAtHead === true) {
            const request = receive(head, new Uint8Array(0), line.id);
            answering = answering.then(() => give(answerFor(request)));
          }
        }
        const body = reader.body(requestFraming(head));
        if (!body.isComplete) return;
        if (options.answerAtHead !== true) {
          const request = receive(head, Buffer.concat(body.chunks), line.id);
          answering = answering.then(() => give(answerFor(request)));
        }
        head = null;
        reader.next();
      }
    };
    socket.on("data", (bytes: Buffer) => {
      reader.push(bytes);
      read();
    });
  };

  const server: Server =
    options.tls === undefined
      ? createServer({ allowHalfOpen: true, noDelay: true }, serve)
      : createTlsServer({ ...options.tls, allowHalfOpen: true }, serve);
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen(options.port ?? 0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const { port } = server.address() as AddressInfo;
  const origin = `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`;

  const close = async (): Promise<void> => {
    const closed = Promise.withResolvers<void>();
    server.close(() => closed.resolve());
    for (const socket of sockets) socket.destroy();
    await closed.promise;
  };
  return {
    port,
    origin,
    baseUrl: `${origin}/v1`,
    requests,
    connections,
    get bytesWritten() {
      return bytesWritten;
    },
    gotRequest: (n = 1) => when(() => requests[n - 1] ?? null, `request ${n}`),
    waitForClose: (n = 1) =>
      when(() => {
        const line = connections[n - 1];
        return line === undefined || line.closedAt === null ? null : { ...line, closedAt: line.closedAt };
      }, `the end of connection ${n}`),
    play(next) {
      played = next;
      playedFrom = requests.length;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
