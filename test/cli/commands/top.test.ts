// `ch top` as a program: its lines of JSON, its screen at a terminal with keys, and what it says where it cannot be shown.
import { afterEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describeHelp, describeRow } from "../../../src/cli/commands/top/details.ts";
import { drawScreen } from "../../../src/cli/commands/top/screen.ts";
import { createTopModel } from "../../../src/cli/commands/top/model.ts";
import { useDictionary } from "../../../src/cli/language.ts";
import zh from "../../../src/cli/zh.json";
import { instanceSchema, runningSchema } from "../../../src/app/ask-instance.ts";
import { GOOD } from "../../helpers/answers.ts";
import { PROGRAM, runCli, startCli } from "../../helpers/cli.ts";
import { type RunningProxy, startConfiguredProxy } from "../../helpers/configured-proxy.ts";
import { type FakeUpstream, startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { freePort } from "../../helpers/free-port.ts";
import { startAtTerminal } from "../../helpers/pseudo-terminal.ts";
import { makeTempHome } from "../../helpers/temp-home.ts";
import { waitUntil } from "../../helpers/wait.ts";

afterEach(() => useDictionary(null));

/** Windows has no such signals. */
const testUnix = process.platform === "win32" ? () => {} : test;

async function start(): Promise<{ proxy: RunningProxy; upstream: FakeUpstream } & AsyncDisposable> {
  const upstream = await startFakeUpstream(() => GOOD.responses());
  const proxy = await startConfiguredProxy({ codex: [upstream, upstream] });
  return {
    proxy,
    upstream,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await upstream.close();
    },
  };
}

const ask = async ({ codexUrl }: RunningProxy): Promise<void> => {
  const response = await fetch(`${codexUrl}/responses`, {
    method: "POST",
    headers: { "session-id": "s-1", "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt-5", stream: true, input: [] }),
  });
  await response.text();
};

test("without a proxy it says so, with the command to type", async () => {
  using home = makeTempHome();
  for (const args of [
    ["top", "--json"],
    ["top", "--json", "--claude"],
  ]) {
    const { code, stderr, stdout } = await runCli(args, { home });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("no proxy is running\n  ch serve");
  }
});

test("without a terminal it says so, and what to type instead", async () => {
  using home = makeTempHome();
  const { code, stderr, stdout } = await runCli(["top"], { home });
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain("ch top --json");
});

testUnix("--json prints an object a line, with the state first and a request when it has ended", async () => {
  await using running = await start();
  await using top = startCli(["top", "--json"], { home: running.proxy.home });
  let text = "";
  const decoder = new TextDecoder();
  const reading = (async () => {
    for await (const chunk of top.child.stdout) text += decoder.decode(chunk, { stream: true });
  })();
  const lines = (): Record<string, unknown>[] =>
    text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  await waitUntil(() => lines().length >= 2, { deadlineMs: 20_000, what: "the state" });
  await ask(running.proxy);
  const line = await waitUntil(() => lines().find(({ type }) => type === "request"), { what: "the request" });
  expect(line).toMatchObject({
    service: "codex",
    pid: process.pid,
    request: { outcome: "ok", session_id: "s-1" },
  });
  const [first, second] = lines();
  expect(first).toMatchObject({
    type: "proxy",
    config_name: "main",
    upstreams: [{ label: "main#1" }, { label: "main#2" }],
  });
  expect(second).toMatchObject({ type: "running", count: 0, requests: [] });
  expect(text).not.toContain("sk-test-upstream");
  expect(await top.stop("SIGTERM")).toBe(143);
  await reading;
});

testUnix("at a terminal it shows what runs, takes keys, and leaves the other screen at q", async () => {
  await using running = await start();
  const { home } = running.proxy;
  await using top = startAtTerminal([...PROGRAM, "top"], { home });
  await top.waitFor("main#2");
  await ask(running.proxy);
  await top.waitFor(/gpt-5\s+200/);
  await top.press("?", "ch 0.");
  await top.press("\u001b", "What the keys do");
  // p asks first, and the same key undoes it.
  const isOff = (): boolean => readFileSync(home.paths.config, "utf8").includes('"enabled": false');
  await top.press("p", "EVENTS");
  await top.press("n", "pause main#1");
  await top.press("p", "enter details");
  expect(isOff()).toBe(false);
  await top.press("y", "pause main#1");
  await top.waitFor("main#1 is disabled");
  expect(isOff()).toBe(true);
  await waitUntil(() => top.words().includes("○ off"), { deadlineMs: 10_000, what: "the new state" });
  await top.press("p", "");
  await top.press("y", "use main#1 again");
  await waitUntil(() => !isOff(), { deadlineMs: 10_000, what: "an enabled upstream" });
  await top.press("q", "main#1 is enabled");
  expect(await top.exited).toBe(0);
});

