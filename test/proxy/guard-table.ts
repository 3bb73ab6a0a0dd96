// The requests that the guard lets pass and refuses: guard.test.ts sends each of them over a socket, and docs/request-guard.md is made
// from them. `bun test/proxy/guard-table.ts` writes it anew.
import { join } from "node:path";
import { makeMarkdownTable, replaceBetween } from "../helpers/markdown-table.ts";

export const GUARD_DOC_PATH = join(import.meta.dir, "../../docs/request-guard.md");

export interface GuardRow {
  /** The first line, without the HTTP version. Default: POST /v1/responses. */
  readonly line?: string;
  readonly version?: string;
  /** PORT stands for the proxy's port, INSTANCE for its id. Null: no Host at all. Default: 127.0.0.1:PORT. */
  readonly host?: string | null;
  readonly fields?: readonly string[];
  /** With limits.client_token; TOKEN stands for the client's token. */
  readonly hasClientToken?: true;
  /** Of the answer; "passes" for one that an upstream is asked for. */
  readonly answer: "passes" | 200 | 400 | 401 | 403 | 404 | 405 | 421 | 426 | 508;
}

interface Group {
  readonly title: string;
  readonly why: string;
  readonly rows: readonly GuardRow[];
}

const page = (...fields: string[]): GuardRow => ({ fields, answer: 403 });
const misdirected = (host: string): GuardRow => ({ host, answer: 421 });

