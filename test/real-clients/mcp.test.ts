import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GOOD, messagesPrologue, reply, responsesPrologue, sse, stream } from "../helpers/answers.ts";
import { PROGRAM } from "../helpers/cli.ts";
import { type ClientHome, makeClientHome, runClient } from "../helpers/client-process.ts";
import { type Answer, type ReceivedRequest, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { claudeBinary } from "../helpers/real-claude.ts";
import { codexBinary, makeCodexConfig } from "../helpers/real-codex.ts";

const NAMES = ["quota", "route", "spend"];
const SERVER = [...PROGRAM, "mcp"];

const typed = (data: { type: string } & Record<string, unknown>): string => sse(data.type, data);

function callOfCodex(name: string): Answer {
  const item = {
    type: "function_call",
    id: `fc_${name}`,
    call_id: `call_${name}`,
    namespace: "mcp__codex_helper",
    name,
    arguments: "{}",
    status: "completed",
  };
  const response = { id: "resp_1", object: "response", status: "completed", output: [item], usage: null };
  return stream([
    ...responsesPrologue(),
    typed({ type: "response.output_item.added", output_index: 0, item: { ...item, arguments: "" } }),
    typed({ type: "response.output_item.done", output_index: 0, item }),
    typed({ type: "response.completed", response }),
  ]);
}

function callOfClaude(name: string): Answer {
  const block = { type: "tool_use", id: `toolu_${name}`, name: `mcp__codex-helper__${name}`, input: {} };
  const delta = { type: "input_json_delta", partial_json: "{}" };
  return stream([
    ...messagesPrologue(),
    typed({ type: "content_block_start", index: 0, content_block: block }),
    typed({ type: "content_block_delta", index: 0, delta }),
    typed({ type: "content_block_stop", index: 0 }),
    typed({
      type: "message_delta",
      delta: { stop_reason: "tool_use", stop_sequence: null },
      usage: { output_tokens: 5 },
    }),
    typed({ type: "message_stop" }),
  ]);
}

/** Has every tool called in turn, then says that it is done. */
function callEach(makeCall: (name: string) => Answer, done: Answer): (request: ReceivedRequest) => Answer {
  let called = 0;
  return ({ method, target }) => {
    if (method !== "POST" || target.includes("count_tokens"))
      return reply({ body: { input_tokens: 1, data: [] } });
    const name = NAMES[called];
    called += 1;
    return name === undefined ? done : makeCall(name);
  };
}

function configure(home: ClientHome, service: string, baseUrl: string): void {
  const directory = join(home.path, ".codex-helper");
  mkdirSync(directory, { mode: 0o700 });
  const upstreams = [{ base_url: baseUrl, auth: { auth_token: "sk-test-relay-secret-0123" } }];
  const config = { [service]: { configs: { main: { upstreams } } } };
  writeFileSync(join(directory, "config.json"), JSON.stringify(config), { mode: 0o600 });
}

const turnsOf = (requests: readonly ReceivedRequest[]): string[] =>
  requests
    .filter(({ method, target }) => method === "POST" && !target.includes("count_tokens"))
    .map((one) => one.text());

test("Codex lists the three tools of `codex mcp add`, calls each and has its answer", async () => {
  await using upstream = await startFakeUpstream(() => reply());
  upstream.play(callEach(callOfCodex, GOOD.responses({ text: "all asked" })));
  using home = makeClientHome();
  const codexHome = join(home.path, ".codex");
  mkdirSync(codexHome);
  writeFileSync(join(codexHome, "config.toml"), makeCodexConfig(upstream.baseUrl));
  configure(home, "codex", upstream.baseUrl);
  const env = { CODEX_HOME: codexHome };
  const added = await runClient({
    command: [codexBinary(), "mcp", "add", "codex-helper", "--", ...SERVER],
    home,
    env,
  });
  expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining("codex-helper") });
  const words = ["exec", "--skip-git-repo-check", "-m", "gpt-5", "what is left?"];
  const { code, stdout } = await runClient({ command: [codexBinary(), ...words], home, env });
  expect({ code, stdout }).toEqual({ code: 0, stdout: "all asked\n" });
  const turns = turnsOf(upstream.requests);
  const { tools } = JSON.parse(turns[0] ?? "") as { tools: { name?: string; tools?: { name: string }[] }[] };
  const listed = tools.find(({ name }) => name === "mcp__codex_helper")?.tools ?? [];
  expect(listed.map(({ name }) => name)).toEqual(NAMES);
  const last = turns.at(-1) ?? "";
  // Both give the model the data, which is in their JSON once more.
  expect(last).toContain(String.raw`{\"service\":\"codex\",\"config\":\"main\"`);
  expect(last).toContain("main#1");
  expect(last).toContain("first in order");
  expect(last).toContain("last_30_days");
  expect(last).not.toContain("sk-test-relay-secret");
}, 60_000);

test("Claude Code lists the three tools of `claude mcp add`, calls each and has its answer", async () => {
  await using upstream = await startFakeUpstream(() => reply());
  upstream.play(callEach(callOfClaude, GOOD.messages({ text: "all asked" })));
  using home = makeClientHome();
  configure(home, "claude", upstream.baseUrl);
  const env = {
    CLAUDE_CONFIG_DIR: join(home.path, ".claude"),
    ANTHROPIC_BASE_URL: upstream.origin,
    ANTHROPIC_AUTH_TOKEN: "placeholder",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    // Else the model looks for a tool before it is told of it.
    ENABLE_TOOL_SEARCH: "false",
  };
  const run = (...words: readonly string[]) => runClient({ command: [claudeBinary(), ...words], home, env });
  expect(await run("mcp", "add", "codex-helper", "--", ...SERVER)).toMatchObject({ code: 0 });
  const allowed = NAMES.map((name) => `mcp__codex-helper__${name}`);
  const { code, stdout } = await run("-p", "what is left?", "--allowedTools", allowed.join(","));
  expect({ code, stdout }).toEqual({ code: 0, stdout: "all asked\n" });
  const turns = turnsOf(upstream.requests);
  const { tools } = JSON.parse(turns[0] ?? "") as { tools: { name: string }[] };
  expect(tools.flatMap(({ name }) => (name.startsWith("mcp__") ? [name] : []))).toEqual(allowed);
  const last = turns.at(-1) ?? "";
  expect(last).toContain(String.raw`{\"service\":\"claude\",\"config\":\"main\"`);
  expect(last).toContain("first in order");
  expect(last).toContain("last_30_days");
  expect(last).not.toContain("sk-test-relay-secret");
}, 60_000);
