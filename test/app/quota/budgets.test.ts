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
import { inZone } from "../../helpers/in-zone.ts";
import { makeTempHome } from "../../helpers/temp-home.ts";
import { waitUntil } from "../../helpers/wait.ts";
import { makeEntry } from "../../log/make-entry.ts";

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

const ZONES = [
  "UTC",
  "America/New_York",
  "Australia/Sydney",
  "Asia/Kathmandu",
  "America/Sao_Paulo",
  "Pacific/Apia",
];

/** A dollar each, by the prices of the test. */
const dollarAt = (timestamp_ms: number): object => ({
  timestamp_ms,
  service: "codex",
  method: "POST",
  path: "/v1/responses",
  config_name: "main",
  upstream_base_url: "https://relay.example/v1",
  model: "m",
  usage: { input_tokens: 1_000_000, output_tokens: 0 },
});

function makeBudgetHome(times: readonly number[]) {
  const home = makeTempHome();
  const upstream = { base_url: "https://relay.example/v1", budget_usd: { day: 100, month: 1_000 } };
  home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams: [upstream] } } } });
  home.write(".codex-helper/prices.json", [{ model: "*", input: 1, output: 1 }]);
  const lines = times.map((time) => `${JSON.stringify(dollarAt(time))}\n`);
  home.write(".codex-helper/logs/requests.jsonl", lines.join(""));
  const context = { paths: home.paths, env: home.env };
  const startBook = (now: number) => {
    const live = createLiveConfig({ ...context, now: () => now });
    const prices = createLivePrices({ ...context, live, now: () => now });
    return createSpendBook({ ...context, prices, now: () => now, onTrouble: () => {} });
  };
  return {
    home,
    /** By a proxy that ends. */
    save: async (now: number): Promise<void> => {
      const book = startBook(now);
      const line = {
        ...makeEntry(),
        timestamp_ms: now,
        upstream_base_url: null,
        outcome: "refused" as const,
      };
      book.note(book.number(line), false);
      await book.stop();
    },
    readUsed: async (now: number): Promise<(number | null | undefined)[]> => {
      const { services } = await surveyStatus(["codex"], { ...context, now: () => now });
      return (services[0]?.upstreams[0]?.quota ?? []).map(({ used }) => used);
    },
  };
}

test.each(ZONES)(
  "a day and a month are those of the calendar in %s, also where clocks change",
  async (zone) => {
    await inZone(zone, async () => {
      // Clocks change on 2026-03-08 and 11-01 (New York), 04-05 and 10-04 (Sydney).
      for (const [month, day] of [
        [2, 8],
        [10, 1],
        [3, 5],
        [9, 4],
        [11, 31],
      ] as const) {
        const start = new Date(2026, month, day).getTime();
        const end = new Date(2026, month, day + 1).getTime();
        const first = new Date(2026, month, 1).getTime();
        const times = [first - 1, first, start - 1, start, (start + end) / 2, end - 1];
        const { home, readUsed, save } = makeBudgetHome(times);
        using _ = home;
        const inMonth = times.filter((time) => time >= first).length;
        expect(await readUsed(end - 1)).toEqual([3 + (first === start ? 1 : 0), inMonth]);
        await save(end - 1);
        expect(await readUsed(end - 1)).toEqual([3 + (first === start ? 1 : 0), inMonth]);
        const next = new Date(end).getMonth() === month ? inMonth : 0;
        expect(await readUsed(end)).toEqual([0, next]);
      }
    });
  },
);

test("a clock that was wrong, and an older batch in the log, change no other day", async () => {
  const now = new Date(2026, 10, 15, 12).getTime();
  const far = new Date(2031, 0, 1).getTime();
  const { home, readUsed, save } = makeBudgetHome([now - 1, far, 0, now - 40 * 86_400_000, now]);
  using _ = home;
  expect(await readUsed(now)).toEqual([2, 2]);
  await save(far);
  expect(await readUsed(now)).toEqual([2, 2]);
  expect(await readUsed(far)).toEqual([1, 1]);
  await save(now);
  appendFileSync(home.paths.requestsLog, `${JSON.stringify(dollarAt(now - 86_400_000))}\n`);
  expect(await readUsed(now)).toEqual([2, 3]);
});

test("a day belongs to the time zone that the machine had then", async () => {
  const now = Date.UTC(2026, 10, 29, 3);
  const { home, readUsed, save } = makeBudgetHome([now - 60_000]);
  using _ = home;
  await inZone("America/New_York", () => save(now));
  expect(await inZone("America/New_York", () => readUsed(now))).toEqual([1, 1]);
  expect(await inZone("Australia/Sydney", () => readUsed(now))).toEqual([0, 1]);
  // Counted where nothing had counted it yet: by the zone of now.
  const other = makeBudgetHome([now - 60_000]);
  using _other = other.home;
  expect(await inZone("Australia/Sydney", () => other.readUsed(now))).toEqual([1, 1]);
});
