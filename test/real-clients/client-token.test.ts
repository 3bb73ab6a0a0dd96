// The real clients with a token in their address, where the proxy answers nobody without it.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { GOOD, reply } from "../helpers/answers.ts";
import { type RunningCli, runCli, startCli } from "../helpers/cli.ts";
import { type FakeUpstream, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { claudeBinary, runClaudePrint } from "../helpers/real-claude.ts";
import { codexBinary, runCodexExec } from "../helpers/real-codex.ts";
import { type TempHome, makeTempHome } from "../helpers/temp-home.ts";

let home: TempHome;
let upstream: FakeUpstream;
beforeEach(async () => {
  home = makeTempHome();
  upstream = await startFakeUpstream(({ method, target }) => {
    if (method === "GET") return reply({ body: { models: [], data: [] } });
    return target.includes("/messages")
      ? GOOD.messages({ text: "hello" })
      : GOOD.responses({ text: "hello" });
  });
  const section = {
    configs: { main: { upstreams: [{ base_url: upstream.origin, auth: { auth_token: "key" } }] } },
  };
  home.write(".codex-helper/config.json", {
    codex: section,
    claude: section,
    limits: { client_token: true },
  });
});
afterEach(async () => {
  await upstream.close();
  home[Symbol.dispose]();
});

function write(file: string, content: string): string {
  const path = home.write(file, content);
  chmodSync(path, 0o600);
  return path;
}

async function serve(flag: string): Promise<RunningCli> {
  const serving = startCli(["serve", flag, "--port", String(freePort())], { home });
  await serving.waitFor(/Ctrl\+C to stop/);
  return serving;
}

/** Nothing that was sent or logged has it. */
function expectNoToken(): void {
  const token = readFileSync(home.paths.clientToken, "utf8").trim();
  const sent = JSON.stringify(
    upstream.requests.map(({ body, fields, target }) => [target, fields, String(body)]),
  );
  expect(sent).not.toContain(token);
  const log = readFileSync(home.paths.requestsLog, "utf8");
  expect(log).not.toContain(token);
  // No request of a client's was refused.
  expect(log).not.toContain('"status_code":401');
  expect(upstream.requests.map(({ target }) => target).filter((target) => target.includes("ch_"))).toEqual(
    [],
  );
}

const QUIET = "check_for_update_on_startup = false\n";
const RELAY = `${QUIET}model_provider = "r"\n[model_providers.r]\nname = "r"\nbase_url = "https://r.example/v1"\nwire_api = "responses"\n`;

test.each([
  ["a provider of the user's", RELAY],
  ["the built-in provider, which tries a WebSocket first", QUIET],
])(
  "Codex with %s has its turn, and its file is as it was",
  async (_, toml) => {
    const config = write(".codex/config.toml", `${toml}[analytics]\nenabled = false\n`);
    write(".codex/auth.json", '{"OPENAI_API_KEY":"sk-own"}');
    const before = readFileSync(config, "utf8");
    await using serving = await serve("--codex");
    expect(readFileSync(config, "utf8")).toMatch(
      /base_url = "http:\/\/127\.0\.0\.1:\d+\/ch_[0-9a-f]{32}\/v1"/,
    );
    expect(await runCodexExec({ home })).toMatchObject({ code: 0, stdout: "hello\n" });
    await serving.stop();
    expect(readFileSync(config, "utf8")).toBe(before);
    expectNoToken();
  },
  60_000,
);

test("Claude Code has its turn, and its file is as it was", async () => {
  const settings = write(".claude/settings.json", '{\n  "env": { "ANTHROPIC_AUTH_TOKEN": "sk-own" }\n}\n');
  const before = readFileSync(settings, "utf8");
  await using serving = await serve("--claude");
  expect(readFileSync(settings, "utf8")).toMatch(/"http:\/\/127\.0\.0\.1:\d+\/ch_[0-9a-f]{32}"/);
  expect(await runClaudePrint({ home })).toMatchObject({ code: 0, stdout: "hello\n" });
  await serving.stop();
  expect(readFileSync(settings, "utf8")).toBe(before);
  expectNoToken();
}, 60_000);

test.each([
  ["codex", ["exec", "--skip-git-repo-check", "say hi"], codexBinary()],
  ["claude", ["-p", "say hi"], claudeBinary()],
] as const)(
  "%s has its turn in a run of its own",
  async (name, args, binary) => {
    write(".codex/config.toml", `${QUIET}[analytics]\nenabled = false\n`);
    write(".codex/auth.json", '{"OPENAI_API_KEY":"sk-own"}');
    mkdirSync(join(home.path, "bin"));
    symlinkSync(binary, join(home.path, "bin", name));
    const env = { PATH: `${home.path}/bin:/usr/bin:/bin`, CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" };
    const result = await runCli(["run", "--", name, ...args], { home, env });
    expect(result).toMatchObject({ code: 0, stdout: "hello\n" });
    expect(readFileSync(home.paths.requestsLog, "utf8")).not.toMatch(/ch_[0-9a-f]{32}|"status_code":401/);
    expect(readdirSync(home.paths.run).filter((file) => file.startsWith("client-settings"))).toEqual([]);
  },
  60_000,
);
