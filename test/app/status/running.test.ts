import { describe, expect, test } from "bun:test";
import { reply } from "../../helpers/answers.ts";
import { PROGRAM, runCli, startCli } from "../../helpers/cli.ts";
import { startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { freePort } from "../../helpers/free-port.ts";
import { sendRaw } from "../../helpers/raw-client.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";
import { TURN } from "../../wire/turn.ts";

const FIX = "export it there and restart, or `ch config set main#1 --auth-token-stdin`";

function writeConfig(home: TempHome, upstreams: readonly object[]): void {
  home.write(".codex-helper/config.json", { version: 1, codex: { configs: { main: { upstreams } } } });
}

const serve = (home: TempHome, env: Record<string, string>, ...flags: readonly string[]) => {
  const port = freePort();
  const cli = startCli(["serve", "--no-switch", "--port", `${port}`, ...flags], { home, env });
  return { port, cli };
};

/** Each screen that may speak of an upstream's key. */
const SCREENS: readonly (readonly string[])[] = [
  ["status"],
  ["doctor"],
  ["config", "show", "main"],
  ["quota"],
  ["routing", "explain"],
];
const words = (text: string): string => text.replace(/\s+/g, " ");

describe("the process that serves decides whether a key is set", () => {
  test("one that lacks it is named on every screen, with the way out, though this terminal has it", async () => {
    using home = makeTempHome();
    await using upstream = await startFakeUpstream(() => reply());
    writeConfig(home, [
      { base_url: upstream.baseUrl, auth: { auth_token_env: "RELAY_KEY" } },
      { base_url: `${upstream.origin}/b`, auth: { auth_token: "sk-second-upstream" } },
    ]);
    const { cli } = serve(home, {});
    await using _ = cli;
    await cli.waitFor(/Ctrl\+C to stop/);
    const said = `RELAY_KEY is not set in the running ch (pid ${cli.child.pid}): ${FIX}`;
    for (const args of SCREENS) {
      const { stdout } = await runCli(args, { home, env: { RELAY_KEY: "sk-of-this-terminal" } });
      expect({ args, isSaid: words(stdout).includes(said) }).toEqual({ args, isSaid: true });
      expect(stdout).not.toContain("sk-of-this-terminal");
    }
    const added = await runCli(
      ["config", "add", "spare", "--base-url", "https://a.example/v1", "--api-key-env", "SPARE_KEY"],
      { home, env: { SPARE_KEY: "sk-of-this-terminal" } },
    );
    expect(words(added.stderr)).toContain(
      `SPARE_KEY is not set in the running ch (pid ${cli.child.pid}): export it there and restart, or \`ch config set spare#1 --api-key-stdin\``,
    );
    const changed = await runCli(["config", "set", "main#2", "--auth-token-env", "OTHER_KEY"], {
      home,
      env: { OTHER_KEY: "sk-of-this-terminal" },
    });
    expect(words(changed.stderr)).toContain("OTHER_KEY is not set in the running ch");
  });

  test("one that has it is believed, though this terminal does not", async () => {
    using home = makeTempHome();
    await using upstream = await startFakeUpstream(() => reply());
    writeConfig(home, [{ base_url: upstream.baseUrl, auth: { auth_token_env: "RELAY_KEY" } }]);
    const { cli } = serve(home, { RELAY_KEY: "sk-of-the-proxy" });
    await using _ = cli;
    await cli.waitFor(/Ctrl\+C to stop/);
    for (const args of SCREENS) {
      const { stderr, stdout } = await runCli(args, { home });
      expect({ args, isSaid: `${stdout}${stderr}`.includes("RELAY_KEY is not set") }).toEqual({
        args,
        isSaid: false,
      });
      expect(stdout).not.toContain("sk-of-the-proxy");
    }
    const added = await runCli(
      ["config", "add", "spare", "--base-url", "https://a.example/v1", "--auth-token-env", "RELAY_KEY"],
      { home },
    );
    expect(added.stderr).not.toContain("not set");
    const probed = await runCli(["doctor", "--probe", "main#1", "--yes"], { home });
    expect(words(probed.stdout)).toContain(
      `the variable RELAY_KEY is not set in this terminal, but in the running ch (pid ${cli.child.pid}): export it here to test it`,
    );
    expect(probed.code).toBe(0);
  });

  test("its terminal is named, where it has one", async () => {
    using home = makeTempHome();
    await using upstream = await startFakeUpstream(() => reply());
    writeConfig(home, [
      { base_url: upstream.baseUrl, auth: { auth_token_env: "RELAY_KEY" } },
      { base_url: `${upstream.origin}/b` },
    ]);
    const port = freePort();
    const started = Promise.withResolvers<void>();
    let screen = "";
    const child = Bun.spawn([...PROGRAM, "serve", "--no-switch", "--port", `${port}`], {
      cwd: home.path,
      env: home.env,
      terminal: {
        data(_terminal, bytes) {
          screen += new TextDecoder().decode(bytes);
          if (screen.includes("Ctrl+C to stop")) started.resolve();
        },
      },
    });
    await started.promise;
    const { stdout } = await runCli(["status"], { home });
    child.kill("SIGINT");
    await child.exited;
    child.terminal?.close();
    // A system that has no /proc is asked through `ps`: "ttys003".
    expect(words(stdout)).toMatch(
      new RegExp(
        `RELAY_KEY is not set in the running ch \\(pid ${child.pid}, terminal (?:pts/\\d+|tty\\w+)\\): `,
      ),
    );
  });

  test("the client is told so, and the log", async () => {
    using home = makeTempHome();
    writeConfig(home, [{ base_url: "http://127.0.0.1:9/v1", auth: { auth_token_env: "RELAY_KEY" } }]);
    const { cli, port } = serve(home, {}, "--force");
    await using _ = cli;
    await cli.waitFor(/Ctrl\+C to stop/);
    const answer = await sendRaw(port, { method: "POST", path: "/v1/responses", body: TURN });
    expect(answer.status).toBe(400);
    const { error } = JSON.parse(answer.text()) as { error: { message: string } };
    expect(error.message).toBe(
      `ch (codex-helper): No upstream could answer Codex. main#1: not tried, RELAY_KEY is not set in the running ch (pid ${cli.child.pid}): ${FIX}.`,
    );
  });
});

describe("without any upstream that can be asked", () => {
  const UNUSABLE: readonly (readonly [
    title: string,
    upstreams: readonly object[],
    says: RegExp,
    hint: RegExp,
  ])[] = [
    [
      "a variable is not set",
      [{ base_url: "https://a.example/v1", auth: { auth_token_env: "RELAY_KEY" } }],
      /no upstream of "main" can be used: main#1: the variable RELAY_KEY is not set$/m,
      /^ {2}ch config set main#1 --auth-token-stdin$/m,
    ],
    [
      "a variable is empty",
      [{ base_url: "https://a.example/v1", auth: { api_key_env: "EMPTY_KEY" } }],
      /main#1: the variable EMPTY_KEY is not set$/m,
      /^ {2}ch config set main#1 --api-key-stdin$/m,
    ],
    [
      "all are disabled",
      [
        { base_url: "https://a.example/v1", enabled: false },
        { base_url: "https://b.example/v1", disabled_until: "2999-01-01T00:00:00Z" },
      ],
      /no upstream of "main" can be used: main#1 is disabled; main#2 is disabled$/m,
      /^ {2}ch config enable main#1$/m,
    ],
    [
      "each for another reason",
      [
        { base_url: "https://a.example/v1", enabled: false },
        { base_url: "https://b.example/v1", auth: { auth_token_env: "RELAY_KEY" } },
      ],
      /main#1 is disabled; main#2: the variable RELAY_KEY is not set$/m,
      /^ {2}ch config enable main#1$/m,
    ],
  ];
  for (const [title, upstreams, says, hint] of UNUSABLE)
    test(`nothing starts and no client is switched: ${title}`, async () => {
      using home = makeTempHome();
      writeConfig(home, upstreams);
      home.write(".codex/config.toml", 'model = "gpt-6.1-sol"\n');
      home.write(".codex/auth.json", { OPENAI_API_KEY: "sk-codex-own-login" });
      const options = { home, env: { EMPTY_KEY: " " } };
      const { code, stderr } = await runCli(["serve", "--port", `${freePort()}`], options);
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(says) });
      expect(stderr).toMatch(hint);
      expect(stderr).toContain("--force");
      expect(await Bun.file(home.paths.codexConfig).text()).toBe('model = "gpt-6.1-sol"\n');
      const { port, cli } = serve(home, { EMPTY_KEY: " " }, "--force");
      await using _ = cli;
      await cli.waitFor(/Ctrl\+C to stop/);
      expect((await sendRaw(port, { method: "POST", path: "/v1/responses", body: TURN })).status).toBe(400);
    });

  test("ch run starts no client either", async () => {
    using home = makeTempHome();
    writeConfig(home, [{ base_url: "https://a.example/v1", auth: { auth_token_env: "RELAY_KEY" } }]);
    home.write("bin/codex", "#!/bin/sh\necho started\n");
    Bun.spawnSync(["chmod", "+x", `${home.path}/bin/codex`]);
    const options = { home, env: { PATH: `${home.path}/bin:/usr/bin:/bin` } };
    const refused = await runCli(["run", "--", "codex"], options);
    expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("main#1: the variable RELAY_KEY is not set");
    const forced = await runCli(["run", "--force", "--", "codex"], options);
    expect(forced.stdout).toBe("started\n");
  });

  test("one that cools or is spent keeps nobody from starting", async () => {
    using home = makeTempHome();
    await using upstream = await startFakeUpstream(() => reply({ status: 402 }));
    writeConfig(home, [{ base_url: upstream.baseUrl }]);
    for (const expected of [1, 1]) {
      const { port, cli } = serve(home, {});
      await using _ = cli;
      await cli.waitFor(/Ctrl\+C to stop/);
      await sendRaw(port, { method: "POST", path: "/v1/responses", body: TURN });
      expect(upstream.requests.length).toBeGreaterThanOrEqual(expected);
      expect(await cli.stop()).toBe(130);
    }
  });
});