export const GUARD_GROUPS: readonly Group[] = [
  {
    title: "Host",
    why: "Only a name of loopback with the proxy's own port: any other may be a page's that was bound to this address (DNS rebinding).",
    rows: [
      ...["127.0.0.1:PORT", "localhost:PORT", "LOCALHOST:PORT", "[::1]:PORT"].map((host): GuardRow => ({
        host,
        answer: "passes",
      })),
      ...[
        "evil.test",
        "evil.test:PORT",
        "127.0.0.1",
        "127.0.0.1:1",
        "0.0.0.0:PORT",
        "127.1:PORT",
        "2130706433:PORT",
      ].map(misdirected),
      ...[
        "localhost.:PORT",
        "localhost.evil.test:PORT",
        "[::ffff:127.0.0.1]:PORT",
        "user@127.0.0.1:PORT",
        "127.0.0.1:PORT, evil.test",
      ].map(misdirected),
      { host: null, answer: 400 },
      { host: null, version: "HTTP/1.0", answer: 421 },
    ],
  },
  {
    title: "Web pages",
    why: "Browsers say who asks. There is no page that may, ours included, and no answer ever has a CORS header, so that a preflight fails too.",
    rows: [
      ...["https://evil.test", "http://127.0.0.1:PORT", "null", "file://", "chrome-extension://abc"].map(
        (origin) => page(`Origin: ${origin}`),
      ),
      page("Sec-Fetch-Site: cross-site"),
      page("Sec-Fetch-Site: same-site"),
      page("Sec-Fetch-Site: same-origin"),
      page("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"),
      page("Sec-Fetch-Mode: no-cors"),
      page("Sec-Fetch-Mode: navigate", "Sec-Fetch-User: ?1"),
      page("Sec-Fetch-Dest: image"),
      page("Referer: https://evil.test/"),
      { fields: ["Sec-Fetch-Site: none"], answer: "passes" },
      { fields: ["Sec-Fetch-Mode: cors"], answer: "passes" },
      { fields: ["Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"], answer: "passes" },
      {
        line: "OPTIONS /v1/responses",
        fields: ["Access-Control-Request-Method: POST", "Access-Control-Request-Private-Network: true"],
        answer: 403,
      },
      {
        line: "OPTIONS /v1/responses",
        fields: ["Origin: https://evil.test", "Access-Control-Request-Method: POST"],
        answer: 403,
      },
      { line: "GET /__codex-helper/status", fields: ["Origin: http://127.0.0.1:PORT"], answer: 403 },
      { line: "GET /__codex-helper/status", fields: ["Sec-Fetch-Site: same-origin"], answer: 403 },
    ],
  },
  {
    title: "Methods and upgrades",
    why: "What cannot be carried is refused in the way that makes a client go on: Codex turns to plain HTTP at a 426.",
    rows: [
      { line: "TRACE /v1/responses", answer: 405 },
      { line: "GET /v1/responses", fields: ["Connection: Upgrade", "Upgrade: websocket"], answer: 426 },
      { line: "GET /v1/responses", fields: ["Connection: Upgrade", "Upgrade: h2c, WebSocket"], answer: 426 },
      { fields: ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"], answer: "passes" },
    ],
  },
  {
    title: "Targets",
    why: "An absolute target is for another server. Dotted segments are resolved before anything else is done (`/v1/%2e%2e/admin` is `/admin` below the upstream's base URL); a path that a receiver could still read as one that leads away from there is refused.",
    rows: [
      { line: "POST http://evil.test/v1/responses", host: "evil.test", answer: 421 },
      { line: "POST http://127.0.0.1:PORT/v1/responses", answer: "passes" },
      { line: "POST /v1/%2e%2e/admin", answer: "passes" },
      ...["//evil.test/x", "/v1/..%2f..%2fadmin", "/v1/\\evil.test", "/v1/%5c..%5cadmin"].map(
        (path): GuardRow => ({ line: `POST ${path}`, answer: 400 }),
      ),
    ],
  },
  {
    title: "Loops",
    why: "An upstream that leads back here would be asked without end.",
    rows: [
      { fields: ["X-Codex-Helper-Hops: other"], answer: "passes" },
      { fields: ["X-Codex-Helper-Hops: other, INSTANCE"], answer: 508 },
      { fields: ["X-Codex-Helper-Hops: a, b, c, d, e"], answer: 508 },
    ],
  },
  {
    title: "Client token",
    why: "With `limits.client_token` the address has a secret; who asks without it may be another user of the machine.",
    rows: [
      { line: "POST /ch_TOKEN/v1/responses", hasClientToken: true, answer: "passes" },
      { line: "POST /ch_WRONG/v1/responses", hasClientToken: true, answer: 401 },
      { hasClientToken: true, answer: 401 },
      { line: "POST /v1/ch_TOKEN/responses", hasClientToken: true, answer: 401 },
      {
        line: "POST /ch_TOKEN/v1/responses",
        hasClientToken: true,
        fields: ["Origin: https://evil.test"],
        answer: 403,
      },
      { line: "POST /ch_TOKEN/v1/responses", hasClientToken: true, host: "evil.test", answer: 421 },
    ],
  },
  {
    title: "Own pages",
    why: "They hold no secret and change nothing for whoever cannot prove that they know the token of the run.",
    rows: [
      { line: "GET /__codex-helper/health", answer: 200 },
      { line: "POST /__codex-helper/health", answer: 405 },
      { line: "GET /__codex-helper/reset", answer: 405 },
      { line: "POST /__codex-helper/reset", answer: 403 },
      { line: "POST /__codex-helper/reset", fields: ["Authorization: Codex-Helper guessed"], answer: 403 },
      { line: "GET /__codex-helper/nothing", answer: 404 },
    ],
  },
  {
    title: "Framing",
    why: "What two readers could take for two different requests is no request.",
    rows: [
      { fields: ["Content-Length: 1", "Transfer-Encoding: chunked"], answer: 400 },
      { fields: ["Content-Length: 1", "Content-Length: 2"], answer: 400 },
      { fields: ["Content-Length: -1"], answer: 400 },
      { fields: ["X-Folded: a", " b"], answer: 400 },
      { fields: ["X-Space : a"], answer: 400 },
    ],
  },
];

/** First line and fields, as the table and the tests' titles have them. */
export function showRow({ fields = [], host, line = "POST /v1/responses", version }: GuardRow): string {
  const said = host === undefined ? [] : [host === null ? "no Host" : `Host: ${host}`];
  return [version === undefined ? line : `${line} ${version}`, ...said, ...fields].join(" · ");
}

const MARKS = ["<!-- the requests: begin -->", "<!-- the requests: end -->"] as const;

export function withGuardTable(text: string): string {
  const tables = GUARD_GROUPS.map(({ rows, title, why }) => {
    const cells = rows.map((row) => [
      `\`${showRow(row)}\``,
      row.answer === "passes" ? "passes" : `**${row.answer}**`,
    ]);
    return `## ${title}\n\n${why}\n\n${makeMarkdownTable([["request", "answer"], ...cells])}`;
  });
  return replaceBetween(text, MARKS, tables.join("\n\n"));
}

if (import.meta.main) {
  await Bun.write(GUARD_DOC_PATH, withGuardTable(await Bun.file(GUARD_DOC_PATH).text()));
}
