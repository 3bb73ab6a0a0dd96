import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { PROGRAM, runCli, startCli } from "../../helpers/cli.ts";
import { freePort } from "../../helpers/free-port.ts";
import { makeTempHome } from "../../helpers/temp-home.ts";

const CODEX_TOML = `model_provider = "relay" # mine
[model_providers.relay]
name = "relay"
base_url = "https://relay.example/v1"
`;
const CLAUDE_JSON =
  '{\n  "env": { "ANTHROPIC_BASE_URL": "https://relay.example", "ANTHROPIC_AUTH_TOKEN": "sk-relay" }\n}\n';

function makeScene() {
  const home = makeTempHome();
  home.write(".codex/config.toml", CODEX_TOML);
  home.write(".claude/settings.json", CLAUDE_JSON);
  return {
    home,
    codex: () => readFileSync(home.paths.codexConfig, "utf8"),
    claude: () => readFileSync(home.paths.claudeSettings, "utf8"),
    run: (...args: string[]) => runCli(["switch", ...args], { home }),
    [Symbol.dispose]: () => home[Symbol.dispose](),
  };
}

describe("a home that the client takes literally", () => {
  const cwd = ({ path }: { readonly path: string }): string => {
    mkdirSync(join(path, "project"), { recursive: true });
    return join(path, "project");
  };

  test.each([
    ["--claude", "CLAUDE_CONFIG_DIR", "~/work", 'export CLAUDE_CONFIG_DIR="$HOME/work"'],
    ["--claude", "CLAUDE_CONFIG_DIR", "~", 'export CLAUDE_CONFIG_DIR="$HOME"'],
    ["--claude", "CLAUDE_CONFIG_DIR", "", "unset CLAUDE_CONFIG_DIR"],
    ["--codex", "CODEX_HOME", "~/work", 'export CODEX_HOME="$HOME/work"'],
    ["--codex", "CODEX_HOME", "work", 'export CODEX_HOME="$PWD/work"'],
    ["--codex", "CODEX_HOME", "  ", "unset CODEX_HOME"],
  ])("is refused where nothing is there: %s with %s=%j", async (flag, name, value, hint) => {
    using home = makeTempHome();
    const directory = cwd(home);
    const options = { home, cwd: directory, env: { [name]: value } };
    const { code, stderr } = await runCli(["switch", "on", flag, "--port", String(freePort())], options);
    expect({ code, says: stderr.startsWith(`error: ${name} is `), hints: stderr.includes(hint) }).toEqual({
      code: 1,
      says: true,
      hints: true,
    });
    expect(readdirSync(directory)).toEqual([]);
    expect(existsSync(join(home.path, "work"))).toBe(false);
  });

  test.each([
    ["--claude", "CLAUDE_CONFIG_DIR", "settings.json"],
    ["--codex", "CODEX_HOME", "config.toml"],
  ])("is followed where it is used, and status says what that means: %s", async (flag, name, file) => {
    using home = makeTempHome();
    const directory = cwd(home);
    const path = join(directory, "~", "work", file);
    mkdirSync(dirname(path), { recursive: true });
    const options = { home, cwd: directory, env: { [name]: "~/work" } };
    expect((await runCli(["switch", "on", flag, "--port", String(freePort())], options)).code).toBe(0);
    expect(readFileSync(path, "utf8")).toContain("127.0.0.1");
    const { stdout } = await runCli(["switch", "status", flag], options);
    expect(stdout).toContain(`${name} is "~/work"`);
    expect((await runCli(["switch", "off", flag], options)).code).toBe(0);
    expect(existsSync(path)).toBe(false);
  });
});

