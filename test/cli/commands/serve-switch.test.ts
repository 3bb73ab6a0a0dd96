import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { responsesEvents, stream } from "../../helpers/answers.ts";
import { runCli, startCli } from "../../helpers/cli.ts";
import { SILENCE, startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { freePort } from "../../helpers/free-port.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";
import { waitUntil } from "../../helpers/wait.ts";

const CODEX_TOML = `# mine\r
model_provider = "relay"   # keep this\r
[model_providers.relay]\r
name = 'relay'\r
base_url = 'https://relay.example/v1'\r
env_key = "RELAY_KEY"\r
[mcp_servers.docs]\r
command = "docs"`;
const CLAUDE_JSON = JSON.stringify(
  { env: { ANTHROPIC_BASE_URL: "https://relay.example", ANTHROPIC_AUTH_TOKEN: "sk-relay" } },
  null,
  "\t",
);
const READY = /Press Ctrl\+C to stop/;

function makeHome(): { home: TempHome; codex: () => string; claude: () => string } {
  const home = makeTempHome({ RELAY_KEY: "sk-relay" });
  home.write(".codex/config.toml", CODEX_TOML);
  home.write(".claude/settings.json", CLAUDE_JSON);
  return {
    home,
    codex: () => readFileSync(home.paths.codexConfig, "utf8"),
    claude: () => readFileSync(home.paths.claudeSettings, "utf8"),
  };
}

describe("serve points the client at itself and puts it back", () => {
  test("Codex: one value changes while it runs, and every byte is as before after Ctrl+C", async () => {
    const { home, codex } = makeHome();
    using _home = home;
    const port = String(freePort());
    await using serving = startCli(["serve", "--port", port], { home });
    await serving.waitFor(READY);
    expect(codex()).toContain(`http://127.0.0.1:${port}/v1`);
    expect(codex().replace(/^base_url.*$/m, "")).toBe(CODEX_TOML.replace(/^base_url.*$/m, ""));
    expect(serving.stderr()).toContain("~/.codex/config.toml: model_providers.relay.base_url");
    expect(serving.stderr()).toContain("ch switch off --codex");
    expect(await serving.stop()).toBe(130);
    expect(codex()).toBe(CODEX_TOML);
  });

  test("Claude Code: the same", async () => {
    const { home, claude } = makeHome();
    using _home = home;
    const port = String(freePort());
    await using serving = startCli(["serve", "--claude", "--port", port], { home });
    await serving.waitFor(READY);
    expect(claude()).toContain(`"ANTHROPIC_BASE_URL": "http://127.0.0.1:${port}"`);
    expect(claude()).toContain('"ANTHROPIC_AUTH_TOKEN": "sk-relay"');
    expect(await serving.stop("SIGTERM")).toBe(143);
    expect(claude()).toBe(CLAUDE_JSON);
  });

  test("a file that was not there is gone again", async () => {
    using home = makeTempHome();
    home.write(".codex-helper/config.json", {
      codex: { configs: { main: { upstreams: [{ base_url: "https://r.example/v1" }] } } },
    });
    await using serving = startCli(["serve", "--port", String(freePort())], { home });
    await serving.waitFor(READY);
    expect(existsSync(home.paths.codexConfig)).toBe(true);
    await serving.stop();
    expect(existsSync(home.paths.codexConfig)).toBe(false);
  });

  test("--keep-switched leaves it, --no-switch never touches it", async () => {
    const { home, codex } = makeHome();
    using _home = home;
    await using untouched = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
    await untouched.waitFor(READY);
    expect(codex()).toBe(CODEX_TOML);
    await untouched.stop();
    const port = String(freePort());
    await using kept = startCli(["serve", "--keep-switched", "--port", port], { home });
    await kept.waitFor(READY);
    expect(kept.stderr()).toContain("kept after Ctrl+C");
    await kept.stop();
    expect(codex()).toContain(`127.0.0.1:${port}`);
    expect((await runCli(["switch", "status"], { home })).stdout).not.toContain("no longer running");
    expect((await runCli(["switch", "off"], { home })).code).toBe(0);
    expect(codex()).toBe(CODEX_TOML);
  });

  test("the client is put back before an open answer is waited for", async () => {
    await using upstream = await startFakeUpstream([
      [...(stream(responsesEvents().slice(0, 4), { ending: [] }) as readonly string[]), SILENCE],
    ]);
    const { home, codex } = makeHome();
    using _home = home;
    home.write(".codex-helper/config.json", {
      codex: { configs: { main: { upstreams: [{ base_url: upstream.baseUrl }] } } },
    });
    const port = String(freePort());
    await using serving = startCli(["serve", "--port", port], { home });
    await serving.waitFor(READY);
    const response = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
      method: "POST",
      body: '{"stream":true}',
    });
    const before = performance.now();
    serving.child.kill("SIGINT");
    await waitUntil(() => codex() === CODEX_TOML, { what: "the client's file as before" });
    expect(serving.child.exitCode).toBeNull();
    expect(await serving.child.exited).toBe(130);
    expect(performance.now() - before).toBeLessThan(5_000);
    expect(await response.text().catch(() => "cut")).toBe("cut");
  }, 10_000);
});

