import { expect, test } from "bun:test";
import { readInstances } from "../../../src/state/instances.ts";
import { GOOD, reply } from "../../helpers/answers.ts";
import { runCli, startCli } from "../../helpers/cli.ts";
import { startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { freePort } from "../../helpers/free-port.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";

const LISTENING = /on http:\/\/127\.0\.0\.1:(\d+)/;
const SPENT = reply({ status: 402, body: { error: { message: "pay first" } } });
const KEY = "sk-very-secret-token";

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
    .replace(/pid \d+, for \d+ s/g, "pid PID, for N s")
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
    .replace(/until (?:\w+ \d+ )?\d\d:\d\d/g, "until TIME")
    .replace(/ok +127/, "ok PAD 127")
    .replace(/for \d+ s \(/g, "for N s (");

test("with a proxy: each upstream with its health, why, since when and until when", async () => {
  using home = makeTempHome();
  await using primary = await startFakeUpstream([SPENT]);
  await using backup = await startFakeUpstream([GOOD.responses()]);
  configure(home, [primary.baseUrl, backup.baseUrl], { routing: { open_secs: 5 } });
  await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  const [, port] = await serving.waitFor(LISTENING);
  await turn(port);
  await serving.waitFor(/new requests: main#1 -> main#2/);

  const shown = await runCli(["status", "--codex"], { home });
  expect(shown.code).toBe(0);
  expect(steady(shown.stdout)).toBe(`Codex
  client  not switched
  proxy   http://127.0.0.1:PORT, pid PID, for N s
  config  main
  main#1  out of quota until TIME  127.0.0.1:PORT
    402 payment required, for N s (default 15 min)
    1 request, 1 failed
  main#2  ok PAD 127.0.0.1:PORT
    1 request, 1 session stays with it

Set in ~/.codex-helper/config.json
  routing.open_secs 5
`);
  expect(shown.stderr).toContain("Next: ch routing explain");
  for (const line of shown.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);

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
  expect(stdout).toContain("Codex\n  client  not switched\n  proxy   no proxy runs\n  config  main\n");
  expect(stdout).toMatch(/main#1 {2}out of quota until .+ {2}127\.0\.0\.1:\d+/);
  expect(stdout).toContain(
    "Claude Code\n  client  not switched\n  proxy   no proxy runs\n  config  no upstream is configured for claude",
  );
  expect(stderr).toContain("Next: ch serve");
});

test("a killed proxy is not taken for a running one", async () => {
  using home = makeTempHome();
  configure(home, ["https://relay.example/v1"]);
  await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  await serving.waitFor(LISTENING);
  await serving.stop("SIGKILL");
  expect((await runCli(["status", "--codex"], { home })).stdout).toContain("no proxy runs");
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
  expect(stdout).toMatch(/main#1 {2}disabled {8}one\.example\n/);
  expect(stdout).toMatch(/main#2 {2}cannot be used {2}two\.example\n {4}the variable NOT_SET is not set/);
  expect(stderr).toContain("filter.json");
  home.write(".codex-helper/config.json", "{");
  const broken = await runCli(["status", "--codex"], { home });
  expect(broken.code).toBe(0);
  expect(broken.stderr).toContain("config.json");
});
