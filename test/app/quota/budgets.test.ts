import { expect, test } from "bun:test";
import { appendFileSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { tellInstance } from "../../../src/app/ask-instance.ts";
import { createLiveConfig } from "../../../src/app/live-config.ts";
import { createLivePrices } from "../../../src/app/spend/live-prices.ts";
import { createBudgets } from "../../../src/app/quota/budgets.ts";
import { createSpendBook } from "../../../src/app/spend/spend-book.ts";
import { surveyStatus } from "../../../src/app/status/survey.ts";
import { type Text, inEnglish } from "../../../src/base/text.ts";
import { readInstances } from "../../../src/state/instances.ts";
import { GOOD } from "../../helpers/answers.ts";
import { startConfiguredProxy } from "../../helpers/configured-proxy.ts";
import { startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { makeTempHome } from "../../helpers/temp-home.ts";
import { waitUntil } from "../../helpers/wait.ts";

test("a budget of the user's own moves sessions on when it is spent, from what the log says", async () => {
  await using primary = await startFakeUpstream(() => GOOD.responses({ text: "primary" }));
  await using backup = await startFakeUpstream(() => GOOD.responses({ text: "backup" }));
  await using proxy = await startConfiguredProxy({
    codex: [{ base_url: primary.baseUrl, budget_usd: { day: 0.000_000_1 } }, backup],
    usageProviders: { providers: [] },
  });
  const ask = async (): Promise<string> => {
    const response = await fetch(`${proxy.codexUrl}/responses`, {
      method: "POST",
      body: JSON.stringify({ model: "gpt-5", stream: true, input: [] }),
    });
    return await response.text();
  };
  expect(await ask()).toContain("primary");
  const facts = async () =>
    (await surveyStatus(["codex"], { ...proxy.home, now: Date.now })).services[0]?.upstreams;
  const spent = await waitUntil(async () =>
    (await facts())?.[0]?.usage_exhausted === true ? facts() : null,
  );
  expect(spent?.[0]).toMatchObject({
    standing: "exhausted",
    quota: [{ source: "budget", window: "day", left: 0 }],
  });
  expect(await ask()).toContain("backup");
  expect(primary.requests).toHaveLength(1);
  const [instance] = await readInstances(proxy.home.paths.run);
  if (instance !== undefined) await tellInstance(instance, "refresh");
  expect((await facts())?.[0]?.usage_exhausted).toBe(true);
});

test("without a proxy the budget is read from this month's log", async () => {
  using home = makeTempHome();
  const base_url = "https://relay.example/v1";
  home.write(".codex-helper/config.json", {
    codex: { configs: { main: { upstreams: [{ base_url, budget_usd: { month: 5 } }] } } },
  });
  mkdirSync(dirname(home.paths.requestsLog), { recursive: true });
  const line = {
    timestamp_ms: Date.now(),
    service: "codex",
    config_name: "main",
    upstream_base_url: base_url,
    model: "gpt-5",
    usage: { input_tokens: 1_000_000, output_tokens: 0, total_tokens: 1_000_000 },
  };
  const others = [
    { ...line, service: "claude" },
    { ...line, upstream_base_url: "https://other.example/v1" },
  ];
  for (const one of [line, ...others]) appendFileSync(home.paths.requestsLog, `${JSON.stringify(one)}\n`);
  const { services } = await surveyStatus(["codex"], { ...home, now: Date.now });
  const [row] = services[0]?.upstreams[0]?.quota ?? [];
  expect(row).toMatchObject({ source: "budget", window: "month", state: "ok", limit: 5, unit: "USD" });
  expect(row?.used).toBeCloseTo(1.25);
});

test.each([
  ["empty", "", false],
  ["half", '[{"model": "m', true],
  ["not written yet", "\0\0\0", true],
])(
  "a prices.json that is %s costs no budget once it is whole, and none while it is saved again",
  async (_, soFar, isTold) => {
    using home = makeTempHome();
    const upstream = {
      base_url: "https://relay.example/v1",
      budget_usd: { month: 5 },
      auth: { auth_token: "sk-1" },
    };
    home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams: [upstream] } } } });
    home.write(".codex-helper/prices.json", soFar);
    const context = { paths: home.paths, env: home.env, now: Date.now };
    const live = createLiveConfig(context);
    const troubles: string[] = [];
    const onTrouble = (words: Text | string): void => void troubles.push(inEnglish(words));
    const book = createSpendBook({ ...context, prices: createLivePrices({ ...context, live }), onTrouble });
    const budgets = createBudgets({ ...context, live, book, onChange: () => {}, onTrouble });
    const state = live.routeOf("codex").state();
    const [first] = state.kind === "ready" ? state.route.upstreams : [];
    if (first === undefined) throw new Error("no upstream");
    budgets.follow();
    if (isTold) {
      await waitUntil(() => troubles.length > 0);
      expect(budgets.readingOf(first)).toBeNull();
      home.write(".codex-helper/prices.json", []);
    }
    await waitUntil(() => budgets.readingOf(first));
    home.write(".codex-helper/prices.json", soFar);
    home.write(".codex-helper/config.json", "");
    await budgets.load();
    expect(budgets.readingOf(first)).not.toBeNull();
    expect(troubles.map((words) => /budgets cannot be counted: .*prices\.json:1:/.test(words))).toEqual(
      isTold ? [true] : [],
    );
    await book.stop();
  },
);
