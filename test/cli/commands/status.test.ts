import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { readInstances } from "../../../src/state/instances.ts";
import { GOOD, reply } from "../../helpers/answers.ts";
import { runCli, startCli } from "../../helpers/cli.ts";
import { startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { freePort } from "../../helpers/free-port.ts";
import { waitUntil } from "../../helpers/wait.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";

const LISTENING = /on http:\/\/127\.0\.0\.1:(\d+)/;
const SPENT = reply({ status: 402, body: { error: { message: "pay first" } } });
const KEY = "sk-very-secret-token";
const TOML =
  'model_provider = "relay"\n[model_providers.relay]\nname = "relay"\nbase_url = "https://relay.example/v1"\n';

function configure(home: TempHome, urls: readonly string[], rest: object = {}): void {
  const upstreams = urls.map((base_url) => ({ base_url, auth: { auth_token: KEY } }));
  home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams } } }, ...rest });
}

async function turn(port: string | undefined): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
    method: "POST",
    headers: { "session-id": "s-1" },
    body: '{"model":"m","stream":true,"input":[]}',
  });
  await response.text();
}

/** Keeps what a reader of the screen has to see, and no figure of this run. */
const steady = (text: string): string =>
  text
    .replace(/port \d+ for \d+ s \(pid \d+\)/g, "port PORT for N s (pid PID)")
    .replace(/ +today/g, " PAD today")
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
    .replace(/until (?:\w+ )?\d\d:\d\d/g, "until TIME")
    .replace(/ +1 session$/m, "")
    .replace(/ready +(?=127|1 attempt)/, "ready PAD ")
    .replace(/required, for \d+ s/g, "required, for N s");

test("with a proxy: each upstream with its health, why, since when and until when", async () => {
  using home = makeTempHome();
  await using primary = await startFakeUpstream([SPENT]);
  await using backup = await startFakeUpstream([GOOD.responses()]);
  configure(home, [primary.baseUrl, backup.baseUrl], { routing: { open_secs: 5 } });
  await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  const [, port] = await serving.waitFor(LISTENING);
  await turn(port);
  await serving.waitFor(/next main#2/);

  const shown = await runCli(["status", "--codex"], { home });
  expect(shown.code).toBe(0);
  expect(steady(shown.stdout))
    .toBe(`Codex  not switched, proxy on port PORT for N s (pid PID) PAD today 1 request
  main#1  ▲ spent until TIME (default 15 min)  1 attempt, 1 failed
  main#2  ● ready PAD 1 attempt

there are no redaction rules
  ~/.codex-helper/config.json: routing.open_secs 5 (default 10)

only main#2 answers now
main#1: 402 payment required, for N s
  ch quota
`);
  expect(shown.stderr).toContain("Next: ch quota");
  for (const line of shown.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  const columns = shown.stdout.split("\n").flatMap((line) => /^ {2}main.*?(?=1 attempt)/.exec(line) ?? []);
  expect(columns.map((head) => head.length)).toEqual([columns[0]?.length ?? 0, columns[0]?.length ?? 0]);

  const { stdout } = await runCli(["status", "--json"], { home });
  expect(stdout).not.toContain(KEY);
  const [instance] = await readInstances(home.paths.run);
  expect(instance?.pid).toBe(serving.child.pid);
  expect(stdout).not.toContain(instance?.token ?? KEY);
  expect(JSON.parse(stdout)).toMatchObject({
    services: [
      {
        service: "codex",
        config_name: "main",
        upstreams: [
          { label: "main#1", standing: "exhausted", usage_exhausted: true },
          { label: "main#2", standing: "ok", usage_exhausted: false },
        ],
        instances: [{ pid: serving.child.pid, port: Number(port), service: "codex" }],
      },
      { service: "claude", instances: [] },
    ],
  });
});

test("a request that none could answer is told in a line, where the reason of each upstream is said", async () => {
  using home = makeTempHome();
  await using primary = await startFakeUpstream(() => SPENT);
  await using backup = await startFakeUpstream(() => SPENT);
  configure(home, [primary.baseUrl, backup.baseUrl]);
  await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  const [, port] = await serving.waitFor(LISTENING);
  await turn(port);
  await serving.waitFor(/none left/);
  const { stdout } = await runCli(["status", "--codex"], { home });
  expect(stdout).toMatch(/^\d\d:\d\d \d{3} m: No upstream could answer Codex\.$/m);
  expect(stdout.match(/402 payment required/g)).toHaveLength(1);

  // What is no trouble of an upstream now is told of the request.
  await serving.stop("SIGTERM");
  await runCli(["routing", "reset", "--all"], { home });
  const later = await runCli(["status", "--codex"], { home });
  expect(later.stdout.replace(/\s+/g, " ")).toMatch(
    /m: No upstream could answer Codex\. main#1: 402 payment/,
  );
});

test("what an upstream was taught to be asked without is shown, kept, and forgotten by a reset", async () => {
  using home = makeTempHome();
  await using relay = await startFakeUpstream((request) =>
    request.text().includes('"metadata"')
      ? reply({ status: 400, body: { detail: "Unsupported parameter: metadata" } })
      : GOOD.responses(),
  );
  configure(home, [relay.baseUrl]);
  const shows = async (...args: string[]): Promise<string> => (await runCli(args, { home })).stdout;
  const words = /asked without metadata \(codex_exec\/0\.171\.0\), until/;
  {
    await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
    const [, port] = await serving.waitFor(LISTENING);
    const response = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
      method: "POST",
      headers: { "user-agent": "codex_exec/0.171.0 (Debian)" },
      body: '{"model":"m","metadata":{"a":1},"stream":true,"input":[]}',
    });
    expect([response.status, (await response.text()) !== ""]).toEqual([200, true]);
    await serving.waitFor(/left out for an upstream that refuses it: metadata/);
    expect(await shows("status")).toMatch(words);
    expect(await shows("routing", "explain")).toMatch(words);
    await serving.stop("SIGTERM");
  }
  expect(await shows("routing", "explain")).toMatch(words);
  await runCli(["routing", "reset", "--all"], { home });
  expect(await shows("routing", "explain")).not.toMatch(words);
});