testUnix("after q and after Ctrl+C the terminal is as it was before", async () => {
  for (const [key, code] of [
    ["q", 0],
    ["\u0003", 130],
  ] as const)
    await endWith(key, code);
});

async function endWith(key: string, code: number): Promise<void> {
  await using running = await start();
  const { home } = running.proxy;
  const line = `stty -a > before; ${[...PROGRAM, "top"].map((word) => `'${word}'`).join(" ")}; echo "code $?"; stty -a > after`;
  await using shell = startAtTerminal(["sh", "-c", line], { home });
  await shell.press(key, "EVENTS");
  await shell.waitFor(`code ${code}`);
  await shell.exited;
  const read = (name: string): string => readFileSync(join(home.path, name), "utf8");
  expect(read("after")).toBe(read("before"));
}

testUnix(
  "serve --top shows it in front of the proxy; q asks, and then all ends as after Ctrl+C",
  async () => {
    await using upstream = await startFakeUpstream(() => GOOD.responses());
    using home = makeTempHome();
    const upstreams = [{ base_url: upstream.baseUrl, auth: { auth_token: "sk-a" } }];
    home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams } } } });
    const args = ["serve", "--codex", "--no-switch", "--port", String(freePort()), "--top"];
    await using serving = startAtTerminal([...PROGRAM, ...args], { home });
    await serving.press("q", "EVENTS");
    await serving.press("y", "stop the proxy");
    await serving.waitFor("0 turns, 0 saved by failover");
    expect(await serving.exited).toBe(0);
  },
);

test("serve --top has no other log, and needs a terminal", async () => {
  using home = makeTempHome();
  for (const args of [["--top"], ["--top", "-q"], ["--top", "--log", "json"]]) {
    const { code, stdout } = await runCli(["serve", ...args], { home });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  }
});

const AT = 1_780_000_000_000;

function makeModel() {
  const model = createTopModel();
  const upstream = (label: string, more: object = {}) => ({
    label,
    base_url: `https://${label.replace("#", "-")}.example/v1`,
    standing: "ok",
    until_ms: null,
    reason: "",
    problem: null,
    requests: 0,
    failures: 0,
    last_failure: null,
    sessions: 0,
    ...more,
  });
  const instance = {
    pid: 1,
    started: null,
    service: "codex",
    port: 3211,
    token: "",
    command: "serve",
    since: AT,
  } as const;
  const facts = instanceSchema.parse({
    name: "codex-helper",
    version: "0.1.0",
    pid: 1,
    service: "codex",
    port: 3211,
    since_ms: AT,
    config_name: "main",
    problem: null,
    config_problem: null,
    filter_problem: null,
    upstreams: [
      upstream("main#1"),
      upstream("main#2", { standing: "open", until_ms: AT + 30_000 }),
      upstream("中转#3"),
    ],
  });
  const part = runningSchema.parse({
    count: 1,
    in_flight: { "main#1": 1 },
    requests: [
      {
        id: "r1",
        started_at_ms: AT - 12_000,
        path: "/v1/responses",
        model: "gpt-5.6-sol\u001b[31m",
        session_id: "0199a3f2-0000",
        project: "商店",
        client: null,
        agent: null,
        upstream: "main#1",
        state: "answering",
        ttfb_ms: 900,
        output_tokens_estimate: 1_100,
        attempts: [],
      },
    ],
  });
  model.hear(instance, { kind: "proxy", facts });
  model.hear(instance, { kind: "running", part });
  return model;
}

