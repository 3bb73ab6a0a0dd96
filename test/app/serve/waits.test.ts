// A wait for the reset, and what else an owner may have said: budgets, walls, a chain of models, an edit of config.json.
import { expect, test } from "bun:test";
import { runCli } from "../../helpers/cli.ts";
import {
  type ProxyOptions,
  type RunningProxy,
  startConfiguredProxy,
} from "../../helpers/configured-proxy.ts";
import { GOOD, reply } from "../../helpers/answers.ts";
import { startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { leaks, newSession, secretRequest, startWallBench } from "../../helpers/wall-bench.ts";
import { waitUntil } from "../../helpers/wait.ts";

const WAIT = { on_all_exhausted: { wait: "8d" } };
const SPENT = reply({
  status: 429,
  body: { error: { type: "usage_limit_reached", resets_in_seconds: 7_200 } },
});

function start({ settings, ...options }: ProxyOptions): Promise<RunningProxy> {
  return startConfiguredProxy({
    settings: { ...WAIT, ...settings },
    usageProviders: { providers: [] },
    ...options,
  });
}

function ask({ codexUrl }: RunningProxy, model = "gpt-5"): Promise<Response> {
  return fetch(`${codexUrl}/responses`, {
    method: "POST",
    headers: { "session-id": "s-1", "content-type": "application/json" },
    body: JSON.stringify({ model, stream: true, input: [] }),
  });
}

interface Waiting {
  readonly upstream: string;
  readonly until_ms: number | null;
}

async function waits({ home }: Pick<RunningProxy, "home">): Promise<readonly Waiting[]> {
  const { stdout } = await runCli(["routing", "wait", "--codex", "--json"], { home });
  return (JSON.parse(stdout) as { waiting: readonly Waiting[] }).waiting;
}

const untilWaiting = (proxy: Pick<RunningProxy, "home">): Promise<readonly Waiting[]> =>
  waitUntil(async () => ((await waits(proxy)).length > 0 ? waits(proxy) : null), {
    deadlineMs: 20_000,
    what: "a request that waits",
  });

test("a spent budget is waited for until its window opens, or until it is lifted", async () => {
  await using relay = await startFakeUpstream(() => GOOD.responses());
  const budget = { requests: 1, per: "week" };
  await using proxy = await start({ codex: [{ base_url: relay.baseUrl, budget }] });
  await (await ask(proxy)).text();
  await proxy.logged(1);
  const answer = ask(proxy);
  const [wait] = await untilWaiting(proxy);
  const today = new Date();
  const monday = today.getDate() + 7 - ((today.getDay() + 6) % 7);
  expect(wait?.until_ms).toBe(new Date(today.getFullYear(), today.getMonth(), monday).getTime());
  expect(
    (await runCli(["budget", "lift", "main#1", "--for", "1h", "--codex"], { home: proxy.home })).code,
  ).toBe(0);
  expect((await answer).status).toBe(200);
  expect(relay.requests.length).toBe(2);
});

test("a budget of one model leads to another, and nothing waits", async () => {
  await using relay = await startFakeUpstream(() => GOOD.responses());
  const models = { dear: ["dear", "cheap"] };
  const main = { upstreams: [{ base_url: relay.baseUrl, auth: { auth_token: "sk-1" } }], models };
  await using proxy = await start({
    codex: [],
    settings: {
      codex: { active: "main", configs: { main } },
      budgets_by_model: { dear: { requests: 1, per: "day" } },
    },
  });
  for (const n of [1, 2, 3]) {
    expect((await ask(proxy, "dear")).status).toBe(200);
    await proxy.logged(n);
  }
  const asked = relay.requests.map((request) => (request.json() as { model: string }).model);
  expect(asked).toEqual(["dear", "cheap", "cheap"]);
});

test("an upstream that is added meanwhile answers what waits", async () => {
  await using spent = await startFakeUpstream([SPENT]);
  await using fresh = await startFakeUpstream(() => GOOD.responses({ text: "fresh" }));
  await using proxy = await start({ codex: [spent] });
  const answer = ask(proxy);
  await untilWaiting(proxy);
  const line = ["config", "add", "main", "--append", "--base-url", fresh.baseUrl, "--auth-token-stdin"];
  const { home } = proxy;
  expect((await runCli([...line, "--codex"], { home, stdin: "sk-test-2\n" })).code).toBe(0);
  expect(await (await answer).text()).toContain("fresh");
});

test("no wait leads over a wall, whatever is reset or added meanwhile", async () => {
  await using bench = await startWallBench(WAIT);
  bench.inside.play(() => SPENT);
  const { proxy } = bench;
  const request = secretRequest("codex", { session: newSession(), cwds: [bench.at("work/acme")] });
  const answer = bench.send("codex", request);
  expect((await untilWaiting(proxy))[0]?.upstream).toBe("main#2");
  bench.inside.play(() => GOOD.responses({ text: "inside" }));
  expect((await runCli(["routing", "reset", "--all", "--codex"], { home: proxy.home })).code).toBe(0);
  expect(await (await answer).text()).toContain("inside");
  expect(leaks(bench)).toEqual([]);
});

test("a wall that is built while a request waits holds for it", async () => {
  await using bench = await startWallBench({ ...WAIT, projects: undefined });
  bench.outside.play(() => SPENT);
  bench.inside.play(() => SPENT);
  const { proxy } = bench;
  const request = secretRequest("codex", { session: newSession(), cwds: [bench.at("work/acme")] });
  const answer = bench.send("codex", request);
  await untilWaiting(proxy);
  const before = bench.outside.requests.length;
  const projects = { "~/work/acme/**": { allow: ["main#2"] } };
  await bench.configure({ ...WAIT, projects }, ({ project }) => project !== undefined && project !== null);
  bench.outside.play(() => GOOD.responses({ text: "outside" }));
  bench.inside.play(() => GOOD.responses({ text: "inside" }));
  expect((await runCli(["routing", "reset", "--all", "--codex"], { home: proxy.home })).code).toBe(0);
  expect(await (await answer).text()).toContain("inside");
  expect(bench.outside.requests.length).toBe(before);
});