test("requests that were turned away are told in one line, and are none of the day's", async () => {
  using home = makeTempHome();
  await using upstream = await startFakeUpstream([GOOD.responses()]);
  configure(home, [upstream.baseUrl]);
  await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  const [, port] = await serving.waitFor(LISTENING);
  await turn(port);
  const quiet = await runCli(["status", "--codex"], { home });
  expect(quiet.stdout).not.toContain("turned away");
  const url = `http://127.0.0.1:${port}/v1/responses`;
  const before = await runCli(["usage", "summary", "--json"], { home });
  for (let index = 0; index < 20; index += 1) {
    const page = await fetch(url, { method: "POST", headers: { origin: "https://page.example" } });
    expect(page.status).toBe(403);
  }
  expect((await fetch(url, { headers: { host: "evil.example" } })).status).toBe(421);
  const { stdout } = await runCli(["status", "--codex"], { home });
  expect(stdout).toContain("\nrequests turned away: 21 (403 ×20, 421 ×1), last at ");
  expect(stdout).toContain("today 1 request");
  const json = await runCli(["status", "--codex", "--json"], { home });
  expect(JSON.parse(json.stdout).services[0].instances).toMatchObject([
    { refusals: { count: 21, by_status: { 403: 20, 421: 1 } } },
  ]);
  expect((await runCli(["usage", "summary", "--json"], { home })).stdout).toBe(before.stdout);
  const chinese = await runCli(["status", "--codex"], { home, env: { CODEX_HELPER_LANG: "zh" } });
  expect(chinese.stdout).toContain("拒绝的请求：21 个（403 ×20, 421 ×1），最近一次");
});

