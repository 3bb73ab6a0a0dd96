// What the bench's processes tell each other: the workloads, the measures, and the requests' bytes.

/** What the upstream answers with; sent in the query of each request. */
export type Kind = "json" | "sse" | "paced";

export interface Workload {
  readonly name: string;
  readonly kind: Kind;
  readonly connections: number;
  /** Over all connections. */
  readonly requests: number;
  readonly bodyBytes: number;
  /** Events of one answer; 0 for JSON. */
  readonly events: number;
}

/** From the parent to the load generator. */
export interface Order {
  readonly port: number;
  readonly workload: Workload;
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
  const size = (count: number): number => (isQuick ? Math.ceil(count / 8) : count);
  const json = { kind: "json", events: 0 } as const;
  return [
    { name: "JSON 2 KB c=1", ...json, connections: 1, requests: size(4_000), bodyBytes: 2_000 },
    { name: "JSON 2 KB c=16", ...json, connections: 16, requests: size(16_000), bodyBytes: 2_000 },
    { name: "JSON 560 KB c=1", ...json, connections: 1, requests: size(400), bodyBytes: 560_000 },
    { name: "JSON 3.5 MB c=1", ...json, connections: 1, requests: size(80), bodyBytes: 3_500_000 },
    {
      name: "SSE 200 c=16",
      kind: "sse",
      connections: 16,
      requests: size(1_600),
      bodyBytes: 2_000,
      events: 200,
    },
    {
      name: "SSE 2,000 c=16",
      kind: "sse",
      connections: 16,
      requests: size(192),
      bodyBytes: 2_000,
      events: 2_000,
    },
    {
      name: "SSE paced 10 ms c=64",
      kind: "paced",
      connections: 64,
      requests: isQuick ? 64 : 128,
      bodyBytes: 2_000,
      events: 200,
    },
  ];
}

/** A request as Codex sends it: its headers, and a body of about the given size. */
export function makeRequest(port: number, { bodyBytes, events, kind }: Workload): Uint8Array {
  const body = makeBody(bodyBytes, kind !== "json");
  const head = [
    `POST /v1/responses?kind=${kind}&events=${events} HTTP/1.1`,
    "x-codex-beta-features: remote_compaction_v2",
    `x-codex-window-id: ${SESSION}:0`,
    `x-codex-turn-metadata: ${JSON.stringify({ session_id: SESSION, turn_id: SESSION, request_kind: "turn", note: "n".repeat(600) })}`,
    `x-client-request-id: ${SESSION}`,
    `session-id: ${SESSION}`,
    `thread-id: ${SESSION}`,
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

const SESSION = "01a205bd-32a8-7be0-827f-043a731acbfe";

function makeBody(bytes: number, stream: boolean): Buffer {
  const text = 'export function read(path: string) {\n\tif (path === "") throw new Error("empty");\n}\n';
  const body = (input: object[]): string =>
    JSON.stringify({ model: "gpt-6.1-sol", input, store: false, stream, prompt_cache_key: SESSION });
  const item = { type: "message", role: "user", content: [{ type: "input_text", text: text.repeat(4) }] };
  const fixed = body([]).length;
  const each = JSON.stringify(item).length + 1;
  const count = Math.max(1, Math.floor((bytes - fixed) / each));
  return Buffer.from(body(Array.from({ length: count }, () => item)));
}
