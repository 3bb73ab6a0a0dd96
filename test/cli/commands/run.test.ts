import { afterAll, afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { GOOD } from "../../helpers/answers.ts";
import { PROGRAM, runCli, startCli } from "../../helpers/cli.ts";
import { type FakeUpstream, startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { runAtTerminal } from "../../helpers/pseudo-terminal.ts";
import { claudeBinary } from "../../helpers/real-claude.ts";
import { codexBinary } from "../../helpers/real-codex.ts";
import { type TempHome, makeTempHome } from "../../helpers/temp-home.ts";

const upstream = await startFakeUpstream(({ target }) =>
  target.includes("/messages") ? GOOD.messages({ text: "right" }) : GOOD.responses({ text: "right" }),
);
/** Where the client's own files point: nothing may ever arrive there. */
const elsewhere: FakeUpstream = await startFakeUpstream(() => GOOD.responses({ text: "wrong" }));
afterAll(() => Promise.all([upstream.close(), elsewhere.close()]));

let home: TempHome;
let env: Record<string, string>;

beforeEach(() => {
  home = makeTempHome();
  const bin = join(home.path, "bin");
  mkdirSync(bin);
  mkdirSync(join(home.path, ".codex"));
  mkdirSync(join(home.path, "project"));
  env = { PATH: `${bin}:/usr/bin:/bin`, CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" };
  home.write(".codex-helper/config.json", {
    codex: {
      active: "main",
      configs: { main: config(upstream.baseUrl), other: config(upstream.baseUrl, "key-2") },
    },
    claude: { active: "main", configs: { main: config(upstream.origin) } },
  });
});
afterEach(() => {
  home[Symbol.dispose]();
  expect(elsewhere.requests).toHaveLength(0);
});

function config(baseUrl: string, token = "key-1"): object {
  return { upstreams: [{ base_url: baseUrl, auth: { auth_token: token } }] };
}

/** Puts a client on PATH: a real one, or a script. */
function install(name: string, content: { readonly link: string } | { readonly script: string }): void {
  const path = join(home.path, "bin", name);
  if ("link" in content) return symlinkSync(content.link, path);
  home.write(
    `bin/${name}`,
    `#!/bin/sh\ncase "$*" in *--help*) echo --no-daemon; exit;; esac\n${content.script}\n`,
  );
  chmodSync(path, 0o755);
}

const run = (...args: string[]) => runCli(["run", ...args], { home, env, cwd: join(home.path, "project") });

async function lastToken(): Promise<string | null> {
  return (await upstream.gotRequest(upstream.requests.length)).header("authorization");
}

test("the real Codex keeps its provider and asks our upstream, its files untouched", async () => {
  install("codex", { link: codexBinary() });
  const toml = `model_provider = "my relay.x"
[model_providers."my relay.x"]
name = "r"
base_url = "${elsewhere.baseUrl}"
env_key = "UNSET_KEY"
[analytics]
enabled = false
`;
  const path = home.write(".codex/config.toml", toml);
  const first = await run("--", "codex", "exec", "--skip-git-repo-check", "say hi");
  expect(first.stderr).toContain("provider: my relay.x");
  // The client's own words come first.
  expect(first.stderr).toMatch(/\n1 turn, 0 saved by failover, .*\d+ s\n$/);
  expect(first).toMatchObject({ code: 0, stdout: "right\n" });
  expect(await lastToken()).toBe("Bearer key-1");
  expect(await run("--config", "other", "--", "codex", "exec", "--skip-git-repo-check", "hi")).toMatchObject({
    code: 0,
  });
  expect(await lastToken()).toBe("Bearer key-2");
  expect(readFileSync(path, "utf8")).toBe(toml);
}, 30_000);

test("the real Codex without a login, and with one on the built-in provider", async () => {
  install("codex", { link: codexBinary() });
  const turn = ["--", "codex", "-c", "analytics.enabled=false", "exec", "--skip-git-repo-check", "say hi"];
  const without = await run(...turn);
  expect(without.stderr).toContain("provider: codex_proxy");
  expect(without.stdout).toBe("right\n");
  home.write(".codex/auth.json", { OPENAI_API_KEY: "sk-own" });
  const withLogin = await run(...turn);
  expect(withLogin.stderr).toContain("provider: openai");
  expect(withLogin.stdout).toBe("right\n");
  expect(await lastToken()).toBe("Bearer key-1");
}, 30_000);

test("the real Claude Code asks our upstream, whatever user, project and environment say", async () => {
  install("claude", { link: claudeBinary() });
  expect(await run("--", "claude", "-p", "say hi")).toMatchObject({ code: 0, stdout: "right\n" });
  const settings = { env: { ANTHROPIC_BASE_URL: elsewhere.origin, ANTHROPIC_AUTH_TOKEN: "own" } };
  const files = [
    ".claude/settings.json",
    "project/.claude/settings.json",
    "project/.claude/settings.local.json",
  ];
  const paths = files.map((file) => home.write(file, settings));
  env["ANTHROPIC_BASE_URL"] = elsewhere.origin;
  expect(await run("--", "claude", "-p", "say hi")).toMatchObject({ code: 0, stdout: "right\n" });
  expect(await lastToken()).toBe("Bearer key-1");
  for (const path of paths) expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(settings);
}, 30_000);

test("the client gets our options and then its own, and its exit code is ours", async () => {
  install("codex", { script: 'printf "%s\\n" "$@"; exit 7' });
  const { code, stdout, stderr } = await run("--", "codex", "resume", "a b", "--", "-c");
  expect(code).toBe(7);
  expect(stdout).toMatch(/^--no-daemon\n-c\nmodel_provider="codex_proxy"\n[^]*\nresume\na b\n--\n-c\n$/);
  expect(stderr).toBe("");
});

test("a client under another name, and one that is a path", async () => {
  install("mine", { script: 'echo "$1"' });
  install("codex.exe", { script: 'echo "$1"' });
  expect(await run("--claude", "--", "mine")).toMatchObject({ code: 0, stdout: "--settings\n" });
  expect(await run("--", join(home.path, "bin/codex.exe"))).toMatchObject({
    code: 0,
    stdout: "--no-daemon\n",
  });
});

test("a client that a signal ended gives 128 + its number", async () => {
  install("claude", { script: "kill -KILL $$" });
  expect((await run("--", "claude")).code).toBe(137);
});

test.each(["SIGTERM", "SIGHUP", "SIGINT"] as const)(
  "%s goes to the client, and the proxy ends with it",
  async (signal) => {
    install("claude", {
      script: `trap 'exit 4' ${signal.slice(3)}; echo "ready $2" >&2; while :; do sleep 0.02; done`,
    });
    await using running = startCli(["run", "--", "claude"], { home, env });
    const [, port = ""] = await running.waitFor(/ready .*127\.0\.0\.1:(\d+)/);
    const health = `http://127.0.0.1:${port}/__codex-helper/health`;
    expect((await fetch(health)).status).toBe(200);
    expect(await running.stop(signal)).toBe(4);
    expect(fetch(health)).rejects.toThrow();
  },
);

test("a client whose interpreter is missing is a plain error", async () => {
  home.write("bin/codex", "#!/nonexistent/node\n");
  chmodSync(join(home.path, "bin/codex"), 0o755);
  const { code, stderr } = await run("--", "codex");
  expect(stderr).toContain("cannot start ~/bin/codex");
  expect(code).toBe(1);
});

test("a process that the client leaves behind does not hold up the start", async () => {
  const over = join(home.path, "over");
  const left = `(until [ -e ${over} ] || [ ! -e ${home.path} ]; do sleep 0.1; done) &`;
  home.write(
    "bin/codex",
    `#!/bin/sh\ncase "$*" in *--help*) ${left} echo --no-daemon; exit;; esac\necho "$1"\n`,
  );
  chmodSync(join(home.path, "bin/codex"), 0o755);
  expect(await run("--", "codex")).toMatchObject({ code: 0, stdout: "--no-daemon\n" });
  home.write("over", "");
});

test("a Ctrl+C on the terminal is the client's to answer", async () => {
  install("claude", {
    script: `trap 'echo asked' INT; trap 'exit 5' TERM; echo ready; while :; do sleep 0.02; done`,
  });
  let screen = "";
  let wake = Promise.withResolvers<void>();
  const child = Bun.spawn([...PROGRAM, "run", "--", "claude"], {
    cwd: home.path,
    env: { ...home.env, ...env },
    terminal: {
      cols: 80,
      rows: 24,
      data: (_, bytes) => {
        screen += new TextDecoder().decode(bytes);
        wake.resolve();
        wake = Promise.withResolvers();
      },
    },
  });
  const shows = async (words: string): Promise<void> => {
    while (!screen.includes(words)) await wake.promise;
  };
  await shows("ready");
  expect(screen).toContain('config "main", main#1');
  child.terminal?.write("\u0003");
  await shows("asked");
  child.kill("SIGTERM");
  expect(await child.exited).toBe(5);
});

test("a Ctrl+C reaches the client once, also where its input is no terminal", async () => {
  install("claude", {
    script: `n=0; trap 'n=$((n+1))' INT; echo ready; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.02; done; echo "asked $n"`,
  });
  const { screen } = await runAtTerminal(["sh", "-c", `exec ${PROGRAM.join(" ")} run -- claude </dev/null`], {
    home,
    env,
    type: { after: /ready/, keys: "\u0003" },
  });
  expect(screen).toContain("asked 1\r\n");
});

/** A program that asks the address in a variable for a model, and says what it was given. */
const asker = (path: string, base: string): string =>
  `exec '${process.execPath}' -e 'const { env } = process; const answer = await fetch(env["${base}"] + "${path}", { method: "POST", ` +
  `headers: { "user-agent": "asker/1.2.3", authorization: "Bearer " + env["OPENAI_API_KEY"] }, body: JSON.stringify({ model: "m", input: "x", stream: true }) }); ` +
  `console.log(answer.status, process.argv.slice(1).join(" "), env["OPENAI_MODEL"]); await answer.text(); process.exit(7)' -- "$@"`;

test("another program comes by its variables, with its arguments and its exit code", async () => {
  install("qwen", { script: asker("/responses", "OPENAI_BASE_URL") });
  home.write(".codex/config.toml", 'model = "gpt-of-the-file"\n');
  expect(await run("--", "qwen", "-p", "say hi")).toMatchObject({
    code: 7,
    stdout: "200 -p say hi gpt-of-the-file\n",
  });
  expect(await lastToken()).toBe("Bearer key-1");
  const [line = ""] = readFileSync(join(home.path, ".codex-helper/logs/requests.jsonl"), "utf8").split("\n");
  expect(JSON.parse(line)).toMatchObject({ service: "codex", client: "asker/1.2.3" });
  env["OPENAI_MODEL"] = "chosen";
  expect((await run("--config", "other", "--", "qwen")).stdout).toBe("200  chosen\n");
  expect(await lastToken()).toBe("Bearer key-2");
});

test("another program comes to the service that is named, else to one that has a config", async () => {
  install("opencode", { script: asker("/messages", "ANTHROPIC_BASE_URL") });
  expect((await run("--claude", "--", "opencode")).stdout).toStartWith("200");
  home.write(".codex-helper/config.json", {
    claude: { active: "main", configs: { main: config(upstream.origin) } },
  });
  expect((await run("--", "opencode")).stdout).toStartWith("200");
});

test("another program that goes elsewhere is told of, and one that is not there with its package", async () => {
  install("copilot", { script: "exit 0" });
  expect(await run("--", "copilot")).toMatchObject({
    code: 0,
    stderr:
      "warning: no request of copilot came here: an address in its own settings wins over the variables\n",
  });
  expect((await run("--", "opencode")).stderr).toContain("npm install -g opencode-ai");
});

test.each([
  [["run"], 2, "the program to run is missing"],
  [["run", "--", "vim"], 2, '"vim" is neither codex nor claude'],
  [["run", "--", "vim"], 2, "other programs: opencode, qwen, copilot"],
  [["run", "codex"], 2, "--"],
  [["run", "--", "codex"], 1, "codex is not on PATH"],
  [["run", "--codex", "--claude", "--", "x"], 2, "--codex and --claude cannot be used together"],
  [["run", "--claude", "--config", "nope", "--", "true"], 1, '"nope"'],
])("%p is refused with %p", async (args, code, words) => {
  const result = await runCli(args, { home, env });
  expect(result).toMatchObject({ code, stdout: "" });
  expect(result.stderr).toContain(words);
});

test("where something wins over us, nothing is started", async () => {
  install("codex", { script: "echo started" });
  home.write("own.json", { env: { ANTHROPIC_AUTH_TOKEN: "own" } });
  install("claude", { script: "echo started" });
  const refused = [
    await run("--", "codex", "-c", "openai_base_url=http://x", "-c", "model_provider=openai"),
    await run("--", "claude", "--settings", '{"env":{"ANTHROPIC_BASE_URL":"http://x"}}'),
    await run("--", "claude", "--settings", "../own.json"),
    await run("--", "claude", "--settings", "../none.json"),
    await run("--", "claude", "--settings", "{"),
  ];
  expect(refused.map(({ code, stdout }) => [code, stdout])).toEqual(refused.map(() => [1, ""]));
  expect(refused.map(({ stderr }) => stderr.split("\n")[0])).toEqual([
    expect.stringContaining("-c sets or replaces model_provider"),
    expect.stringContaining("--settings sets ANTHROPIC_BASE_URL"),
    expect.stringContaining("own.json contains ANTHROPIC_AUTH_TOKEN"),
    expect.stringContaining("none.json"),
    expect.stringContaining("--settings does not contain a JSON object"),
  ]);
});

test("a run without a request leaves no file behind", async () => {
  install("claude", { script: "exit 0" });
  expect((await run("--", "claude")).code).toBe(0);
  const left = readdirSync(join(home.path, ".codex-helper"), { recursive: true });
  expect(left.map(String).toSorted()).toEqual(["config.json", "run"]);
  expect(readdirSync(join(home.path, ".codex"))).toEqual([]);
});

/** Everything of a request that an upstream could read but its body. */
const seen = ({ fields, target }: FakeUpstream["requests"][number]): string =>
  `${target} ${JSON.stringify(fields)}`;

test("what Codex's table and -c add reaches the table's own relay, and no other", async () => {
  install("codex", { link: codexBinary() });
  const write = (baseUrl: string): void => {
    home.write(
      ".codex/config.toml",
      `model_provider = "a"\n[model_providers.a]\nname = "A"\nbase_url = "${baseUrl}"\n` +
        'http_headers = { "X-Codex-Relay" = "secret-1" }\nquery_params = { key = "secret-2" }\n',
    );
  };
  const turn = async (): Promise<string> => {
    const typed = ["-c", "model_providers.a.env_http_headers.X-Codex-Typed=A_KEY"];
    const answer = await runCli(["run", "--", "codex", "exec", "--skip-git-repo-check", ...typed, "hi"], {
      home,
      env: { ...env, A_KEY: "secret-3" },
      cwd: join(home.path, "project"),
    });
    expect(answer).toMatchObject({ code: 0, stdout: "right\n" });
    return seen(await upstream.gotRequest(upstream.requests.length));
  };
  write(elsewhere.baseUrl);
  expect(await turn()).not.toContain("secret");
  write(upstream.baseUrl);
  const own = await turn();
  for (const number of [1, 2, 3]) expect(own).toContain(`secret-${number}`);
}, 30_000);

test("ANTHROPIC_CUSTOM_HEADERS of the shell or of --settings reaches its own relay, and no other", async () => {
  install("claude", { link: claudeBinary() });
  const headers = (name: string): string => `X-Claude-${name}: secret-${name}`;
  const turn = async (relay: string): Promise<string> => {
    home.write(".claude/settings.json", { env: { ANTHROPIC_BASE_URL: relay, ANTHROPIC_AUTH_TOKEN: "t" } });
    const answer = await runCli(["run", "--", "claude", "-p", "hi", ...typed], {
      home,
      env: { ...env, ANTHROPIC_CUSTOM_HEADERS: headers("Shell") },
      cwd: join(home.path, "project"),
    });
    expect(answer).toMatchObject({ code: 0, stdout: "right\n" });
    return seen(await upstream.gotRequest(upstream.requests.length));
  };
  let typed: readonly string[] = [];
  expect(await turn(elsewhere.origin)).not.toContain("secret");
  expect(await turn(upstream.origin)).toContain("secret-Shell");
  typed = ["--settings", JSON.stringify({ env: { ANTHROPIC_CUSTOM_HEADERS: headers("Typed") } })];
  expect(await turn(elsewhere.origin)).not.toContain("secret");
  expect(await turn(upstream.origin)).toContain("secret-Typed");
}, 60_000);