describe("nothing is touched where serving cannot begin", () => {
  test.each([
    [
      "a taken port",
      async (home: TempHome) => [["--port", String((await startFakeUpstream([])).port)], home] as const,
    ],
    [
      "a broken config.json",
      async (home: TempHome) => (
        home.write(".codex-helper/config.json", "{"),
        [["--port", String(freePort())], home] as const
      ),
    ],
    [
      "a config without a usable upstream",
      async (home: TempHome) => (
        home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams: [] } } } }),
        [["--port", String(freePort())], home] as const
      ),
    ],
  ])("%s", async (_name, prepare) => {
    const { home, codex } = makeHome();
    using _home = home;
    const [args] = await prepare(home);
    const { code } = await runCli(["serve", ...args], { home });
    expect(code).toBe(1);
    expect(codex()).toBe(CODEX_TOML);
  });

  test("a client's file that was broken meanwhile: what to type for which client is said at the end", async () => {
    const { home, codex } = makeHome();
    using _home = home;
    await using serving = startCli(["serve", "--port", String(freePort())], { home });
    await serving.waitFor(READY);
    const broken = `${codex()}\nbroken =`;
    home.write(".codex/config.toml", broken);
    expect(await serving.stop()).toBe(130);
    expect(serving.stderr()).toMatch(
      /warning: Codex was not restored: .*config\.toml: line 9, .*; run: ch switch off --codex/,
    );
    expect(codex()).toBe(broken);
    home.write(".codex/config.toml", broken.replace("\nbroken =", ""));
    expect((await runCli(["switch", "off", "--codex"], { home })).code).toBe(0);
    expect(codex()).toBe(CODEX_TOML);
  });

  test("a client's file that cannot be edited: both ways out are named", async () => {
    const { home } = makeHome();
    using _home = home;
    home.write(".codex-helper/config.json", {
      codex: { configs: { main: { upstreams: [{ base_url: "https://r.example/v1" }] } } },
    });
    writeFileSync(home.paths.codexConfig, "model_provider = [broken");
    const { code, stderr } = await runCli(["serve", "--port", String(freePort())], { home });
    expect(code).toBe(1);
    expect(stderr).toContain("ch run -- codex");
    expect(stderr).toContain("ch serve --codex --no-switch");
    expect(readFileSync(home.paths.codexConfig, "utf8")).toBe("model_provider = [broken");
  });

  test("a second serve of the same client says so and leaves the first one's switch alone", async () => {
    const { home, codex } = makeHome();
    using _home = home;
    await using first = startCli(["serve", "--port", String(freePort())], { home });
    await first.waitFor(READY);
    const switched = codex();
    const { code, stderr } = await runCli(["serve", "--port", String(freePort())], { home });
    expect(code).toBe(1);
    expect(stderr).toContain("--no-switch");
    expect(codex()).toBe(switched);
    await first.stop();
    expect(codex()).toBe(CODEX_TOML);
  });
});