test.each([
  [80, 24],
  [140, 40],
  [40, 10],
  [20, 5],
  [1, 1],
  [200, 3],
])(
  "the screen of %d x %d has as many lines, none is wider, and no foreign escape is in it",
  (columns, rows) => {
    const model = makeModel();
    const all = [...model.upstreams(), ...model.configs(), ...model.requests()];
    for (const selected of [null, all.at(-1)?.id ?? null]) {
      const lines = drawScreen(
        {
          model,
          rows: all,
          events: ["x".repeat(300), "事件"],
          selected,
          filter: "",
          foot: null,
          version: "0.1.0",
          now: AT,
        },
        { columns, rows },
        (_, text) => text,
      );
      expect(lines).toHaveLength(rows);
      for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
      expect(lines.join("\n")).not.toContain("\u001b");
      if (columns < 80 || rows < 24) continue;
      const text = lines.join("\n");
      for (const words of [
        "● ready",
        "✕ down",
        "中转#3",
        "0199a3f2",
        "商店",
        "~1.10k out",
        "1 running",
        "q quit",
      ])
        expect(text).toContain(words);
    }
  },
);

test("in Chinese the screen, the keys and the details of a request are Chinese, and no wider", () => {
  useDictionary(zh);
  const model = makeModel();
  const paint = (_: string, text: string): string => text;
  const rows = [...model.upstreams(), ...model.requests()];
  const state = {
    model,
    rows,
    events: [],
    selected: null,
    filter: "",
    foot: null,
    version: "0.1.0",
    now: AT,
  };
  const screen = drawScreen(state, { columns: 80, rows: 24 }, paint);
  const keys = describeHelp({ endsProxy: false }, 40);
  for (const line of screen) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(80);
  for (const line of keys) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(40);
  expect(screen.join("\n")).toContain("输出 ~1.10k");
  expect(keys.join("\n")).toContain("回车");

  const [proxy] = model.proxies();
  if (proxy === undefined) throw new Error("no proxy");
  const usage = { input_tokens: 120, cached_input_tokens: 100, output_tokens: 30 };
  const record = { timestamp_ms: AT, service: "codex", id: "r1", outcome: "ok", status_code: 200, usage };
  model.hear(proxy.instance, { kind: "request", record, line: record });
  model.hear(proxy.instance, {
    kind: "running",
    part: runningSchema.parse({ count: 0, in_flight: {}, requests: [] }),
  });
  const details = model.requests().flatMap((row) => describeRow(row, { paint, now: AT, costOf: null }, 80));
  expect(details.join("\n")).toContain("输入 120、缓存 100、输出 30");
});

test.each([
  [80, 24],
  [20, 5],
  [20, 2],
])("a question of several lines stands at the end of a screen of %d x %d", (columns, rows) => {
  const model = makeModel();
  const foot = ["pause main#1?", "y: yes"];
  const state = {
    model,
    rows: [...model.upstreams()],
    events: ["e"],
    selected: null,
    filter: "",
    version: "",
    now: AT,
  };
  const lines = drawScreen({ ...state, foot }, { columns, rows }, (_, text) => text);
  expect(lines).toHaveLength(rows);
  expect(lines.slice(-2)).toEqual(foot);
});

test("what the keys do is told without arrows, which not every terminal has", () => {
  expect(describeHelp({ endsProxy: false }, 80).join("\n")).toMatch(/^[\x20-\x7e\n]*$/);
});

test("nothing moves that did not change: a request that ends leaves all other rows where they are", () => {
  const model = makeModel();
  const draw = () =>
    drawScreen(
      {
        model,
        rows: [...model.upstreams(), ...model.requests()],
        events: [],
        selected: null,
        filter: "",
        foot: null,
        version: "0.1.0",
        now: AT,
      },
      { columns: 80, rows: 24 },
      (_, text) => text,
    );
  const before = draw();
  const [proxy] = model.proxies();
  if (proxy === undefined) throw new Error("no proxy");
  const record = {
    timestamp_ms: AT,
    service: "codex",
    id: "r1",
    outcome: "ok",
    status_code: 200,
    upstream_label: "main#1",
  };
  model.hear(proxy.instance, { kind: "request", record, line: record });
  const after = draw();
  expect(after).toHaveLength(before.length);
  expect(before.flatMap((line, at) => (line === after[at] ? [] : [at])).length).toBeLessThanOrEqual(3);
  expect(after.findIndex((line) => line.includes("EVENTS"))).toBe(
    before.findIndex((line) => line.includes("EVENTS")),
  );
});
