// What the bench's processes tell each other: the workloads, the measures, and the requests' bytes.

/** What the upstream answers with; sent in the query of each request. */
export type Kind =
  | "json"
  | "sse"
  /** A stream of a tool call's arguments; every hundredth event says what the request holds in the place of a redacted text. */
  | "echo"
  | "paced"
  /** A stream of which no more comes than its beginning. */
  | "silent"
  /** 400 MB of events, as fast as they are taken. */
  | "endless";

export interface Workload {
  readonly name: string;
  readonly kind: Kind;
  readonly connections: number;
  /** Over all connections. */
  readonly requests: number;
  readonly bodyBytes: number;
  /** Events of one answer; 0 for JSON. */
  readonly events: number;
  /** Requests of so many sessions, in turns. Absent: of one. */
  readonly sessions?: number;
}

/** What a proxy has to be asked with. */
export interface Dialect {
  readonly format: "responses" | "messages";
  /** Lines that the proxy needs besides those of the client. */
  readonly headers: readonly string[];
  /** False: each request stands alone, so that none stays with the upstream that served the last. */
  readonly hasSession: boolean;
  /** Where the client says that it works. Absent: it does not say. */
  readonly cwd?: string;
}

export const RESPONSES: Dialect = { format: "responses", headers: [], hasSession: true };

/** From the parent to the load generator. */
export interface Order {
  readonly port: number;
  readonly workload: Workload;
  readonly dialect: Dialect;
}

/** Back from the load generator. Times in us. */
export interface Measured {
  readonly seconds: number;
  readonly requests: number;
  /** Answers that were not a whole 200. */
  readonly errors: number;
  /** From the request's last byte to the first byte of the answer's body. */
  readonly ttfbP50: number;
  readonly ttfbP99: number;
  /** From the upstream's write to our read of each paced event, give or take the clocks' constant offset. */
  readonly eventP50: number;
  readonly eventP99: number;
}

export const PACE_MS = 10;

export function workloads(isQuick: boolean): readonly Workload[] {
  const json = (name: string, connections: number, requests: number, bodyBytes: number): Workload => ({
    name: `JSON ${name} c=${connections}`,
    kind: "json",
    connections,
    requests: isQuick ? Math.ceil(requests / 4) : requests,
    bodyBytes,
    events: 0,
  });
  const sse = (kind: "sse" | "paced", events: number, connections: number, requests: number): Workload => ({
    name: `SSE ${events.toLocaleString("en")}${kind === "paced" ? ` every ${PACE_MS} ms` : ""} c=${connections}`,
    kind,
    connections,
    requests: isQuick && kind === "sse" ? Math.ceil(requests / 4) : requests,
    bodyBytes: 2_000,
    events,
  });
  const echo: Workload = { ...sse("sse", 2_000, 1, 100), name: ECHO, kind: "echo", bodyBytes: 560_000 };
  return [
    json("2 KB", 1, 4_000, 2_000),
    json("2 KB", 16, 8_000, 2_000),
    json("2 KB", 64, 8_000, 2_000),
    json("2 KB", 240, 8_000, 2_000),
    json("560 KB", 1, 300, 560_000),
    json("3.5 MB", 1, 60, 3_500_000),
    sse("sse", 200, 16, 1_200),
    sse("sse", 2_000, 16, 128),
    sse("paced", 200, 64, 64),
    echo,
  ];
}

export const ECHO = "redacted 560 KB, SSE 2,000 c=1";

export const WARM_UP: Workload = {
  name: "warm-up",
  kind: "json",
  connections: 16,
  requests: 60_000,
  bodyBytes: 2_000,
  events: 0,
};

/** The streams of the memory test: as many as the proxy takes at once, less a few. */
export const MANY_STREAMS: Workload = {
  name: "240 streams",
  kind: "paced",
  connections: 240,
  requests: 240,
  bodyBytes: 2_000,
  events: 200,
};

/** A request as a client sends it: Codex's headers, and a body of about the given size. */
export function makeRequest({ dialect, port, workload }: Order): Uint8Array {
  const { bodyBytes, events, kind } = workload;
  const text = kind === "echo" ? `${TEXT}connect("host-0.your-company.com");\n` : TEXT;
  const body = makeBody(text, { bytes: bodyBytes, stream: kind !== "json" }, dialect);
  const head = [
    `POST /v1/${dialect.format}?kind=${kind}&events=${events} HTTP/1.1`,
    ...dialect.headers,
    "x-codex-beta-features: remote_compaction_v2",
    `x-codex-window-id: ${SESSION}:0`,
    `x-codex-turn-metadata: ${JSON.stringify({ session_id: SESSION, turn_id: SESSION, request_kind: "turn", note: "n".repeat(600) })}`,
    `x-client-request-id: ${SESSION}`,
    ...(dialect.hasSession ? [`session-id: ${SESSION}`, `thread-id: ${SESSION}`] : []),
    "accept: text/event-stream",
    "content-type: application/json",
    "authorization: Bearer sk-client-placeholder",
    "originator: codex_exec",
    "user-agent: codex_exec/0.169.0 (Debian 12.0.0; x86_64) xterm (codex_exec; 0.169.0)",
    `host: 127.0.0.1:${port}`,
    `content-length: ${body.length}`,
    "",
    "",
  ].join("\r\n");
  return Buffer.concat([Buffer.from(head), body]);
}

/** Where a request names its session: the places of a name's last 12 digits. */
export function findSessionNames(request: Uint8Array): readonly number[] {
  const text = Buffer.from(request.buffer, request.byteOffset, request.length);
  const places: number[] = [];
  for (let at = text.indexOf(SESSION); at >= 0; at = text.indexOf(SESSION, at + 1)) {
    places.push(at + SESSION.length - SESSION_DIGITS);
  }
  return places;
}

export const SESSION_DIGITS = 12;
const SESSION = "01a205bd-32a8-7be0-827f-043a731acbfe";

const TEXT = 'export function read(path: string) {\n\tif (path === "") throw new Error("empty");\n}\n'.repeat(
  4,
);

function makeBody(
  text: string,
  { bytes, stream }: { readonly bytes: number; readonly stream: boolean },
  { cwd, format, hasSession }: Dialect,
): Buffer {
  const body = (items: object[]): string =>
    format === "messages"
      ? JSON.stringify({ model: "claude-sonnet-5", max_tokens: 1_000, messages: items, stream })
      : JSON.stringify({
          model: "gpt-6.1-sol",
          input: items,
          store: false,
          stream,
          ...(hasSession ? { prompt_cache_key: SESSION } : {}),
        });
  const item =
    format === "messages"
      ? { role: "user", content: text }
      : { type: "message", role: "user", content: [{ type: "input_text", text }] };
  const environment = `<environment_context>\n  <cwd>${cwd}</cwd>\n</environment_context>`;
  const said = { type: "message", role: "user", content: [{ type: "input_text", text: environment }] };
  const before = cwd === undefined ? [] : [said];
  const fixed = body(before).length;
  const each = JSON.stringify(item).length + 1;
  const count = Math.max(1, Math.floor((bytes - fixed) / each));
  return Buffer.from(body([...before, ...Array.from({ length: count }, () => item)]));
}
