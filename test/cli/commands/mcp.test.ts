import { expect, test } from "bun:test";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { createMcpServer } from "../../../src/app/mcp/protocol.ts";
import { clean } from "../../../src/app/mcp/tools.ts";
import { runCli, startCli } from "../../helpers/cli.ts";
import { GOOD } from "../../helpers/answers.ts";
import { startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { freePort } from "../../helpers/free-port.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";

const KEY = "sk-relay-secret-value-0123456789";
const LISTENING = /on http:\/\/127\.0\.0\.1:(\d+)/;
const MODERN = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
};

interface Answer {
  readonly id: number | string | null;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly data?: unknown };
}

const request = (id: number | string, method: string, params: object = {}): string =>
  JSON.stringify({ jsonrpc: "2.0", id, method, params });

async function ask(home: TempHome, lines: readonly string[], cwd = home.path): Promise<Answer[]> {
  const { code, stderr, stdout } = await runCli(["mcp"], { home, cwd, stdin: lines.join("\n") });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Answer);
}

function configure(home: TempHome, baseUrl: string): void {
  const upstream = { base_url: baseUrl, auth: { auth_token: KEY } };
  const config = { codex: { configs: { main: { upstreams: [upstream] } } } };
  chmodSync(home.write(".codex-helper/config.json", config), 0o600);
}

const textOf = ({ result }: Answer): string =>
  (result?.["content"] as { text: string }[] | undefined)?.[0]?.text ?? "";

test("a client of each era is answered in its revision, and what it may call only reads", async () => {
  using home = makeTempHome();
  const answers = await ask(home, [
    request(1, "initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "x" } }),
    JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" }),
    request(2, "tools/list"),
    request("three", "initialize", { protocolVersion: "1999-01-01" }),
    request(4, "server/discover", { _meta: MODERN }),
    request(5, "tools/list", { _meta: MODERN }),
    request(6, "tools/list", {
      _meta: { ...MODERN, "io.modelcontextprotocol/protocolVersion": "2099-01-01" },
    }),
  ]);
  expect(answers.map(({ id }) => id)).toEqual([1, 2, "three", 4, 5, 6]);
  const [first, tools, other, discovered, modern, refused] = answers;
  expect(first?.result).toMatchObject({ protocolVersion: "2025-06-18", capabilities: { tools: {} } });
  expect(other?.result).toMatchObject({ protocolVersion: "2025-11-25" });
  expect(discovered?.result).toMatchObject({
    resultType: "complete",
    supportedVersions: expect.arrayContaining(["2026-07-28"]),
  });
  const listed = tools?.result?.["tools"] as { name: string; annotations: object; inputSchema: object }[];
  expect(listed.map(({ name }) => name)).toEqual(["quota", "route", "spend"]);
  for (const { annotations, inputSchema } of listed) {
    expect(annotations).toMatchObject({ readOnlyHint: true, destructiveHint: false });
    expect(inputSchema).toMatchObject({ type: "object", additionalProperties: false });
  }
  expect(modern?.result).toMatchObject({ resultType: "complete", cacheScope: "public", tools: listed });
  expect(refused?.error).toMatchObject({ code: -32_022, data: { requested: "2099-01-01" } });
});

test("what is no request has its error, and the next line is answered all the same", async () => {
  using home = makeTempHome();
  const answers = await ask(home, [
    "{ not json",
    "[]",
    '"text"',
    '{"jsonrpc":"2.0","id":{},"method":"ping"}',
    '{"id":1,"method":"ping"}',
    '{"jsonrpc":"2.0","id":2,"method":"ping","params":[]}',
    '{"jsonrpc":"2.0","id":99,"result":{}}',
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}',
    "",
    request(3, "resources/list"),
    request(4, "__proto__"),
    request(5, "tools/call", { name: "rm", arguments: {} }),
    "x".repeat(3 * 2 ** 20),
    `[${request(6, "ping")},${request(7, "ping")}]`,
    request(8, "ping"),
  ]);
  expect(answers.slice(0, -2).map(({ error, id }) => [id, error?.code])).toEqual([
    [null, -32_700],
    [null, -32_600],
    [null, -32_600],
    [null, -32_600],
    [1, -32_600],
    [2, -32_602],
    [3, -32_601],
    [4, -32_601],
    [5, -32_602],
    [null, -32_600],
  ]);
  expect(answers.slice(-2)).toEqual([
    [
      { jsonrpc: "2.0", id: 6, result: {} },
      { jsonrpc: "2.0", id: 7, result: {} },
    ],
    { jsonrpc: "2.0", id: 8, result: {} },
  ] as never);
});