describe("after a kill", () => {
  const killWhileSwitched = async (home: TempHome): Promise<void> => {
    await using serving = startCli(["serve", "--port", String(freePort())], { home });
    await serving.waitFor(READY);
    await serving.stop("SIGKILL");
  };

  test("switch status, status and doctor say that the proxy is gone and what to type", async () => {
    const { home, codex } = makeHome();
    using _home = home;
    await killWhileSwitched(home);
    for (const command of [
      ["switch", "status", "--codex"],
      ["status", "--codex"],
    ]) {
      const { stdout } = await runCli(command, { home });
      expect(stdout).toContain("no longer running");
      expect(stdout).toContain("ch switch off --codex");
    }
    const doctor = await runCli(["doctor"], { home });
    expect(doctor.code).toBe(1);
    expect(doctor.stdout).toContain("ch doctor --fix");
    expect((await runCli(["switch", "off"], { home })).code).toBe(0);
    expect(codex()).toBe(CODEX_TOML);
  });

  test("the next serve puts it right and goes on", async () => {
    const { home, codex } = makeHome();
    using _home = home;
    await killWhileSwitched(home);
    const port = String(freePort());
    await using next = startCli(["serve", "--port", port], { home });
    await next.waitFor(READY);
    expect(codex()).toContain(`127.0.0.1:${port}`);
    expect(await next.stop()).toBe(130);
    expect(codex()).toBe(CODEX_TOML);
  });
});

describe("after a kill of proxies for both clients", () => {
  const killBoth = async () => {
    const home = makeTempHome();
    const section = {
      active: "m",
      configs: { m: { upstreams: [{ base_url: "https://relay.example/v1" }] } },
    };
    home.write(".codex-helper/config.json", { codex: section, claude: section });
    const codex =
      'model_provider = "r"\n[model_providers.r]\nname = "R"\nbase_url = "https://r.example/v1"\n';
    const claude = '{ "env": { "ANTHROPIC_AUTH_TOKEN": "sk-own" } }\n';
    home.write(".codex/config.toml", codex);
    home.write(".claude/settings.json", claude);
    const start = (flag: string) => startCli(["serve", flag, "--port", String(freePort())], { home });
    await using one = start("--codex");
    await using other = start("--claude");
    for (const serving of [one, other]) await serving.waitFor(READY);
    for (const serving of [one, other]) await serving.stop("SIGKILL");
    const read = () =>
      [home.paths.codexConfig, home.paths.claudeSettings].map((file) => readFileSync(file, "utf8"));
    return { home, before: [codex, claude], read, [Symbol.dispose]: () => home[Symbol.dispose]() };
  };

  test.each([
    ["the next ch, of either", ["serve", "--codex", "--no-switch", "--port", "0"]],
    ["the next ch, of the other", ["serve", "--claude", "--no-switch", "--port", "0"]],
  ])("%s, restores both and says so", async (_name, args) => {
    using scene = await killBoth();
    await using serving = startCli(args.with(-1, String(freePort())), { home: scene.home });
    await serving.waitFor(/Press Ctrl\+C to stop/);
    expect(scene.read()).toEqual(scene.before);
    expect(serving.stderr()).toContain("Codex was left switched by a ch that was killed");
    expect(serving.stderr()).toContain("Claude Code was left switched by a ch that was killed");
  });

  test.each([[[]], [["--codex"]], [["--claude"]]])(
    "switch off %j restores both and says so",
    async (flags) => {
      using scene = await killBoth();
      const { code, stderr } = await runCli(["switch", "off", ...flags], { home: scene.home });
      expect(code).toBe(0);
      expect(scene.read()).toEqual(scene.before);
      expect(stderr).toContain("config.toml");
      expect(stderr).toContain("settings.json");
    },
  );

  test("status, switch status and doctor write nothing, and name both with the command", async () => {
    using scene = await killBoth();
    const files = scene.read();
    for (const [args, command] of [
      [["status"], "ch switch off --"],
      [["switch", "status"], "ch switch off --"],
      [["doctor"], "ch doctor --fix"],
    ] as const) {
      const { stdout } = await runCli(args, { home: scene.home });
      expect(stdout).toContain(command);
      for (const name of ["Codex", "Claude Code"]) expect(stdout).toContain(name);
      expect(scene.read()).toEqual(files);
    }
  });

  test("one of another home is named with its command, and restored too", async () => {
    using scene = await killBoth();
    const env = { CODEX_HOME: join(scene.home.path, "an other") };
    mkdirSync(env.CODEX_HOME);
    const command = `CODEX_HOME='${join(scene.home.path, ".codex")}'`.replaceAll("'", "");
    for (const args of [["switch", "status"], ["doctor"]]) {
      const { stdout } = await runCli(args, { home: scene.home, env });
      expect(stdout.replaceAll("~", scene.home.path)).toContain(`${command} ch switch off --codex`);
    }
    expect((await runCli(["switch", "off"], { home: scene.home, env })).code).toBe(0);
    expect(scene.read()).toEqual(scene.before);
  });
});

