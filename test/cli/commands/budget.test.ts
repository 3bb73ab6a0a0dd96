import { expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { runCli } from "../../helpers/cli.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";

const KEY = "sk-secret-of-the-relay";
const upstream = (name: string, more: object = {}) => ({
  base_url: `https://${name}.example/v1`,
  auth: { auth_token: KEY },
  ...more,
});

function makeHome(config: object): TempHome {
  const home = makeTempHome();
  home.write(".codex-helper/config.json", config);
  home.write(".codex-helper/prices.json", [{ model: "*", input: 1, output: 1 }]);
  const line = {
    timestamp_ms: Date.now(),
    service: "codex",
    method: "POST",
    path: "/v1/responses",
    config_name: "main",
    upstream_base_url: "https://a.example/v1",
    model: "gpt-6-sol",
    outcome: "ok",
    usage: { input_tokens: 1_000_000, output_tokens: 0, total_tokens: 1_000_000 },
  };
  home.write(".codex-helper/logs/requests.jsonl", `${JSON.stringify(line)}\n`);
  return home;
}

const CONFIG = {
  codex: {
    configs: {
      main: {
        upstreams: [upstream("a", { budget_usd: { day: 1, month: 50 } }), upstream("b")],
        budget: { requests: 10, per: "5h", on_spent: "stop" },
      },
    },
  },
  claude: { configs: { main: { upstreams: [upstream("c", { budget: { tokens: 5, per: "week" } })] } } },
  projects: { "~/work/acme/**": { budget: { usd: 3, per: "week" } } },
  budgets_by_model: { "gpt-6*": { usd: 4, per: "day", on_spent: "warn" } },
  budget: { usd: 100, per: "month" },
};

const run = (home: TempHome, ...args: string[]) => runCli(["budget", ...args], { home });
const readConfig = (home: TempHome): Record<string, unknown> =>
  JSON.parse(readFileSync(home.paths.config, "utf8")) as Record<string, unknown>;

test("budget lists each budget with a bar, its window and what then, and what to type for a spent one", async () => {
  using home = makeHome(CONFIG);
  const { stderr, stdout } = await run(home);
  const lines = stdout.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^BUDGET +SPENT +WINDOW +WHEN SPENT$/);
  const shown = lines
    .slice(1)
    .map((line) => line.replace(/ until .*?(?=  )/, "").replaceAll(/ {2,}/g, " | "));
  expect(shown).toEqual([
    "main#1 (Codex) | ██████████ | $1.00 of $1.00 | a day, | next upstream",
    "main#1 (Codex) | █░░░░░░░░░ | $1.00 of $50.00 | a month, | next upstream",
    "main#1 (Claude Code) | ░░░░░░░░░░ | 0 of 5 tokens | a week, | next upstream",
    "config main | █░░░░░░░░░ | 1 of 10 answers | in 5 h | stop",
    "project acme | ░░░░░░░░░░ | $0 of $3.00 | a week, | next upstream",
    "model gpt-6* | ███░░░░░░░ | $1.00 of $4.00 | a day, | only told",
    "everything | █░░░░░░░░░ | $1.00 of $100.00 | a month, | next upstream",
  ]);
  expect(stderr).toContain("Next: ch budget lift codex:main#1 --for 1h");
  const { budgets } = JSON.parse((await run(home, "list", "--json")).stdout) as { budgets: object[] };
  expect(budgets[0]).toMatchObject({
    id: "codex:main#1",
    kind: "upstream",
    service: "codex",
    unit: "usd",
    per: "day",
    used: 1,
    held: 0,
    limit: 1,
    is_spent: true,
    on_spent: "next",
    lifts: [],
  });
  expect(stdout + stderr).not.toContain(KEY);
});