describe("switch", () => {
  test("on says what it changed, how to undo it and what is missing; off puts it back", async () => {
    using scene = makeScene();
    const port = String(freePort());
    expect(await scene.run("on", "--port", port)).toEqual({
      code: 0,
      stdout: "",
      stderr: `Codex now points at http://127.0.0.1:${port}/v1
  changed ~/.codex/config.toml: model_providers.relay.base_url
  restore with: ch switch off --codex
  open Codex sessions keep their address; new and resumed ones come here
warning: nothing listens on 127.0.0.1:${port} yet: Codex gets no answer
  ch serve --codex --port ${port}
`,
    });
    expect(scene.codex()).toContain(
      `base_url = "http://127.0.0.1:${port}/v1" # codex-helper: was "https://relay.example/v1"`,
    );
    expect((await scene.run("on", "--port", port)).stderr).toContain(
      "  ~/.codex/config.toml already has it\n",
    );
    expect(await scene.run("off")).toEqual({
      code: 0,
      stdout: "",
      stderr: "restored in ~/.codex/config.toml: model_providers.relay.base_url\n",
    });
    expect(scene.codex()).toBe(CODEX_TOML);
    expect((await scene.run("off")).stderr).toBe(
      "Codex was not switched: ~/.codex/config.toml is unchanged\n",
    );
  });

  test("on does not warn where the proxy runs, and refuses the port of the other client's", async () => {
    using scene = makeScene();
    const upstreams = [{ base_url: "http://127.0.0.1:9/v1" }];
    scene.home.write(".codex-helper/config.json", { claude: { configs: { main: { upstreams } } } });
    const port = String(freePort());
    {
      await using serving = startCli(["serve", "--claude", "--no-switch", "--port", port], scene);
      await serving.waitFor(/on http:\/\/127\.0\.0\.1:\d+/);
      const on = await scene.run("on", "--claude", "--port", port);
      expect(on.stderr).toContain(`Claude Code now points at http://127.0.0.1:${port}\n`);
      expect(on.stderr).not.toContain("warning");
      const wrong = await scene.run("on", "--codex", "--port", port);
      expect(wrong).toMatchObject({ code: 1, stdout: "" });
      expect(wrong.stderr).toContain(`port ${port} is served for Claude Code, not for Codex`);
    }
    await scene.run("off", "--claude");
    expect([scene.claude(), scene.codex()]).toEqual([CLAUDE_JSON, CODEX_TOML]);
  });

  test("on refuses where another program listens, and changes nothing", async () => {
    using scene = makeScene();
    using server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    for (const [flag, client] of [
      ["--codex", "Codex"],
      ["--claude", "Claude Code"],
    ] as const) {
      const { code, stderr } = await scene.run("on", flag, "--port", String(server.port));
      expect(code).toBe(1);
      expect(stderr).toMatch(
        new RegExp(`^error: port ${server.port} is in use by .+, not by ch: it would receive ${client}'s`),
      );
      expect(stderr).toContain(`pid ${process.pid}`);
      expect(stderr).toContain(`another port: ch serve ${flag} --port ${server.port + 10}`);
    }
    expect([scene.claude(), scene.codex()]).toEqual([CLAUDE_JSON, CODEX_TOML]);
    expect((await scene.run("status")).stdout).toBe("Codex: not switched\nClaude Code: not switched\n");
  });

  test("every screen names the program that has the port of a switched client", async () => {
    using scene = makeScene();
    const port = freePort();
    await scene.run("on", "--port", String(port));
    using _server = Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } });
    const intruder = new RegExp(`\\(pid ${process.pid}(?:, user \\S+)?\\) listens on port ${port}, not ch`);
    const status = await runCli(["status"], scene);
    expect(status.stdout.replace(/\n +/g, " ")).toMatch(intruder);
    expect(status.stderr).toContain("Next: ch switch off --codex");
    expect((await scene.run("status")).stdout).toMatch(intruder);
    const doctor = await runCli(["doctor", "--json"], scene);
    const checks = (
      JSON.parse(doctor.stdout) as { checks: { id: string; status: string; message: string }[] }
    ).checks;
    const [found] = checks.filter(({ id, message }) => id === "switch" && message.includes(`port ${port}`));
    expect(found).toMatchObject({ status: "fail", message: expect.stringContaining(`pid ${process.pid}`) });
    const json = JSON.parse((await scene.run("status", "--codex", "--json")).stdout) as {
      services: unknown[];
    };
    expect(json.services).toMatchObject([{ listening: true, listener: { ours: false, pid: process.pid } }]);
    expect((await scene.run("off")).code).toBe(0);
    expect(scene.codex()).toBe(CODEX_TOML);
  });

  test("a relay of the user's own on this machine is no rival for the client", async () => {
    using scene = makeScene();
    const local = "http://127.0.0.1:8317/v1";
    scene.home.write(".codex/config.toml", CODEX_TOML.replace("https://relay.example/v1", local));
    const rivals = async (): Promise<string> => (await scene.run("status", "--codex")).stdout;
    expect(await rivals()).toContain("another program on this machine");
    const upstreams = [{ base_url: local }];
    scene.home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams } } } });
    expect(await rivals()).not.toContain("another program");
  });

  test("on --own-provider adds a provider, and off takes it away", async () => {
    using scene = makeScene();
    expect((await scene.run("on", "--own-provider")).stderr).toContain(
      "model_providers.codex_proxy, model_provider",
    );
    expect(scene.codex()).toContain('model_provider = "codex_proxy" # codex-helper: was "relay" # mine');
    await scene.run("off");
    expect(scene.codex()).toBe(CODEX_TOML);
  });

  test("goes by the default service where no flag says", async () => {
    using scene = makeScene();
    scene.home.write(".codex-helper/config.json", { default_service: "claude" });
    expect((await scene.run("on")).stderr).toContain("Claude Code now points at http://127.0.0.1:3210");
    expect((await scene.run("off")).stderr).toContain(
      "restored in ~/.claude/settings.json: env.ANTHROPIC_BASE_URL",
    );
  });

  test("off puts a client back although config.json cannot be read", async () => {
    using scene = makeScene();
    await scene.run("on", "--claude");
    scene.home.write(".codex-helper/config.json", "{");
    expect((await scene.run("off")).stderr).toContain("restored in ~/.claude/settings.json");
    expect(scene.claude()).toBe(CLAUDE_JSON);
  });

  test("off puts it back too where the other client's file is broken as well", async () => {
    using scene = makeScene();
    await scene.run("on", "--claude");
    scene.home.write(".codex-helper/config.json", "{");
    scene.home.write(".codex/config.toml", "broken =");
    const { code, stderr } = await scene.run("off");
    expect(code).toBe(1);
    expect(stderr).toContain("restored in ~/.claude/settings.json");
    expect(stderr).toMatch(/error: .*config\.toml: line 1/);
    expect(scene.claude()).toBe(CLAUDE_JSON);
  });

  test("status tells both clients, for people and for scripts", async () => {
    using scene = makeScene();
    const port = freePort();
    expect((await scene.run("status")).stdout).toBe("Codex: not switched\nClaude Code: not switched\n");
    await scene.run("on", "--port", String(port));
    expect(await scene.run()).toEqual({
      code: 0,
      stderr: "",
      stdout: `Codex: switched, to http://127.0.0.1:${port}/v1
  in ~/.codex/config.toml: model_providers.relay.base_url
  restore with: ch switch off --codex
  nothing listens there: ch serve --codex --port ${port}
Claude Code: not switched
`,
    });
    expect(JSON.parse((await scene.run("status", "--codex", "--json")).stdout)).toEqual({
      services: [
        {
          service: "codex",
          switched: true,
          port,
          file: scene.home.paths.codexConfig,
          keys: ["model_providers.relay.base_url"],
          owner: { kind: "user" },
          listening: false,
          listener: null,
          problem: null,
          unfinished: null,
          client_token_problem: null,
          overrides: [],
          others: [],
        },
      ],
    });
  });

  test("status names what keeps a client away, and a file that cannot be read", async () => {
    using scene = makeScene();
    scene.home.write(".codex/work.config.toml", 'model_provider = "other"\n');
    scene.home.write(".claude/settings.json", '{"env": ');
    const { stdout } = await scene.run("status");
    expect(stdout).toContain(
      "~/.codex/work.config.toml sets model_provider: codex -p work bypasses the proxy",
    );
    expect(stdout).toMatch(/Claude Code: not switched\n {2}.*settings\.json: line 1, column \d+/);
  });

  test("refuses with the file, the place and what to do, and changes nothing", async () => {
    using scene = makeScene();
    scene.home.write(".codex/config.toml", 'model = "a"\nmodel = "b"\n');
    const broken = await scene.run("on");
    expect(broken).toMatchObject({ code: 1, stdout: "" });
    expect(broken.stderr).toContain("config.toml: line 2, column");
    scene.home.write(".codex/config.toml", 'model_provider = "ollama"\n');
    const builtin = await scene.run("on");
    expect(builtin.stderr).toContain('config.toml: Codex\'s provider is "ollama"');
    expect(builtin.stderr).toContain("ch switch on --own-provider");
    expect(scene.codex()).toBe('model_provider = "ollama"\n');
    expect(await scene.run("on", "--port", "70000")).toMatchObject({ code: 2 });
    expect(await scene.run("on", "--codex", "--claude")).toMatchObject({ code: 2 });
  });

  /** The modes of files do not hold for root, unless that right is taken from it. */
  const asAnyone =
    process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"] : [];
  test.each([
    ["codex", ".codex/config.toml", 'model_providers.relay.base_url = "http://127.0.0.1:3211/v1"'],
    ["claude", ".claude/settings.json", 'env.ANTHROPIC_BASE_URL = "http://127.0.0.1:3210"'],
  ])("of a link to what another program makes says what works there: %s", async (client, file, option) => {
    using scene = makeScene();
    const path = join(scene.home.path, file);
    // As home-manager links to a file in the Nix store.
    const made = join(scene.home.path, "store");
    renameSync(path, made);
    chmodSync(made, 0o444);
    symlinkSync(made, path);
    const before = readFileSync(made, "utf8");
    const program = [...asAnyone, ...PROGRAM];
    const ways = [
      `  without changing its files: ch run -- ${client}`,
      `  or where it is made: ${option}`,
      "",
    ].join("\n");
    const refused = await runCli(["switch", "on", `--${client}`], { home: scene.home, program });
    expect(refused).toEqual({
      code: 1,
      stdout: "",
      stderr: `error: ~/${file} leads to ~/store, which is not writable: permission denied (EACCES)\n${ways}`,
    });
    const port = String(freePort());
    const serve = ["serve", `--${client}`, "--port", port];
    const { code, stderr } = await runCli(serve, { home: scene.home, program });
    expect(code).toBe(1);
    expect(stderr.match(/ch run -- /g)).toHaveLength(1);
    expect(stderr).toContain(`  only the proxy: ch serve --${client} --no-switch\n`);
    expect(stderr).not.toContain("chmod");
    expect([readFileSync(made, "utf8"), lstatSync(path).isSymbolicLink()]).toEqual([before, true]);
  });

  test("of a read-only file that is no link says how to make it writable, a blank in its path quoted", async () => {
    using scene = makeScene();
    const path = scene.home.write("my codex/config.toml", CODEX_TOML);
    chmodSync(path, 0o444);
    const refused = await runCli(["switch", "on"], {
      home: scene.home,
      program: [...asAnyone, ...PROGRAM],
      env: { CODEX_HOME: join(scene.home.path, "my codex") },
    });
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toEndWith(`  chmod u+w '${path}'\n`);
  });

  test("tells that a file and its directory were made, and removes both", async () => {
    using scene = makeScene();
    rmSync(scene.home.paths.codexHome, { recursive: true });
    expect((await scene.run("on")).stderr).toContain(
      "created ~/.codex/config.toml: model_providers.codex_proxy",
    );
    expect((await scene.run("off")).stderr).toContain("was created by the switch and has been removed");
    expect(existsSync(scene.home.paths.codexHome)).toBe(false);
  });

  test("off says what it left and what it had to guess", async () => {
    using scene = makeScene();
    await scene.run("on");
    scene.home.write(".codex/config.toml", scene.codex().replace(/http:\/\/127[^"]*/, "https://new.example"));
    expect((await scene.run("off")).stderr).toContain(
      "kept in ~/.codex/config.toml, because it was changed after the switch",
    );
    await scene.run("on", "--claude");
    rmSync(scene.home.paths.run, { recursive: true });
    const off = await scene.run("off", "--claude");
    expect(off.stderr).toContain(
      "warning: env.ANTHROPIC_BASE_URL was removed; its previous value is not known",
    );
  });
});
