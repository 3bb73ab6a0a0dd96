import { expect, test } from "bun:test";
import { closeSync, constants, openSync } from "node:fs";
import { join } from "node:path";
import { GOOD, reply } from "../../helpers/answers.ts";
import { PROGRAM, startCli } from "../../helpers/cli.ts";
import { type Answer, startFakeUpstream, type Step } from "../../helpers/fake-upstream.ts";
import { freePort } from "../../helpers/free-port.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";
import { elapse, waitUntil } from "../../helpers/wait.ts";

/** More than a pipe takes, in lines of the log. */
const MANY = 1_500;

const FAIL = reply({ status: 502, body: { error: { message: "down" } } });
/** Up to the line before. */
const UP = "\u001b[1A";
const LISTENING = /on http:\/\/127\.0\.0\.1:(\d+)/;

function configure(
  home: TempHome,
  configs: Readonly<Record<string, readonly string[]>>,
  active = "main",
): void {
  const entries = Object.entries(configs).map(([name, urls]) => [
    name,
    { upstreams: urls.map((base_url) => ({ base_url })) },
  ]);
  home.write(".codex-helper/config.json", { codex: { active, configs: Object.fromEntries(entries) } });
}

async function ask(port: string, session = "0199a3b2-0000"): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
    method: "POST",
    headers: { "session-id": session },
    body: '{"model":"gpt-5","stream":true,"store":false,"input":[]}',
  });
  await response.text();
  return response.status;
}

/** As a model answers: whose program asks can be looked up while it does. */
async function* slowly(answer: Answer): AsyncGenerator<Step> {
  await elapse(500);
  yield* answer;
}

const start = (home: TempHome, ...args: readonly string[]) =>
  startCli(["serve", "--no-switch", "--port", String(freePort()), ...args], { home, env: { COLUMNS: "80" } });

test("a line a request, what happened on its way under it, and at the end what the run came to", async () => {
  await using one = await startFakeUpstream([slowly(GOOD.responses()), FAIL, FAIL, FAIL]);
  await using two = await startFakeUpstream([GOOD.responses(), FAIL, FAIL]);
  using home = makeTempHome();
  configure(home, { main: [one.baseUrl, two.baseUrl] });
  await using serving = start(home);
  const [, port = ""] = await serving.waitFor(LISTENING);
  expect([await ask(port), await ask(port), await ask(port), await ask(port)]).toEqual([200, 200, 503, 503]);
  await serving.waitFor(/none left/);
  expect(await serving.stop("SIGINT")).toBe(130);
  const log = serving.stderr().split("to stop.\n")[1] ?? "";
  const end = log.trimEnd().lastIndexOf("\n");
  expect(
    log
      .slice(0, end)
      .split("\n")
      .filter((line) => Bun.stringWidth(line) > 80),
  ).toEqual([]);
  expect(log).toMatch(
    /^\d\d:\d\d:\d\d {2}main#1 {2}gpt-5 {2}200 {2}.*120 in {2}83 % {2}30 out {2}<\$0\.01\n\d\d:\d\d:\d\d {2}main#2 {2}gpt-5 {2}200 .*\n {10}main#1 ✕ 502 \S+.*, next main#2\n\d\d:\d\d:\d\d {2}(?:gpt-5 {2})?503 {2}.*none left: main#\d ✕ 502.*main#\d ✕ 502.*\n/,
  );
  expect(log).toMatch(/ {10}.*, 2 times since \d\d:\d\d\n/);
  // This process is the client, and runs on.
  expect(log).toMatch(
    /\n2 turns, 1 saved by failover, <\$0\.01, \d+ s; requests that failed: 2; sessions still open here: 1 \(they will wait until ch is back\)\n$/,
  );
});

test("a session whose program has ended is not open any more", async () => {
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  using home = makeTempHome();
  configure(home, { main: [upstream.baseUrl] });
  await using serving = start(home, "-q");
  const [, port = ""] = await serving.waitFor(LISTENING);
  const client = Bun.spawn(
    [
      process.execPath,
      "-e",
      `await (await fetch("http://127.0.0.1:${port}/v1/responses", { method: "POST", headers: { "session-id": "s" }, body: '{"model":"m","stream":true,"input":[]}' })).text()`,
    ],
    { env: home.env, stdout: "ignore", stderr: "inherit" },
  );
  expect(await client.exited).toBe(0);
  await serving.stop("SIGINT");
  const log = serving.stderr().split("to stop.\n")[1] ?? "";
  expect(log).toMatch(/^1 turn, 0 saved by failover, .*\d+ s\n$/);
});