test("any line is answered with one line of JSON, or none", async () => {
  const server = createMcpServer([]);
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (line) => {
      const answer = await server.answer(line);
      if (answer === null) return;
      expect(answer).not.toContain("\n");
      JSON.parse(answer);
    }),
  );
});

test("quota, route and spend say what the screens say, with a proxy and without one", async () => {
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  using home = makeTempHome();
  configure(home, `${upstream.origin}/account-4711/v1`);
  const project = join(home.path, "work/acme");
  mkdirSync(project, { recursive: true });
  const questions = ["quota", "route", "spend"].map((name, id) =>
    request(id, "tools/call", { name, arguments: {} }),
  );
  const before = await ask(home, questions, project);
  expect(before.map(textOf)).toEqual(
    [
      "Codex, config main\nmain#1: ok; what is left is not known",
      "Codex, config main (no proxy is running)\n1. main#1 (127.0.0.1): ok, first in order",
      "Today: nothing\nSession: no request of it is known\nProject acme: today nothing; last 30 days nothing",
    ].map((text) => expect.stringContaining(text.split(" (127")[0] ?? "")),
  );
  await using serving = startCli(["serve", "--no-switch", "-q", "--port", String(freePort())], { home });
  const [, port = ""] = await serving.waitFor(LISTENING);
  const response = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
    method: "POST",
    headers: { "session-id": "0199a3b2-0000" },
    body: '{"model":"gpt-5","stream":true,"store":false,"input":[]}',
  });
  await response.text();
  const after = await ask(
    home,
    [
      ...questions,
      request("session", "tools/call", { name: "spend", arguments: { session: "0199a3b2-0000" } }),
      request("bad", "tools/call", { name: "spend", arguments: { path: "/etc" } }),
    ],
    project,
  );
  expect(textOf(after[1] ?? { id: 0 })).not.toContain("no proxy");
  expect(after[0]?.result).toMatchObject({ structuredContent: { is_running: true, config: "main" } });
  expect(textOf(after[2] ?? { id: 0 })).toMatch(/^Today: 1 requests, 120 tokens in, 30 out, /);
  expect(after[3]?.result).toMatchObject({
    structuredContent: { session: { id: "0199a3b2-0000", requests: 1, output_tokens: 30 } },
  });
  expect(after[4]?.result).toMatchObject({ isError: true });
  const all = JSON.stringify([before, after]);
  for (const hidden of [KEY, "account-4711", home.path]) expect(all).not.toContain(hidden);
});

test("a broken config.json is an answer, without its path; no home at all, too", async () => {
  using home = makeTempHome();
  const question = request(1, "tools/call", { name: "route", arguments: {} });
  const [none] = await ask(home, [question]);
  chmodSync(home.write(".codex-helper/config.json", '{ "codex": '), 0o600);
  const [broken] = await ask(home, [question]);
  for (const answer of [none, broken]) {
    expect(textOf(answer ?? { id: 0 })).not.toBe("");
    expect(JSON.stringify(answer)).not.toContain(home.path);
    expect(JSON.stringify(answer)).not.toContain("~/");
  }
});

test.each([
  ["/home/me/.codex-helper/config.json:1:20: is broken", "…: is broken"],
  ["~/.codex-helper/config.json is missing", "… is missing"],
  ["C:\\Users\\me\\x.json is missing", "… is missing"],
  ["see (/etc/hosts), 5/6 of it, $5/day", "see (…), 5/6 of it, $5/day"],
  [`Bearer ${KEY}`, "Bearer …"],
])("of %p an agent sees %p", (text, seen) => {
  expect(clean(text)).toBe(seen);
});