test("a config.json that was removed under a proxy is told by status, doctor and the list of configs", async () => {
  using home = makeTempHome();
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  configure(home, [upstream.baseUrl]);
  await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  const [, port] = await serving.waitFor(LISTENING);
  rmSync(home.paths.config);
  await waitUntil(async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/__codex-helper/status`);
    return JSON.stringify(await answer.json()).includes("config.json was removed");
  });
  await turn(port);
  await serving.waitFor(/config\.json was removed; the last valid version stays in use/);
  expect((await runCli(["status", "--codex"], { home })).stderr).toContain(
    "~/.codex-helper/config.json was removed",
  );
  const doctor = await runCli(["doctor"], { home });
  expect(doctor.stdout.replace(/\s+/g, " ")).toContain("was removed; the last valid version stays in use");
  const list = await runCli(["config", "list"], { home, env: { CODEX_HELPER_LANG: "zh" } });
  expect(list.stderr).toContain("~/.codex-helper/config.json 已被删除；继续使用之前的有效版本");
});

test("without a proxy: says so, and what is known from the last one", async () => {
  using home = makeTempHome();
  await using primary = await startFakeUpstream([SPENT]);
  await using backup = await startFakeUpstream([GOOD.responses()]);
  configure(home, [primary.baseUrl, backup.baseUrl]);
  {
    await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
    const [, port] = await serving.waitFor(LISTENING);
    await turn(port);
    await serving.stop("SIGINT");
  }
  const { code, stderr, stdout } = await runCli(["status"], { home });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Codex {2}not switched, no proxy +today 1 request/);
  expect(stdout).toMatch(/main#1 {2}▲ spent until .+ {2}1 attempt, 1 failed/);
  expect(stdout).toContain(
    "Claude Code  not switched, no proxy\n  no upstream is configured for Claude Code\n",
  );
  expect(stderr).toContain("Next: ch serve");
});

test("a killed proxy is not taken for a running one", async () => {
  using home = makeTempHome();
  configure(home, ["https://relay.example/v1"]);
  await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  await serving.waitFor(LISTENING);
  await serving.stop("SIGKILL");
  const { stderr, stdout } = await runCli(["status", "--codex"], { home });
  expect(stdout).toMatch(/^a proxy ended unexpectedly \(port \d+, pid \d+\)\n {2}ch doctor --fix$/m);
  expect(stderr).toContain("Next: ch doctor --fix");
  await runCli(["doctor", "--fix"], { home });
  expect((await runCli(["status", "--codex"], { home })).stdout).toContain("no proxy");
});

test("of two proxies, one of them killed: which is alive, which is dead, where the client is pointed", async () => {
  using home = makeTempHome();
  configure(home, ["https://relay.example/v1"]);
  home.write(".codex/config.toml", TOML);
  await using alive = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  const [, alivePort = ""] = await alive.waitFor(LISTENING);
  await using killed = startCli(["serve", "--port", String(freePort())], { home });
  const [, deadPort = ""] = await killed.waitFor(LISTENING);
  await killed.waitFor(/Press Ctrl\+C to stop/);
  await killed.stop("SIGKILL");

  const { stderr, stdout } = await runCli(["status", "--codex"], { home });
  expect(stdout).toMatch(new RegExp(`proxy on port ${alivePort} for \\d+ s\\s+\\(pid ${alive.child.pid}\\)`));
  expect(stdout).toContain(
    `a proxy ended unexpectedly (port ${deadPort}, pid ${killed.child.pid})\n  ch doctor --fix\n`,
  );
  expect(stdout).toContain(
    `Codex points at port ${deadPort}, switched by a ch that is no longer running\n  ch switch off --codex\n`,
  );
  expect(stderr).toContain("Next: ch doctor --fix");

  const json = JSON.parse((await runCli(["status", "--json"], { home })).stdout) as unknown;
  expect(json).toMatchObject({
    services: [
      {
        instances: [{ pid: alive.child.pid, port: Number(alivePort) }],
        dead_instances: [{ pid: killed.child.pid, port: Number(deadPort) }],
        silent_instances: [],
      },
      { instances: [], dead_instances: [] },
    ],
    clients: [{ switched: true, port: Number(deadPort), owner: { alive: false } }, { switched: false }],
  });
});

test("docs/status.md names every field that --json has", async () => {
  using home = makeTempHome();
  configure(home, ["https://relay.example/v1"]);
  home.write(".codex/config.toml", TOML);
  await using serving = startCli(["serve", "--port", String(freePort())], { home });
  await serving.waitFor(/Press Ctrl\+C to stop/);
  const { stdout } = await runCli(["status", "--codex", "--json"], { home });
  const names = new Set<string>();
  JSON.parse(stdout, (name, value: unknown) => {
    if (!/^\d*$/.test(name)) names.add(name);
    return value;
  });
  const text = await Bun.file(`${import.meta.dir}/../../../docs/status.md`).text();
  const missing = [...names].filter((name) => !new RegExp(`[\`.]${name}(?:\\[\\])?\``).test(text));
  // Of the owner and of a key: what they hold is in docs/switching.md.
  expect(missing.filter((name) => !["kind", "pid", "alive", "id", "where", "what"].includes(name))).toEqual(
    [],
  );
});

