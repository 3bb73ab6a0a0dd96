import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import { GOOD, responsesEvents, stream } from "../../helpers/answers.ts";
import { runCli, startCli } from "../../helpers/cli.ts";
import { SILENCE, startFakeUpstream, type Step } from "../../helpers/fake-upstream.ts";
import { freePort } from "../../helpers/free-port.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";
import { waitUntil } from "../../helpers/wait.ts";

function configure(home: TempHome, baseUrl: string, service = "codex"): void {
  home.write(".codex-helper/config.json", {
    [service]: { configs: { main: { upstreams: [{ base_url: baseUrl }] } } },
  });
}

const LISTENING = /on http:\/\/127\.0\.0\.1:(\d+)/;
const ask = (port: number): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}/v1/responses`, {
    method: "POST",
    body: '{"model":"m","stream":true,"input":[]}',
  });

test("carries requests, writes one line for each, and ends at Ctrl+C with 130", async () => {
  await using upstream = await startFakeUpstream([GOOD.responses({ text: "hello" })]);
  using home = makeTempHome();
  configure(home, upstream.baseUrl);
  const { mode } = statSync(home.paths.home);
  await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], {
    home,
  });
  const [, port] = await serving.waitFor(LISTENING);
  expect(await (await ask(Number(port))).text()).toContain("hello");
  expect(await serving.stop("SIGINT")).toBe(130);
  const lines = (await Bun.file(home.paths.requestsLog).text()).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { status_code: 200, config_name: "main" },
  ]);
  expect(statSync(home.paths.home).mode).toBe(mode);
  expect(statSync(home.paths.logs).mode & 0o777).toBe(0o700);
  expect(statSync(home.paths.requestsLog).mode & 0o777).toBe(0o600);
});

test.each(["SIGTERM", "SIGINT"] as const)("with a budget it ends at %s", async (signal) => {
  using home = makeTempHome();
  const base_url = "http://127.0.0.1:9/v1";
  home.write(".codex-helper/config.json", {
    codex: { configs: { main: { upstreams: [{ base_url, budget_usd: { day: 5 } }] } } },
  });
  await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  await serving.waitFor(LISTENING);
  expect(await serving.stop(signal)).toBe(signal === "SIGTERM" ? 143 : 130);
});

test("accepts request headers up to 64 KB", async () => {
  await using upstream = await startFakeUpstream([GOOD.responses()]);
  using home = makeTempHome();
  configure(home, upstream.baseUrl);
  await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], {
    home,
  });
  const [, port] = await serving.waitFor(LISTENING);
  const send = (bytes: number) =>
    fetch(`http://127.0.0.1:${port}/v1/responses`, {
      method: "POST",
      headers: { "x-long": "a".repeat(bytes) },
      body: '{"stream":true}',
    });
  expect((await send(60_000)).status).toBe(200);
  expect((await send(70_000)).status).toBe(431);
  expect(upstream.requests.length).toBe(1);
});

test.each([
  ["SIGTERM", 143],
  ["SIGHUP", 129],
  ["SIGQUIT", 131],
] as const)("%s ends it with exit code %d", async (signal, code) => {
  using home = makeTempHome();
  configure(home, "https://relay.example/v1");
  await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  await serving.waitFor(LISTENING);
  expect(await serving.stop(signal)).toBe(code);
});

test("an open answer may finish after the first Ctrl+C, and the second one ends it at once", async () => {
  const steps = stream(responsesEvents()) as readonly Step[];
  const gate = Promise.withResolvers<void>();
  async function* finishLater(): AsyncGenerator<Step> {
    yield* steps.slice(0, 5);
    await gate.promise;
    yield* steps.slice(5);
  }
  await using upstream = await startFakeUpstream((_request, n) =>
    n === 1 ? finishLater() : [...steps.slice(0, 5), SILENCE],
  );
  using home = makeTempHome();
  configure(home, upstream.baseUrl);
  {
    await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
    const [, port] = await serving.waitFor(LISTENING);
    const response = await ask(Number(port));
    const stopped = serving.stop("SIGINT");
    await serving.waitFor(/stopping/);
    gate.resolve();
    expect(await response.text()).toContain("response.completed");
    expect(await stopped).toBe(130);
  }
  {
    await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
    const [, port] = await serving.waitFor(LISTENING);
    const response = await ask(Number(port));
    serving.child.kill("SIGINT");
    await serving.waitFor(/stopping/);
    const before = performance.now();
    expect(await serving.stop("SIGINT")).toBe(130);
    expect(performance.now() - before).toBeLessThan(1_000);
    expect(await response.text().catch(() => "cut")).toBe("cut");
  }
});

test("without a config it says what to type, and nothing is left behind", async () => {
  using home = makeTempHome();
  const { code, stderr, stdout } = await runCli(["serve"], { home });
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toContain("error: no upstream is configured for Codex, and it has none to import");
  expect(stderr).toContain("\n  ch config add main --base-url URL --auth-token-env NAME");
});