test("--log json is an object a line on stdout, for a program", async () => {
  await using one = await startFakeUpstream([FAIL]);
  await using two = await startFakeUpstream(() => GOOD.responses());
  using home = makeTempHome();
  configure(home, { main: [one.baseUrl, two.baseUrl] });
  await using serving = start(home, "--log", "json");
  const [, port = ""] = await serving.waitFor(LISTENING);
  await ask(port);
  await serving.stop("SIGINT");
  const text = await new Response(serving.child.stdout).text();
  const lines = text
    .trim()
    .split("\n")
    .map((line): { event: string } => JSON.parse(line));
  expect(lines).toMatchObject([
    { event: "hop", from: { label: "main#1" }, to: { label: "main#2" } },
    { event: "request", upstream_label: "main#2", outcome: "ok", cost_usd: expect.any(Number) },
    { event: "stopped", turns: 1, saved_by_failover: 1, failed_requests: 0 },
  ]);
  expect(serving.stderr()).not.toContain("main#1 ✕");
});

test("what was changed is said when it is in force, without a request", async () => {
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  using home = makeTempHome();
  const urls = { main: [upstream.baseUrl], backup: [upstream.baseUrl] };
  configure(home, urls);
  await using serving = start(home);
  await serving.waitFor(/to stop/);
  configure(home, urls, "backup");
  await serving.waitFor(/^\d\d:\d\d:\d\d {2}config\.json: backup is active now$/m);
  home.write(".codex-helper/config.json", "{");
  await serving.waitFor(/config\.json:1:2: .*the last valid version stays in use/);
  configure(home, { ...urls, backup: [upstream.baseUrl, "https://other.example/v1"] }, "backup");
  await serving.waitFor(/config\.json is good again/);
  await serving.waitFor(/config\.json: backup#2 was added \(other\.example\)/);
});

test.each([80, 140])(
  "at a terminal of %d columns repeats are counted in place, and nothing is wrapped",
  async (columns) => {
    await using upstream = await startFakeUpstream(() => FAIL);
    using home = makeTempHome();
    configure(home, { 主力: [upstream.baseUrl, "http://127.0.0.1:9/v1"] }, "主力");
    const port = String(freePort());
    let screen = "";
    const decoder = new TextDecoder();
    const child = Bun.spawn([...PROGRAM, "serve", "--no-switch", "--port", port], {
      cwd: home.path,
      env: { ...home.env, TERM: "xterm", NO_COLOR: "1" },
      terminal: {
        cols: columns,
        rows: 24,
        data: (_, bytes) => void (screen += decoder.decode(bytes, { stream: true })),
      },
    });
    try {
      await waitUntil(() => screen.includes("to stop."), { deadlineMs: 20_000 });
      for (let n = 0; n < 5; n += 1) expect(await ask(port)).toBe(503);
      await waitUntil(() => screen.includes("same, 5 times since"), { deadlineMs: 20_000, what: screen });
      const written = screen.split("to stop.")[1] ?? "";
      // Each count is written over the one before.
      expect(written.split(UP)).toHaveLength(4);
      const rows = written.split(/\r?\n/);
      expect(rows.filter((row) => Bun.stringWidth(Bun.stripANSI(row)) > columns)).toEqual([]);
      expect(written).toMatch(/none left: 主力#1 ✕ 502[^,\n]*, 主力#2 ✕ /);
    } finally {
      child.kill("SIGKILL");
      await child.exited;
      child.terminal?.close();
    }
  },
);

// Windows has no such pipes: there a console in which something is marked stands for them, and nothing can mark it here.
if (process.platform !== "win32")
  for (const format of ["text", "json"])
    test(`a log that nobody reads keeps no request waiting, and no end: ${format}`, async () => {
      await using upstream = await startFakeUpstream(() => GOOD.responses());
      using home = makeTempHome();
      configure(home, { main: [upstream.baseUrl] });
      const path = join(home.path, "log");
      expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
      const pipe = openSync(path, constants.O_RDWR);
      const port = String(freePort());
      const child = Bun.spawn([...PROGRAM, "serve", "--no-switch", "--port", port, "--log", format], {
        env: home.env,
        cwd: home.path,
        stdin: "ignore",
        stdout: pipe,
        stderr: pipe,
      });
      try {
        await waitUntil(async () => (await ask(port).catch(() => 0)) === 200);
        for (let left = MANY; left > 0; left -= 50)
          expect(await Promise.all(Array.from({ length: 50 }, () => ask(port)))).toEqual(Array(50).fill(200));
        child.kill("SIGTERM");
        expect(await child.exited).toBe(143);
      } finally {
        child.kill("SIGKILL");
        closeSync(pipe);
      }
    });
