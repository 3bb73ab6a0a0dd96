// A relay that is behind a client's release: what it refuses is asked of another upstream, else left out where it may be.
import { describe, expect, test } from "bun:test";
import { GOOD, reply } from "../helpers/answers.ts";
import { type Answer, type ReceivedRequest, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";

const refuse = (message: string, status = 400, extra: Record<string, unknown> = {}): Answer =>
  reply({ status, body: { error: { type: "invalid_request_error", message, ...extra } } });

const CODEX = {
  model: "gpt-5",
  stream: true,
  store: false,
  input: [{ role: "user", content: "hi" }],
  tools: [
    { type: "function", name: "shell", parameters: {} },
    { type: "web_search" },
    { type: "namespace", name: "functions", tools: [{ type: "custom", name: "exec" }] },
  ],
  include: ["reasoning.encrypted_content"],
  prompt_cache_key: "k-1",
  text: { verbosity: "low" },
  reasoning: { effort: "low", summary: "auto" },
};
const CLAUDE = {
  model: "claude-x",
  stream: true,
  max_tokens: 10,
  system: [
    { type: "text", text: "be brief", cache_control: { type: "ephemeral", ttl: "1h", scope: "global" } },
  ],
  messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
  tools: [
    { name: "Bash", input_schema: {} },
    { name: "Later", input_schema: {}, defer_loading: true },
  ],
  context_management: { edits: [] },
  output_config: { effort: "medium" },
};
const BETAS = "claude-code-20250219,context-management-2025-06-27,effort-2025-11-24,files-api-2025-04-14";

const clients = {
  codex: {
    path: "/v1/responses",
    body: CODEX as Record<string, unknown>,
    headers: {
      "content-type": "application/json",
      "user-agent": "codex_exec/0.171.0 (Debian)",
      "session-id": "s-1",
    },
    good: (text: string) => GOOD.responses({ text }),
  },
  claude: {
    path: "/v1/messages",
    body: CLAUDE as Record<string, unknown>,
    headers: {
      "content-type": "application/json",
      "user-agent": "claude-cli/2.1.332 (external, cli)",
      "anthropic-beta": BETAS,
      "x-claude-code-session-id": "s-1",
    },
    good: (text: string) => GOOD.messages({ text }),
  },
} as const;
type Service = keyof typeof clients;

/** Answers `message` to what `takes` does not like. */
const picky =
  (service: Service, takes: (request: ReceivedRequest) => Answer | null) =>
  (request: ReceivedRequest): Answer =>
    takes(request) ?? clients[service].good("from the relay");

interface Refusal {
  readonly service: Service;
  readonly what: string;
  /** What the log says was left out. */
  readonly dropped: readonly string[];
  readonly relay: (request: ReceivedRequest) => Answer | null;
}

const field = (service: Service, name: string, dropped: string, message: string): Refusal => ({
  service,
  what: message,
  dropped: [dropped],
  relay: (request) => (request.text().includes(`"${name}"`) ? refuse(message) : null),
});
const beta = (name: string, dropped: readonly string[], message: string): Refusal => ({
  service: "claude",
  what: message,
  dropped,
  relay: (request) => (request.header("anthropic-beta")?.includes(name) === true ? refuse(message) : null),
});

const DROPPABLE: readonly Refusal[] = [
  field(
    "claude",
    "context_management",
    "context_management",
    "context_management: Extra inputs are not permitted",
  ),
  field(
    "claude",
    "defer_loading",
    "tools.*.defer_loading",
    "tools.1.custom.defer_loading: Extra inputs are not permitted",
  ),
  field(
    "claude",
    "scope",
    "cache_control.scope",
    "system.0.cache_control.ephemeral.scope: Extra inputs are not permitted",
  ),
  field("claude", "output_config", "output_config.effort", "output_config: Extra inputs are not permitted"),
  field("codex", "include", "include", "Unknown parameter: 'include'."),
  field("codex", "prompt_cache_key", "prompt_cache_key", "Unsupported parameter: prompt_cache_key"),
  field("codex", "verbosity", "text.verbosity", "Unrecognized request argument supplied: text.verbosity"),
  field("codex", "summary", "reasoning.summary", "不支持的参数：reasoning.summary"),
  field("codex", "web_search", "tool web_search", "Unknown tool type: web_search"),
  beta(
    "context-management-2025-06-27",
    ["context-management-2025-06-27", "context_management"],
    "Unexpected value(s) `context-management-2025-06-27` for the `anthropic-beta` header.",
  ),
  beta(
    "effort",
    ["effort-2025-11-24", "output_config.effort"],
    "The beta effort-2025-11-24 is not supported by this channel",
  ),
];

describe("a refusal that names something", () => {
  test.each(DROPPABLE.map((one) => [one.what, one] as const))(
    "%s: a backup answers, and gets the next turn at once",
    async (_what, { relay, service }) => {
      const { body, good, headers, path } = clients[service];
      await using first = await startFakeUpstream(picky(service, relay));
      await using backup = await startFakeUpstream([good("from the backup")]);
      await using proxy = startTestProxy({ service, upstreams: [first.baseUrl, backup.baseUrl] });
      for (let turn = 0; turn < 2; turn += 1) {
        const response = await proxy.ask(path, body, { headers });
        expect([response.status, await response.text()]).toEqual([200, expect.stringContaining("backup")]);
      }
      expect([first.requests.length, backup.requests.length]).toEqual([1, 2]);
      expect(backup.requests[0]?.text()).toBe(JSON.stringify(body));
      const [asked] = proxy.upstreams;
      expect(asked && proxy.router.report(asked)).toMatchObject({ availability: "ok", failures: 0 });
    },
  );

  test.each(DROPPABLE.map((one) => [one.what, one] as const))(
    "%s: without a backup it is left out, at once from the next turn on",
    async (_what, { dropped, relay, service }) => {
      const { body, headers, path } = clients[service];
      await using only = await startFakeUpstream(picky(service, relay));
      await using proxy = startTestProxy({ service, upstreams: [only.baseUrl] });
      for (const asked of [2, 3]) {
        const response = await proxy.ask(path, body, { headers });
        expect([response.status, await response.text()]).toEqual([200, expect.stringContaining("relay")]);
        expect(only.requests.length).toBe(asked);
      }
      expect(await proxy.entry(1)).toMatchObject({ outcome: "ok", dropped: [...dropped] });
      expect(await proxy.entry(2)).toMatchObject({ outcome: "ok", dropped: [...dropped] });
    },
  );
});

test("what is left out is cut out of the bytes, and nothing else changes", async () => {
  const text =
    '{ "model":"gpt-5", "metadata" : {"a":1} ,\n "stream":true,"big":1234567890123456789,"minus":-0, "input":[{"role":"user","content":"metadata \\u0041"}] }';
  const takes = (request: ReceivedRequest) =>
    request.text().includes('"metadata"') ? refuse("Unknown parameter: 'metadata'.") : null;
  await using only = await startFakeUpstream(picky("codex", takes));
  await using proxy = startTestProxy({ upstreams: [only.baseUrl] });
  expect((await proxy.ask("/v1/responses", text)).status).toBe(200);
  expect(only.requests[1]?.text()).toBe(text.replace(', "metadata" : {"a":1}', ""));
});

test("an upstream that names one thing after the other goes without all of them", async () => {
  const takes = (request: ReceivedRequest) => {
    for (const name of ["include", "prompt_cache_key", "verbosity"])
      if (request.text().includes(`"${name}"`)) return refuse(`Unknown parameter: '${name}'.`);
    return null;
  };
  await using only = await startFakeUpstream(picky("codex", takes));
  await using proxy = startTestProxy({ upstreams: [only.baseUrl] });
  const { body, headers, path } = clients.codex;
  expect((await proxy.ask(path, body, { headers })).status).toBe(200);
  expect(only.requests.length).toBe(4);
  expect(await proxy.entry(1)).toMatchObject({ dropped: ["include", "prompt_cache_key", "text.verbosity"] });
});

test("an unnamed beta flag costs those that may go, and the rest stays", async () => {
  const takes = (request: ReceivedRequest) =>
    request.header("anthropic-beta")?.includes("effort") === true ? refuse("invalid beta flag") : null;
  await using only = await startFakeUpstream(picky("claude", takes));
  await using proxy = startTestProxy({ service: "claude", upstreams: [only.baseUrl] });
  const { body, headers, path } = clients.claude;
  expect((await proxy.ask(path, body, { headers })).status).toBe(200);
  expect(only.requests[1]?.header("anthropic-beta")).toBe("files-api-2025-04-14");
  expect(only.requests[1]?.text()).not.toContain("context_management");
});

describe("what is not on the list is never left out", () => {
  test.each([
    ["codex", "Unknown tool type: namespace"],
    ["codex", "Unsupported value: 'reasoning.effort' does not support 'low' with this model."],
    ["codex", "Unknown parameter: 'store'."],
    ["claude", "max_tokens: Extra inputs are not permitted"],
    ["claude", "Unexpected value(s) `files-api-2025-04-14` for the `anthropic-beta` header."],
    ["claude", "tools.0.input_schema: Extra inputs are not permitted"],
  ] as const)("%s: %s", async (service, message) => {
    const { body, headers, path } = clients[service];
    await using only = await startFakeUpstream([refuse(message)]);
    await using proxy = startTestProxy({ service, upstreams: [only.baseUrl] });
    const response = await proxy.ask(path, body, { headers });
    expect([response.status, await response.text()]).toEqual([
      400,
      expect.stringContaining(message.slice(0, 10)),
    ]);
    expect(only.requests.length).toBe(1);
    expect(await proxy.entry(1)).not.toHaveProperty("dropped", expect.anything());
  });

  test("nor a part of an object that holds something else", async () => {
    await using only = await startFakeUpstream([refuse("output_config: Extra inputs are not permitted")]);
    await using proxy = startTestProxy({ service: "claude", upstreams: [only.baseUrl] });
    const { headers, path } = clients.claude;
    const body = { ...CLAUDE, output_config: { effort: "low", format: { type: "json_schema" } } };
    expect((await proxy.ask(path, body, { headers })).status).toBe(400);
    expect(only.requests.length).toBe(1);
  });

  test("nor what a tool call in the conversation says", async () => {
    const takes = (request: ReceivedRequest) =>
      request.text().includes('"cache_control":{"type":"ephemeral"')
        ? refuse("system.0.cache_control: Extra inputs are not permitted")
        : null;
    await using only = await startFakeUpstream(picky("claude", takes));
    await using proxy = startTestProxy({ service: "claude", upstreams: [only.baseUrl] });
    const { headers, path } = clients.claude;
    const call = { type: "tool_use", id: "t", name: "Bash", input: { cache_control: { kind: "mine" } } };
    const messages = [...CLAUDE.messages, { role: "assistant", content: [call] }];
    expect((await proxy.ask(path, { ...CLAUDE, messages }, { headers })).status).toBe(200);
    expect(only.requests[1]?.text()).toContain(JSON.stringify(call));
  });

  test("nor the one tool that a request is about", async () => {
    await using only = await startFakeUpstream([refuse("Unknown tool type: web_search")]);
    await using proxy = startTestProxy({ upstreams: [only.baseUrl] });
    const { headers, path } = clients.codex;
    const body = { ...CODEX, tools: [{ type: "web_search" }] };
    expect((await proxy.ask(path, body, { headers })).status).toBe(400);
    expect(only.requests.length).toBe(1);
  });
});

test("what one version of a client taught says nothing of the next", async () => {
  const takes = (request: ReceivedRequest) =>
    request.text().includes('"include"') ? refuse("Unknown parameter: 'include'.") : null;
  await using only = await startFakeUpstream(picky("codex", takes));
  await using proxy = startTestProxy({ upstreams: [only.baseUrl] });
  const { body, headers, path } = clients.codex;
  await proxy.ask(path, body, { headers });
  await proxy.ask(path, body, { headers: { ...headers, "user-agent": "codex_exec/0.172.0" } });
  expect(only.requests.map((request) => request.text().includes('"include"'))).toEqual([
    true,
    false,
    true,
    false,
  ]);
});

describe("a refusal that nothing explains", () => {
  const odd = (text: string, status = 400) => refuse(text, status);
  const ask = async (
    answers: readonly Answer[],
    options: Parameters<typeof startTestProxy>[0] | object = {},
  ) => {
    const upstreams = await Promise.all(answers.map((answer) => startFakeUpstream([answer])));
    await using proxy = startTestProxy({ upstreams: upstreams.map(({ baseUrl }) => baseUrl), ...options });
    const { body, headers, path } = clients.codex;
    const response = await proxy.ask(path, body, { headers });
    const text = await response.text();
    const again = await proxy.ask(path, body, { headers });
    await again.text();
    const asked = upstreams.map(({ requests }) => requests.length);
    for (const upstream of upstreams) await upstream[Symbol.asyncDispose]();
    return { status: response.status, text, asked, again: again.status };
  };
  const good = GOOD.responses({ text: "from the backup" });

  test.each([400, 403, 404, 405, 409, 415, 422])(
    "%d is asked of another upstream, which then comes first for an hour",
    async (status) => {
      const { again, asked, status: seen } = await ask([odd("the moon is in the wrong house", status), good]);
      expect([seen, again, asked]).toEqual([200, 200, [1, 2]]);
    },
  );

  test("said again in the same words it is the request's fault: the first answer, and no third upstream", async () => {
    const first = reply({
      status: 409,
      headers: { "x-request-id": "a-1" },
      body: { error: { message: "the moon is in the wrong house (request id: 71)" } },
    });
    const second = reply({
      status: 409,
      body: { error: { message: "the moon is in the wrong house (request id: 9)" } },
    });
    const { asked, status, text } = await ask([first, second, good]);
    expect([status, asked.at(-1)]).toEqual([409, 0]);
    expect(text).toContain("71");
  });

  test("a proof of the request's own fault stays final", async () => {
    for (const message of ["prompt is too long: 9 > 8", "Could not process image", "your input was flagged"])
      expect(await ask([odd(message), good])).toMatchObject({ status: 400, asked: [2, 0] });
  });

  test("with the backup out of quota the client sees the refusal, and with one that is busy it asks again", async () => {
    const spent = reply({
      status: 403,
      body: { error: { code: "insufficient_user_quota", message: "余额不足" } },
    });
    const busy = reply({
      status: 429,
      headers: { "retry-after": "7" },
      body: { error: { message: "rate limit" } },
    });
    expect(await ask([odd("the moon"), spent])).toMatchObject({ status: 400 });
    expect((await ask([odd("the moon"), busy])).status).not.toBe(400);
  });

  test('"failover" leaves nothing out, and "off" asks nobody else', async () => {
    const named = refuse("Unknown parameter: 'include'.");
    const routed = (drift: "failover" | "off") => ({ routing: { drift } });
    expect(await ask([named, good], routed("failover"))).toMatchObject({ status: 200 });
    expect(await ask([named], routed("failover"))).toMatchObject({ status: 400, asked: [2] });
    expect(await ask([named, good], routed("off"))).toMatchObject({ status: 400, asked: [2, 0] });
    expect(await ask([odd("the moon"), good], routed("off"))).toMatchObject({ status: 400, asked: [2, 0] });
  });

  test.each([402, 403, 429])(
    'where "on_exhausted" is "stop", an unknown %d may be a spent quota: nothing behind it is asked',
    async (status) => {
      const { asked, text } = await ask([odd("the well is dry until the moon is full", status), good], {
        route: { onExhausted: "stop" },
      });
      expect(asked[1]).toBe(0);
      expect(text).toContain("to allow it");
    },
  );
});

test("foreign history and a field that is refused, at the only upstream: both are mended", async () => {
  const takes = (request: ReceivedRequest) => {
    const text = request.text();
    if (text.includes('"metadata"')) return refuse("Unknown parameter: 'metadata'.");
    return text.includes("foreign-secret")
      ? refuse("The encrypted content for item rs_1 could not be verified.", 400, {
          code: "invalid_encrypted_content",
        })
      : null;
  };
  await using only = await startFakeUpstream(picky("codex", takes));
  await using proxy = startTestProxy({ upstreams: [only.baseUrl] });
  const { headers, path } = clients.codex;
  const input = [
    { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "foreign-secret" },
    { type: "message", role: "user", content: [] },
  ];
  const body = { model: "gpt-5", stream: true, input, metadata: { a: 1 } };
  for (const asked of [3, 4]) {
    const response = await proxy.ask(path, body, { headers });
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining("relay")]);
    expect(only.requests.length).toBe(asked);
  }
});
