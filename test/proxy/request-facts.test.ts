import { expect, test } from "bun:test";
import fc from "fast-check";
import { endpointOf } from "../../src/proxy/endpoints.ts";
import { readRequestFacts } from "../../src/proxy/request-facts.ts";
import { replaceModel } from "../../src/proxy/upstream-request.ts";

const TURN = endpointOf("POST", "/v1/responses");
const bytes = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const facts = (body: unknown, headers: Record<string, string> = {}) =>
  readRequestFacts(TURN, new Headers(headers), bytes(body));

test.each([
  ["POST", "/v1/responses", "responses"],
  ["POST", "/v1/messages", "messages"],
  ["POST", "/v1/chat/completions", "chat"],
  ["POST", "/v1/messages/count_tokens", "other"],
  ["POST", "/v1/responses/r1/cancel", "other"],
  ["GET", "/v1/responses", "other"],
] as const)("%s %s is read as %s", (method, path, api) => {
  expect(endpointOf(method, path).api ?? "other").toBe(api);
});

test("facts are those that parsing would give, whatever else the body holds", () => {
  const noise = fc.oneof(
    fc.string(),
    fc.constantFrom('"model":"fake"', '{"stream":true}', '"store":true', '\\"model\\":\\"x\\"'),
    fc.record({ model: fc.string(), stream: fc.boolean(), store: fc.boolean() }, { requiredKeys: [] }),
    fc.array(fc.record({ model: fc.constant("nested"), background: fc.boolean(), stream: fc.boolean() })),
  );
  const body = fc.record(
    {
      input: noise,
      model: fc.string({ minLength: 1, maxLength: 40 }),
      tools: noise,
      stream: fc.boolean(),
      store: fc.boolean(),
      background: fc.boolean(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(body, fc.constantFrom(undefined, 2, "\t"), (value, space) => {
      const read = facts(JSON.stringify(value, null, space));
      expect(read.model).toBe(value.model ?? null);
      expect(read.store).toBe(value.store ?? false);
      expect(read.background).toBe(value.background ?? false);
      expect(read.stream).toBe(value.stream ?? false);
    }),
    { numRuns: 1000 },
  );
});

/** As the real clients send them, shortened. */
const AGENTS: readonly (readonly [agent: string | null, headers: Record<string, string>])[] = [
  [
    "main",
    { "x-codex-turn-metadata": '{"agent_name":"/root","request_kind":"turn","thread_source":"user"}' },
  ],
  [
    "subagent",
    {
      "x-codex-turn-metadata":
        '{"agent_name":"/root/helper","request_kind":"turn","thread_source":"subagent"}',
      "x-openai-subagent": "collab_spawn",
    },
  ],
  ["subagent", { "x-openai-subagent": "review" }],
  ["compaction", { "x-codex-turn-metadata": '{"request_kind":"compaction","thread_source":"user"}' }],
  [
    "compaction",
    {
      "x-codex-turn-metadata": '{"request_kind":"compaction","thread_source":"subagent"}',
      "x-openai-subagent": "collab_spawn",
    },
  ],
  ["compaction", { "x-openai-subagent": "compact" }],
  ["auxiliary", { "x-codex-turn-metadata": '{"request_kind":"turn","thread_source":"thread_title"}' }],
  ["main", { "x-claude-code-session-id": "s" }],
  ["subagent", { "x-claude-code-session-id": "s", "x-claude-code-agent-id": "a9d90d33fe21a074e" }],
  ["compaction", { "x-claude-code-session-id": "s", "x-claude-code-request-class": "compaction" }],
  ["subagent", { "x-claude-code-session-id": "s", "x-claude-code-request-class": "workflow" }],
  [null, { "x-codex-turn-metadata": "not JSON", "session-id": "s" }],
  [null, { "x-codex-turn-metadata": '{"request_kind":"constructor"}' }],
  [null, {}],
];

test.each(AGENTS)("%s is who asks, by what a client says of it", (agent, headers) => {
  expect(facts({ model: "m" }, headers).agent as string | null).toBe(agent);
});

test.each([
  ["codex_exec/0.171.0 (Debian 12.0.0; x86_64) xterm (codex_exec; 0.171.0)", "codex_exec/0.171.0"],
  ["claude-cli/2.1.332 (external, cli)", "claude-cli/2.1.332"],
  ["opencode/1.18.33 (linux 6.18; x64) ai-sdk/provider-utils/4.0.40 runtime/bun/1.3.14", "opencode/1.18.33"],
  ["OpenAI/JS 5.20.1", "OpenAI/JS/5.20.1"],
  ["QwenCode/v0.15.10 (linux; x64)", "QwenCode/0.15.10"],
  // What a person may have put there is not written down.
  ["secret-three", null],
  ["sk-proj-0123456789/abcdef", null],
  ["my-key/1.2.3.secret", null],
  ["token 1.0.0-abcdef0123456789", "token/1.0.0"],
  ["", null],
])("the program of %j is %s", (agent, client) => {
  expect(facts({ model: "m" }, { "user-agent": agent }).client).toBe(client);
});

test("a tool that has a property of the same name does not make a request stream", () => {
  expect(facts({ tools: [{ default: { stream: true, store: true } }] })).toMatchObject({
    stream: false,
    store: false,
  });
});

test("bytes that are not JSON give no facts and no error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (garbage) => {
      readRequestFacts(TURN, new Headers(), garbage);
    }),
  );
  expect(facts('{"model":"unterminated')).toMatchObject({ model: null, stream: false });
});

test("the session is taken from the client's header first, then from the body", () => {
  expect(facts({ prompt_cache_key: "key-1" }, { "session-id": "head" }).sessionId).toBe("head");
  expect(facts({ prompt_cache_key: "key-1" }).sessionId).toBe("key-1");
  const user = JSON.stringify({ device_id: "d", account_uuid: "", session_id: "0199-abcd-ef" });
  expect(facts({ metadata: { user_id: user } }).sessionId).toBe("0199-abcd-ef");
  expect(facts({ metadata: { user_id: "user_1_account__session_0199-abcd-ef" } }).sessionId).toBe(
    "0199-abcd-ef",
  );
  expect(facts({}).sessionId).toBeNull();
});

test("another model is asked for by changing that value and nothing else", () => {
  fc.assert(
    fc.property(fc.json(), fc.string(), fc.string(), (other, model, wanted) => {
      const text = `{ "other": ${other},\n "model" : ${JSON.stringify(model)} , "model2":1 }`;
      const replaced = replaceModel(bytes(text), wanted);
      expect(new TextDecoder().decode(replaced ?? new Uint8Array())).toBe(
        `{ "other": ${other},\n "model" : ${JSON.stringify(wanted)} , "model2":1 }`,
      );
    }),
  );
});

test.each(["", " ", "\n  ", " \t\r\n "])("white space %j around a colon changes nothing", (space) => {
  const said = (flag: string): string =>
    `{"model"${space}:${space}"gpt-6","input":[],"stream"${space}:${space}${flag},"store":true}`;
  expect(facts(said("true"))).toMatchObject({ model: "gpt-6", stream: true, store: true });
  expect(facts(said("false"))).toMatchObject({ model: "gpt-6", stream: false });
  expect(facts(said("trueish"))).toMatchObject({ stream: false });
  expect(facts(said('"true"'))).toMatchObject({ stream: false });
});