test("a proxy that stands still is neither alive nor dead", async () => {
  using home = makeTempHome();
  configure(home, ["https://relay.example/v1"]);
  await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  await serving.waitFor(LISTENING);
  process.kill(serving.child.pid, "SIGSTOP");
  const { stdout } = await runCli(["status", "--codex"], { home });
  expect(stdout).toContain(`pid ${serving.child.pid}, does not answer`);
});

test("who pointed the client, what goes past the proxy, and today's errors are said", async () => {
  using home = makeTempHome();
  configure(home, ["https://relay.example/v1"]);
  home.write(".codex/config.toml", TOML);
  home.write(".codex/work.config.toml", 'model_provider = "openai"\n');
  const failed = {
    timestamp_ms: Date.now(),
    service: "codex",
    model: "模型-五",
    status_code: 502,
    upstream_base_url: "https://relay.example/v1",
    outcome: "error",
    error: `no upstream could answer ${"一二三四五六七八九十".repeat(8)}`,
  };
  home.write(".codex-helper/logs/requests.jsonl", `${JSON.stringify(failed)}\n`);
  await runCli(["switch", "on", "--codex", "--port", String(freePort())], { home });
  const { stdout } = await runCli(["status", "--codex"], { home });
  expect(stdout).toMatch(/^Codex {2}switched by hand, no proxy/);
  expect(stdout).toMatch(
    /^Codex points at port (\d+), but nothing listens there\n {2}ch serve --codex --port \1\n/m,
  );
  expect(stdout).toContain("~/.codex/work.config.toml sets model_provider");
  expect(stdout).toMatch(/today 1 request, 1 failed/);
  expect(stdout).toMatch(/^\d\d:\d\d 502 relay\.example 模型-五: no/m);
  for (const line of stdout.split("\n"))
    expect({ line, fits: Bun.stringWidth(line) <= 80 }).toEqual({ line, fits: true });
});

test("a broken file is named with its place, and disabled upstreams are shown as such", async () => {
  using home = makeTempHome();
  home.write(".codex-helper/config.json", {
    codex: {
      configs: {
        main: {
          upstreams: [
            { base_url: "https://one.example/v1", enabled: false },
            { base_url: "https://two.example/v1", auth: { auth_token_env: "NOT_SET" } },
          ],
        },
      },
    },
  });
  home.write(".codex-helper/filter.json", "[{]");
  const { stderr, stdout } = await runCli(["status", "--codex"], { home });
  expect(stdout).toMatch(/main#1 {2}○ off {13}one\.example\n/);
  expect(stdout).toMatch(/main#2 {2}✕ cannot be used {2}two\.example\n/);
  expect(stdout).toMatch(
    /^main#2: the variable NOT_SET is not set\n {2}ch config set main#2 --auth-token-stdin$/m,
  );
  expect(stderr).toContain("filter.json");
  home.write(".codex-helper/config.json", "{");
  const broken = await runCli(["status", "--codex"], { home });
  expect(broken.code).toBe(0);
  expect(broken.stderr).toContain("config.json");
});
