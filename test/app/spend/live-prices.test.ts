import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { createLiveConfig } from "../../../src/app/live-config.ts";
import { createLivePrices } from "../../../src/app/spend/live-prices.ts";
import { GOOD } from "../../helpers/answers.ts";
import { runCli } from "../../helpers/cli.ts";
import { startConfiguredProxy } from "../../helpers/configured-proxy.ts";
import { startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";
import { waitUntil } from "../../helpers/wait.ts";
import { makeEntry } from "../../log/make-entry.ts";

const FILE = ".codex-helper/prices.json";
const RECORD = makeEntry({ model: "mine", usage: { input_tokens: 1_000_000, output_tokens: 0 } });
const at = (input: number) => [{ model: "mine", input, output: 1 }];

function startPrices({ env, paths }: TempHome) {
  const context = { env, paths, now: Date.now };
  return createLivePrices({ ...context, live: createLiveConfig(context) });
}

test("prices.json is read again when it changes, also where there was none at first", async () => {
  using home = makeTempHome();
  const prices = startPrices(home);
  const costOf = async () => (await prices.costOf())(RECORD);
  expect(await costOf()).toMatchObject({ kind: "unpriced", model: "mine" });
  home.write(FILE, at(2));
  expect(await costOf()).toEqual({ kind: "priced", usd: 2 });
  home.write(FILE, at(3));
  expect(await costOf()).toEqual({ kind: "priced", usd: 3 });
  home.write(".codex-helper/config.json", {
    codex: {
      configs: { main: { upstreams: [{ base_url: "https://relay.example/v1", cost_multiplier: 2 }] } },
    },
  });
  await waitUntil(
    async () => (await costOf()).kind === "priced" && JSON.stringify(await costOf()).includes("6"),
  );
  expect(prices.problem()).toBeNull();
});

test("a list that is fetched meanwhile is in force from then on", async () => {
  using home = makeTempHome();
  const prices = startPrices(home);
  const costOf = async () => (await prices.costOf())(RECORD);
  expect(await costOf()).toMatchObject({ kind: "unpriced" });
  const lines = [{ as_of: "2026-12-01" }, { vendor: "openai", model: "mine", input: 5, output: 6 }];
  home.write(".codex-helper/price-list.jsonl", lines.map((line) => JSON.stringify(line)).join("\n"));
  expect(await costOf()).toEqual({ kind: "priced", usd: 5 });
});

test.each<[string, string | null, RegExp]>([
  ["empty", "", /prices\.json is empty; the last valid version stays in use$/],
  ["cut off", '[{"model": "mi', /prices\.json:1:\d+: .*; the last valid version stays in use$/],
  ["no list", "{}", /must be a list of prices; the last valid version stays in use$/],
  ["not written yet", "\0\0\0", /; the last valid version stays in use$/],
  ["removed", null, /prices\.json was removed; the last valid version stays in use$/],
])(
  "a prices.json that is %s changes no price, and is told until it is well again",
  async (_, text, words) => {
    using home = makeTempHome();
    const path = home.write(FILE, at(2));
    const prices = startPrices(home);
    const costOf = async () => (await prices.costOf())(RECORD);
    expect(await costOf()).toEqual({ kind: "priced", usd: 2 });
    if (text === null) rmSync(path);
    else home.write(FILE, text);
    expect(await costOf()).toEqual({ kind: "priced", usd: 2 });
    expect(prices.problem()?.message).toMatch(words);
    home.write(FILE, at(4));
    expect(await costOf()).toEqual({ kind: "priced", usd: 4 });
    expect(prices.problem()).toBeNull();
  },
);

test("every screen that shows costs tells of prices that were removed under a running proxy", async () => {
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  await using proxy = await startConfiguredProxy({
    codex: [{ base_url: upstream.baseUrl, budget_usd: { day: 5 } }],
    usageProviders: { providers: [] },
  });
  const { home } = proxy;
  const ask = async (): Promise<void> => {
    const body = JSON.stringify({ model: "gpt-5", stream: true, input: [] });
    await (await fetch(`${proxy.codexUrl}/responses`, { method: "POST", body })).text();
  };
  home.write(FILE, at(2));
  await ask();
  const [entry] = await proxy.logged();
  const status = async () => JSON.parse((await runCli(["status", "--json"], { home })).stdout);
  await waitUntil(async () => (await status()).services[0].upstreams[0].quota[0]?.used > 0);
  rmSync(`${home.path}/${FILE}`);
  await ask();
  const told = /prices\.json was removed; the last valid version stays in use/;
  expect(proxy.troubles.join("\n")).toMatch(told);
  expect((await status()).services[0].instances[0].prices_problem.message).toMatch(told);
  const lines = [
    ["status"],
    ["quota"],
    ["quota", "--json"],
    ["usage", "summary"],
    ["usage", "summary", "--json"],
    ["usage", "show", entry?.id ?? ""],
    ["usage", "report", "--html", "page.html"],
  ];
  for (const line of lines) {
    const { code, stderr, stdout } = await runCli(line, { home });
    expect([line, code, `${stdout}${stderr}`]).toEqual([line, 0, expect.stringMatching(told)]);
  }
});
