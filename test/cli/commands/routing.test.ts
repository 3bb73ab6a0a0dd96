import { describe, expect, test } from "bun:test";
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
  expect(shown.stdout.replace(/until (?:\w+ \d+ )?\d\d:\d\d/, "until TIME").replace(/for \d+ s/, "for AGO"))
    .toBe(`Codex, config main
 1  main#2  ● ready
    the session is bound to it; model relay-5
 2  main#1  ▲ spent until TIME (default 15 min)
    402 payment required, for AGO; model relay-5
    ch quota
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
  expect(after.stdout).toContain(" 1  main#1  ● ready\n    first in order\n");
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
  expect(before.stdout).toContain(" 2  main#1  ▲ spent until");
  expect((await runCli(["routing", "reset", "--all"], { home })).stdout).toContain("state.json was updated");
  expect(readState(home.paths.state)["health"]).toEqual({});
  expect((await runCli(["routing", "explain"], { home })).stdout).toContain(" 1  main#1  ● ready");
});

test("shows who waits for a reset, and ends it", async () => {
  using home = makeTempHome();
  const body = { error: { type: "usage_limit_reached", resets_in_seconds: 7_200 } };
  await using relay = await startFakeUpstream([reply({ status: 429, body })]);
  const config = {
    upstreams: [{ base_url: relay.baseUrl }],
    models: { m: ["m", "second"] },
    on_all_exhausted: { wait: "6h" },
  };
  home.write(".codex-helper/config.json", { codex: { configs: { main: config } } });
  const view = await runCli(["config", "show", "main"], { home });
  expect(view.stdout).toContain(
    "\nm: asked for as m, then second\nat a limit of all upstreams requests wait up to 6h\n",
  );
  const idle = await runCli(["routing", "wait"], { home });
  expect(idle).toMatchObject({ code: 0, stdout: "no proxy is running\n" });
  await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  const [, port] = await serving.waitFor(/on http:\/\/127\.0\.0\.1:(\d+)/);
  expect((await runCli(["routing", "wait"], { home })).stdout).toBe("No request waits for a reset.\n");
  const answer = turn(port);
  await serving.waitFor(/session s-1 waits until .*\(ch routing wait\)/);
  const shown = await runCli(["routing", "wait"], { home });
  expect(shown.stdout).toMatch(/^s-1 +m +main#1 +until .+ +for \d+ (?:ms|s)\n$/);
  const { stdout } = await runCli(["routing", "wait", "--json"], { home });
  expect(JSON.parse(stdout)).toMatchObject({
    service: "codex",
    is_running: true,
    stopped: false,
    waiting: [{ session_id: "s-1", model: "m", upstream: "main#1" }],
  });
  const status = await runCli(["status", "--codex"], { home });
  expect(status.stdout).toMatch(/^waiting: session s-1 for main#1, until .+\n {2}ch routing wait\n/m);
  expect(status.stdout).toMatch(/model +m: asked for as m, then second\n/);
  expect((await runCli(["routing", "wait", "--stop"], { home })).stdout).toBe("ended: 1\n");
  expect(await answer).toContain("usage_limit_reached");
});

test("names the models of a chain, and the one in use", async () => {
  using home = makeTempHome();
  const limit = reply({
    status: 429,
    headers: { "retry-after": "600" },
    body: { error: { code: "slow_down" } },
  });
  await using relay = await startFakeUpstream((request) =>
    request.text().includes('"m"') ? limit : GOOD.responses(),
  );
  const config = {
    upstreams: [{ base_url: relay.baseUrl, models: { second: "sol" } }],
    models: { m: ["m", "second"] },
  };
  home.write(".codex-helper/config.json", { codex: { configs: { main: config } } });
  await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  const [, port] = await serving.waitFor(/on http:\/\/127\.0\.0\.1:(\d+)/);
  const explain = (): Promise<CliResult> => runCli(["routing", "explain", "--model", "m"], { home });
  expect((await explain()).stdout).toContain("config main\nm: asked for as m, then second\n");
  await turn(port);
  await serving.waitFor(/main#1 +m -> second/);
  await serving.waitFor(/main#1 .* next main#1 \(second\)/);
  expect((await explain()).stdout).toMatch(
    /\nm: asked for as second now \(m, then second\)\n 1 {2}main#1 {2}● ready\n .*; model sol\n/,
  );
  expect((await runCli(["usage", "tail"], { home })).stdout).toContain("m -> second");
  const { stdout } = await runCli(["usage", "summary", "--by", "model", "--json"], { home });
  expect(stdout).toContain('"second"');
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

describe("an answer at hand is judged, and nothing is sent", () => {
  const HEAD = "HTTP/1.1 200 Connection established\r\n\r\nHTTP/2 403 \r\nretry-after: 7200\r\n";
  const OWN = { match: "tea", verdict: "model", until: "2h" };

  async function explain(answer: string, { flags = [], own = {} }: { flags?: string[]; own?: object } = {}) {
    using home = makeTempHome();
    await using upstream = await startFakeUpstream([GOOD.responses()]);
    const upstreams = [{ base_url: upstream.baseUrl }, { base_url: `${upstream.baseUrl}/b`, ...own }];
    home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams } } } });
    home.write("answer.txt", answer);
    const file = `${home.path}/answer.txt`;
    const result = await runCli(["routing", "explain", "--response", file, ...flags], { home });
    expect(upstream.requests.length).toBe(0);
    return result;
  }

  test("with its head: rule, what was seen, what follows, and where the time is from", async () => {
    const key = `sk-${"a1b2".repeat(10)}`;
    const body = JSON.stringify({
      error: { code: "insufficient_user_quota", message: `tea is gone: ${key}` },
    });
    const { code, stderr, stdout } = await explain(`${HEAD}\r\n${body}`);
    expect(code).toBe(0);
    expect(stdout.replace(/until .*/, "until TIME")).toBe(`upstreams   main#1, main#2
rule        relay-quota
reason      403 quota exhausted (insufficient_user_quota)
seen        403  insufficient_user_quota  "tea is gone: sk-…"
then        the next upstream
counted as  spent until TIME
time from   retry-after header
`);
    expect(stdout + stderr).not.toContain(key);
    expect(stderr).toContain("Nothing was sent");
  });

  test("upstreams with rules of their own have a verdict of their own", async () => {
    const options = { flags: ["--json"], own: { on_error: [OWN] } };
    const { stdout } = await explain('HTTP/1.1 400 Bad Request\n\n{"error":"no tea"}', options);
    expect(JSON.parse(stdout)).toMatchObject({
      status: 400,
      words: "no tea",
      verdicts: [
        { upstreams: ["main#1"], rule: "client-error", next: "elsewhere", counted_as: "none" },
        { upstreams: ["main#2"], rule: "on-error", next: "next", counted_as: "model" },
      ],
    });
  });

  test("what is refused is named, and whether it may be left out", async () => {
    const message = "tools.3.custom.defer_loading: Extra inputs are not permitted";
    const answer = `HTTP/1.1 400 Bad Request\n\n${JSON.stringify({ error: { message } })}`;
    expect((await explain(answer)).stdout).toContain("(may be left out)\n");
    const { stdout } = await explain(answer, { flags: ["--json"] });
    expect(JSON.parse(stdout).verdicts[0]).toMatchObject({
      rule: "drift",
      next: "elsewhere",
      refused: [expect.stringContaining("defer_loading")],
    });
  });

  test("a body alone is an error inside a 200, be it a document, an event or a page", async () => {
    const event = 'event: error\ndata: {"type":"error","error":{"message":"余额不足"}}\n\n';
    for (const [answer, rule] of [
      ['{"error":{"message":"余额不足"}}', "relay-quota"],
      [event, "relay-quota"],
      [`HTTP/1.1 200 OK\n\n${event}`, "relay-quota"],
      ["<!doctype html><title>Sign in</title>", "page"],
      ["upstream says: budget exceeded", "relay-quota"],
    ] as const) {
      const { stdout } = await explain(answer, { flags: ["--json"] });
      expect({ answer, ...JSON.parse(stdout).verdicts[0] }).toMatchObject({ answer, rule });
    }
  });

  test("an answer that is none of the kind is called so, and an empty one is refused", async () => {
    expect((await explain('HTTP/1.1 200 OK\n\n{"id":"r","output":[]}')).stdout).toContain("no rule takes it");
    expect(await explain(" \n")).toMatchObject({ code: 1, stderr: expect.stringContaining("is empty") });
  });
});
