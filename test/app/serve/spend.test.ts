import { expect, test } from "bun:test";
import { readdirSync, rmSync, statSync } from "node:fs";
import { surveyStatus } from "../../../src/app/status/survey.ts";
import { GOOD } from "../../helpers/answers.ts";
import { runCli, startCli } from "../../helpers/cli.ts";
import { startConfiguredProxy } from "../../helpers/configured-proxy.ts";
import { type FakeUpstream, startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { freePort } from "../../helpers/free-port.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";
import { waitUntil } from "../../helpers/wait.ts";

/** The 30 tokens of a fake answer cost 30 cents. */
const PRICES = [{ model: "*", input: 0, output: 10_000 }];
const MIB = 2 ** 20;

function configure(home: TempHome, upstream: FakeUpstream, budget_usd?: object): void {
  const entry = { base_url: upstream.baseUrl, auth: { auth_token: "sk-1" }, budget_usd };
  home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams: [entry] } } } });
  home.write(".codex-helper/usage_providers.json", { providers: [] });
  home.write(".codex-helper/prices.json", PRICES);
}

async function startServe(home: TempHome) {
  const cli = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  const [, port = ""] = await cli.waitFor(/on http:\/\/127\.0\.0\.1:(\d+)/);
  return { cli, url: `http://127.0.0.1:${port}/v1` };
}

async function ask(url: string, count = 1): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const body = JSON.stringify({ model: "gpt-5", stream: true, input: [] });
    const answer = await fetch(`${url}/responses`, { method: "POST", body });
    expect(await answer.text()).toContain("response.completed");
  }
}

async function readBudget(home: TempHome): Promise<number> {
  const { stdout } = await runCli(["quota", "list", "--json"], { home });
  const { upstreams } = JSON.parse(stdout) as { upstreams: { quota: { used: number }[] }[] };
  return Number((upstreams[0]?.quota[0]?.used ?? Number.NaN).toFixed(6));
}

test("budgets hold over kill -9, two proxies at one home, and a log that is removed", async () => {
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  using home = makeTempHome();
  configure(home, upstream, { day: 100, month: 100 });
  const killed = await startServe(home);
  const other = await startServe(home);
  await Promise.all([ask(killed.url, 3), ask(other.url, 2)]);
  killed.cli.child.kill("SIGKILL");
  await killed.cli.child.exited;
  await ask(other.url);
  await waitUntil(async () => (await readBudget(home)) === 1.8);
  expect(await other.cli.stop("SIGTERM")).toBe(143);
  rmSync(home.paths.logs, { recursive: true });
  expect(await readBudget(home)).toBe(1.8);
  const last = await startServe(home);
  await ask(last.url);
  // While it still runs, it loses its log.
  rmSync(home.paths.logs, { recursive: true });
  await waitUntil(async () => (await readBudget(home)) === 2.1);
  await ask(last.url);
  await last.cli.stop("SIGTERM");
  rmSync(home.paths.logs, { recursive: true, force: true });
  expect(await readBudget(home)).toBe(2.4);
});

test("a budget that is set later knows what was spent since the first day, and status what went on today", async () => {
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  using home = makeTempHome();
  configure(home, upstream);
  const { cli, url } = await startServe(home);
  await ask(url, 4);
  await cli.stop("SIGTERM");
  rmSync(home.paths.logs, { recursive: true });
  configure(home, upstream, { day: 100 });
  expect(await readBudget(home)).toBe(1.2);
  const { services } = await surveyStatus(["codex"], { ...home, now: Date.now });
  expect(services[0]?.today).toMatchObject({
    is_complete: true,
    requests: 4,
    failures: 0,
    upstreams: [{ base_url: upstream.baseUrl, requests: 4, failures: 0 }],
  });
});

test("10,000 refused requests write under 1 MB and change no sum, no budget and nothing of today", async () => {
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  await using proxy = await startConfiguredProxy({
    codex: [{ base_url: upstream.baseUrl, budget_usd: { day: 100 } }],
    usageProviders: { providers: [] },
  });
  const { home } = proxy;
  home.write(".codex-helper/prices.json", PRICES);
  await ask(proxy.codexUrl, 2);
  const look = async () => {
    const { stdout } = await runCli(["usage", "summary", "--json"], { home });
    const { services } = await surveyStatus(["codex"], { ...home, now: Date.now });
    const { today, upstreams } = services[0] ?? {};
    return { summary: JSON.parse(stdout), today, used: upstreams?.[0]?.quota[0]?.used };
  };
  await waitUntil(async () => (await look()).used === 0.6);
  const before = await look();
  const url = `${proxy.codexUrl}/${"a".repeat(8_000)}`;
  const refuse = async (): Promise<void> => {
    for (let index = 0; index < 200; index += 1) {
      const answer = await fetch(url, { headers: { origin: "https://evil.example" } });
      expect(answer.status).toBe(403);
      await answer.text();
    }
  };
  await Promise.all(Array.from({ length: 50 }, refuse));
  expect(await look()).toEqual(before);
  const sizes = readdirSync(home.paths.logs).map((name) => statSync(`${home.paths.logs}/${name}`).size);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MIB);
  expect(upstream.requests).toHaveLength(2);
  await proxy.stop();
  expect((await look()).today).toEqual(before.today);
});
