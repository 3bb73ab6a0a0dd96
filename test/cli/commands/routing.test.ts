import { expect, test } from "bun:test";
import { readState } from "../../../src/state/state-file.ts";
import { GOOD, reply } from "../../helpers/answers.ts";
import { type CliResult, runCli, startCli } from "../../helpers/cli.ts";
import { startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { freePort } from "../../helpers/free-port.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";

const SPENT = reply({ status: 402, body: { error: { message: "pay first" } } });

function configure(home: TempHome, urls: readonly string[]): void {
  const upstreams = urls.map((base_url) => ({ base_url, models: { "gpt-5": "relay-5" } }));
  home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams } } } });
}

async function turn(port: string | undefined): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
    method: "POST",
    headers: { "session-id": "s-1" },
    body: '{"model":"m","stream":true,"input":[]}',
  });
  return await response.text();
}

test("explains the order of the next request, and clears an upstream in the running proxy", async () => {
  using home = makeTempHome();
  await using primary = await startFakeUpstream([SPENT, GOOD.responses({ text: "paid" })]);
  await using backup = await startFakeUpstream([GOOD.responses()]);
  configure(home, [primary.baseUrl, backup.baseUrl]);
  await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  const [, port] = await serving.waitFor(/on http:\/\/127\.0\.0\.1:(\d+)/);
  await turn(port);

  const line = ["routing", "explain", "--session", "s-1", "--model", "gpt-5"];
  const shown = await runCli(line, { home });
  expect(shown.stdout.replace(/until (?:\w+ \d+ )?\d\d:\d\d/, "until TIME")).toBe(`Codex, config main
 1  main#2  ok
    the session is bound to it; model relay-5
 2  main#1  out of quota until TIME
    402 payment required; model relay-5
`);
  const { stdout } = await runCli([...line, "--json"], { home });
  expect(JSON.parse(stdout)).toMatchObject({
    service: "codex",
    is_running: true,
    places: [{ label: "main#2", until_ms: null, upstream_model: "relay-5" }, { label: "main#1" }],
  });
  expect([primary.requests.length, backup.requests.length]).toEqual([1, 1]);

  const reset = await runCli(["routing", "reset", "main#1"], { home });
  expect(reset).toMatchObject({
    code: 0,
    stdout: "main#1: state reset (running proxies: 1)\n",
  });
  const after = await runCli(["routing", "explain"], { home });
  expect(after.stdout).toContain(" 1  main#1  ok\n    first in order\n");
});

test("without a proxy it works on what the last one left", async () => {
  using home = makeTempHome();
  await using primary = await startFakeUpstream([SPENT]);
  await using backup = await startFakeUpstream([GOOD.responses()]);
  configure(home, [primary.baseUrl, backup.baseUrl]);
  {
    await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
    const [, port] = await serving.waitFor(/on http:\/\/127\.0\.0\.1:(\d+)/);
    await turn(port);
    await serving.stop("SIGINT");
  }
  const before = await runCli(["routing", "explain"], { home });
  expect(before.stderr).toContain("no proxy is running");
  expect(before.stdout).toContain(" 2  main#1  out of quota");
  expect((await runCli(["routing", "reset", "--all"], { home })).stdout).toContain("state.json was updated");
  expect(readState(home.paths.state)["health"]).toEqual({});
  expect((await runCli(["routing", "explain"], { home })).stdout).toContain(" 1  main#1  ok");
});

test("names that do not exist are answered with near ones", async () => {
  using home = makeTempHome();
  configure(home, ["https://one.example/v1"]);
  const run = (...args: string[]): Promise<CliResult> => runCli(["routing", "reset", ...args], { home });
  const [unknown, tooHigh, both, neither] = await Promise.all([
    run("mian"),
    run("main#2"),
    run("main", "--all"),
    run(),
  ]);
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('did you mean "main"?') });
  expect(tooHigh).toMatchObject({ code: 1, stderr: expect.stringContaining("no number 2") });
  expect([both.code, neither.code]).toEqual([2, 2]);
});

test("without an upstream it says what to type", async () => {
  using home = makeTempHome();
  const { code, stderr } = await runCli(["routing", "explain", "--claude"], { home });
  expect(code).toBe(1);
  expect(stderr).toContain("error: no upstream is configured for Claude Code\n  ch config add main");
});

test("the line to type names an upstream of the user's own", async () => {
  using home = makeTempHome();
  const hintFor = async (configs: object): Promise<string> => {
    home.write(".codex-helper/config.json", { codex: { configs } });
    return (await runCli(["routing", "reset"], { home })).stderr;
  };
  const upstreams = (count: number): object => ({
    upstreams: Array.from({ length: count }, (_, n) => ({ base_url: `https://relay-${n}.example/v1` })),
  });
  expect(await hintFor({ one: upstreams(1), pool: upstreams(2) })).toContain("ch routing reset pool#2\n");
  expect(await hintFor({ one: upstreams(1) })).toContain("ch routing reset one\n");
});