test("a second ch whose service is served says so and ends; another port with --no-switch starts another", async () => {
  using home = makeTempHome();
  const section = { active: "m", configs: { m: { upstreams: [{ base_url: "https://relay.example/v1" }] } } };
  home.write(".codex-helper/config.json", { codex: section });
  const port = String(freePort());
  await using first = startCli(["serve", "--port", port], { home });
  await first.waitFor(/Press Ctrl\+C to stop/);
  const second = await runCli([], { home });
  expect(second).toMatchObject({ code: 0, stdout: "" });
  expect(second.stderr).toMatch(
    new RegExp(`^already running: Codex on port ${port} \\(pid \\d+, for .+\\)\n  just start: codex\n`),
  );
  expect(second.stderr).toContain("ch usage tail --follow");
  await using other = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  await other.waitFor(/Press Ctrl\+C to stop/);
  await runCli(["switch", "off"], { home });
  expect((await runCli(["serve", "--codex"], { home })).stderr).toContain("ch switch on --codex");
});

test("the way of the founding document: two configs, one active, switch on, serve, Ctrl+C, as before", async () => {
  const { home, codex } = makeHome();
  using _home = home;
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runCli(args, { home });
    expect({ args, code, stderr: code === 0 ? "" : stderr }).toEqual({ args, code: 0, stderr: "" });
    return stdout;
  };
  await run(
    "config",
    "add",
    "openai-main",
    "--base-url",
    "https://api.openai.com/v1",
    "--auth-token",
    "sk-openai-xxx",
    "--alias",
    "Main OpenAI quota",
  );
  await run(
    "config",
    "add",
    "packy-main",
    "--base-url",
    "https://codex-api.packycode.com/v1",
    "--auth-token",
    "sk-packy-yyy",
    "--alias",
    "Packy relay",
  );
  expect(await run("config", "list")).toContain("packy-main");
  await run("config", "set-active", "packy-main");
  const port = String(freePort());
  await run("switch", "on", "--port", port);
  await using serving = startCli(["--port", port], { home });
  await serving.waitFor(READY);
  expect(serving.stderr()).toContain("packy-main#1  codex-api.packycode.com");
  expect(await serving.stop()).toBe(130);
  expect(codex()).toBe(CODEX_TOML);
  expect(existsSync(join(home.paths.run, "switch.lock"))).toBe(true);
});