test("budget lift lets it pass for a while, or by an amount, and takes that back", async () => {
  using home = makeHome(CONFIG);
  const first = async () =>
    (JSON.parse((await run(home, "list", "--json")).stdout) as { budgets: Record<string, unknown>[] })
      .budgets[0];
  const ambiguous = await run(home, "lift", "main#1", "--for", "1h");
  expect(ambiguous).toMatchObject({ code: 1 });
  expect(ambiguous.stderr).toBe(
    'error: "main#1" may be several: codex:main#1, claude:main#1\n  codex:main#1\n',
  );
  expect((await run(home, "lift", "main#1", "--codex", "--usd", "2")).stderr).toContain(
    "has $2.00 more until",
  );
  expect(await first()).toMatchObject({ limit: 1, limit_now: 3, is_spent: false });
  expect((await run(home, "lift", "codex:main#1", "--for", "2h")).stderr).toContain(
    "keeps nothing back until",
  );
  expect(await first()).toMatchObject({ limit_now: null, is_spent: false });
  const quota = (await runCli(["quota", "--codex"], { home })).stdout;
  expect(quota).toMatch(/day .* \$0\.00 of \$1\.00 left .*your budget.*\n +lifted until/);
  if (process.platform !== "win32") expect(statSync(home.paths.budgets).mode & 0o777).toBe(0o600);
  await run(home, "lift", "codex:main#1", "--off");
  expect(await first()).toMatchObject({ limit_now: 1, is_spent: true, lifts: [] });
  for (const [args, words] of [
    [["nope", "--for", "1h"], 'there is no budget for "nope"'],
    [["all"], "either --for or an amount is needed"],
    [["all", "--for", "soon"], "--for must be a time such as"],
    [["all", "--usd", "0"], "--usd must be a number above 0"],
    [["all", "--tokens", "5"], "the budget for all is not in tokens"],
  ] as const) {
    const { code, stderr } = await run(home, "lift", ...args);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toContain(words);
  }
});

test("budget clear takes the lifts back, so that a budget that is set anew is in force", async () => {
  using home = makeHome(CONFIG);
  const lifts = async () =>
    (JSON.parse((await run(home, "list", "--json")).stdout) as { budgets: Record<string, unknown>[] }).budgets
      .filter(({ id }) => id === "codex:main#1")
      .map(({ limit_now, per }) => [per, limit_now]);
  await run(home, "lift", "codex:main#1", "--usd", "2");
  await run(home, "clear", "codex:main#1", "--per", "month");
  await run(home, "set", "codex:main#1", "--usd", "50", "--per", "month");
  expect(await lifts()).toEqual([
    ["day", 3],
    ["month", 50],
  ]);
  await run(home, "lift", "codex:main#1", "--for", "2h");
  await run(home, "clear", "codex:main#1");
  await run(home, "set", "codex:main#1", "--usd", "5");
  expect(await lifts()).toEqual([["day", 5]]);
});

test("budget set and clear change one budget, and leave the rest of the file as it is", async () => {
  using home = makeHome(CONFIG);
  const before = readConfig(home);
  await run(home, "set", "main#2", "--usd", "5", "--on-spent", "stop");
  expect(readConfig(home)).toHaveProperty("codex.configs.main.upstreams[1].budget", {
    usd: 5,
    per: "day",
    on_spent: "stop",
  });
  await run(home, "set", "main#2", "--tokens", "1000", "--per", "week");
  await run(home, "set", "main#2", "--usd", "7", "--per", "day");
  expect(readConfig(home)).toHaveProperty("codex.configs.main.upstreams[1].budget", [
    { usd: 7, per: "day", on_spent: "stop" },
    { tokens: 1000, per: "week" },
  ]);
  await run(home, "clear", "main#2");
  expect(readConfig(home)).toEqual(before);
  // What was set in short is replaced, not doubled.
  await run(home, "set", "codex:main#1", "--usd", "9");
  expect(readConfig(home)).toHaveProperty("codex.configs.main.upstreams[0]", {
    ...CONFIG.codex.configs.main.upstreams[0],
    budget_usd: { month: 50 },
    budget: { usd: 9, per: "day" },
  });
  await run(home, "set", "model:claude-*", "--requests", "50", "--per", "5h");
  await run(home, "set", "acme", "--usd", "4", "--per", "week", "--unpriced", "refuse");
  expect(readConfig(home)).toMatchObject({
    budgets_by_model: { "claude-*": { requests: 50, per: "5h" } },
    projects: { "~/work/acme/**": { budget: { usd: 4, per: "week", unpriced: "refuse" } } },
  });
  for (const name of ["claude-*", "gpt-6*"]) await run(home, "clear", name);
  await run(home, "clear", "all", "--per", "month");
  expect(Object.keys(readConfig(home))).toEqual(["codex", "claude", "projects"]);
  expect((await run(home, "clear", "all")).stderr).toContain("all has no such budget");
  const wrong = await run(home, "set", "main#7", "--usd", "1");
  expect(wrong.stderr).toBe(
    'error: there is no config, upstream or project "main#7"\n  for the models that a pattern fits: model:main#7\n',
  );
});

test("without a budget it says how to set one", async () => {
  using home = makeHome({ codex: { configs: { main: { upstreams: [upstream("a")] } } } });
  const { code, stderr, stdout } = await run(home);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  expect(stderr).toBe("there are no budgets\n  ch budget set NAME --usd 5 --per day\n");
});