test("a taken port is named with who has taken it", async () => {
  using home = makeTempHome();
  configure(home, "https://relay.example/v1");
  await using other = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  const [, port = ""] = await other.waitFor(LISTENING);
  const second = await runCli(["serve", "--no-switch", "--port", port], { home });
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(
    `port ${port} is in use by another ch (pid ${other.child.pid}, serving Codex)`,
  );

  await using stranger = await startFakeUpstream([[SILENCE]]);
  const third = await runCli(["serve", "--no-switch", "--port", String(stranger.port)], { home });
  expect(third.code).toBe(1);
  expect(third.stderr).toContain(`port ${stranger.port} is in use by`);
  expect(third.stderr).toContain("ch serve --codex --port");
});

test("a changed config.json is taken up while it runs, a broken one changes nothing", async () => {
  await using one = await startFakeUpstream([GOOD.responses({ text: "one" })]);
  await using two = await startFakeUpstream([GOOD.responses({ text: "two" })]);
  using home = makeTempHome();
  configure(home, one.baseUrl);
  await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  const [, port] = await serving.waitFor(LISTENING);
  expect(await (await ask(Number(port))).text()).toContain("one");
  configure(home, two.baseUrl);
  await waitUntil(async () => (await (await ask(Number(port))).text()).includes("two"), {
    what: "the other upstream",
  });
  home.write(".codex-helper/config.json", '{ "codex": {');
  expect(await (await ask(Number(port))).text()).toContain("two");
});

test("an unknown key is named at the start, and one that holds the configs keeps it from an import", async () => {
  using home = makeTempHome();
  home.write(
    ".codex/config.toml",
    'model_provider = "x"\n[model_providers.x]\nbase_url = "https://x.example"\n',
  );
  const main = { upstreams: [{ base_url: "http://127.0.0.1:9/v1", enabeld: false }] };
  home.write(".codex-helper/config.json", { codex: { configs: { main } } });
  await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  await serving.waitFor(LISTENING);
  expect(serving.stderr()).toContain('config.json line 8: unknown key "enabeld" (did you mean "enabled"?)');
  await serving.stop();
  const path = home.write(".codex-helper/config.json", { codex: { confgs: { main } } });
  const before = await Bun.file(path).text();
  const { code, stderr } = await runCli(["serve"], { home });
  expect(code).toBe(1);
  expect(stderr).toContain(
    'config.json line 3: unknown key "confgs" (did you mean "configs"?)\n  ch config edit',
  );
  expect(await Bun.file(path).text()).toBe(before);
});

test("both services in one process, each on its own port", async () => {
  using home = makeTempHome();
  home.write(".codex-helper/config.json", {
    codex: { configs: { main: { upstreams: [{ base_url: "https://relay.example/v1" }] } } },
  });
  const { code, stderr } = await runCli(["serve", "--all", "--no-switch"], { home });
  expect(code).toBe(1);
  expect(stderr).toContain("no upstream is configured for Claude Code, and it has none to import");
  expect(stderr).toContain("--claude");
});

test("a first start takes over what the client has, by reference to its key", async () => {
  using home = makeTempHome();
  home.write(
    ".codex/config.toml",
    'model_provider = "relay"\n[model_providers.relay]\nname = "relay"\nbase_url = "https://relay.example/v1"\nenv_key = "RELAY_KEY"\n',
  );
  const env = { RELAY_KEY: "sk-of-this-terminal" };
  await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home, env });
  await serving.waitFor(LISTENING);
  expect(serving.stderr()).toContain("imported from Codex: relay");
  const config: unknown = await Bun.file(home.paths.config).json();
  expect(config).toMatchObject({
    codex: {
      active: "relay",
      configs: {
        relay: {
          upstreams: [{ base_url: "https://relay.example/v1", auth: { auth_token_env: "RELAY_KEY" } }],
        },
      },
    },
  });
});

test("--no-switch says which address to use, of each service, and no client token", async () => {
  using home = makeTempHome();
  const section = { configs: { main: { upstreams: [{ base_url: "https://relay.example/v1" }] } } };
  home.write(".codex-helper/config.json", { codex: section, claude: section });
  for (const [flag, path, client] of [
    ["--codex", "/v1", "codex"],
    ["--claude", "", "claude"],
  ] as const) {
    const port = freePort();
    await using serving = startCli(["serve", flag, "--no-switch", "--port", `${port}`], { home });
    await serving.waitFor(/Ctrl\+C to stop/);
    expect(serving.stderr()).toContain(`\n  the base URL to use: http://127.0.0.1:${port}${path}\n`);
    expect(serving.stderr()).toContain(`ch run -- ${client}`);
  }
  home.write(".codex-helper/config.json", { codex: section, limits: { client_token: true } });
  const port = freePort();
  await using serving = startCli(["serve", "--no-switch", "--port", `${port}`], { home });
  await serving.waitFor(/Ctrl\+C to stop/);
  const token = (await Bun.file(home.paths.clientToken).text()).trim();
  expect(serving.stderr()).toContain(`this writes it: ch switch on --codex --port ${port}`);
  expect(serving.stderr()).not.toContain(token);
});
