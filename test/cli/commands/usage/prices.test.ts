import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { makeLogLine } from "../../../../src/log/entry.ts";
import type { CliResult } from "../../../helpers/cli.ts";
import { runInProcess } from "../../../helpers/in-process-cli.ts";
import { type TempHome, makeTempHome } from "../../../helpers/temp-home.ts";
import { makeEntry } from "../../../log/make-entry.ts";

let home: TempHome;
beforeEach(() => {
  home = makeTempHome();
});
afterEach(() => home[Symbol.dispose]());

const prices = (...args: readonly string[]): Promise<CliResult> =>
  runInProcess(["usage", "prices", ...args], home.env);
const json = async (...args: readonly string[]) => JSON.parse((await prices(...args, "--json")).stdout);

function writeLog(...entries: readonly Parameters<typeof makeEntry>[0][]): void {
  mkdirSync(dirname(home.paths.requestsLog), { recursive: true });
  home.write(
    ".codex-helper/logs/requests.jsonl",
    entries.map((entry) => makeLogLine(makeEntry(entry))).join(""),
  );
}

describe("usage prices", () => {
  test("shows the entry that matches, why, every rate, and where it is from", async () => {
    const { code, stdout, stderr } = await prices("gpt-5-codex(high)");
    expect([code, stderr]).toEqual([0, "costs are an estimate from list prices\n"]);
    expect(stdout.replace(/, \d+ days old/, "")).toBe(
      [
        "model       gpt-5-codex(high)",
        "listed as   gpt-5-codex",
        "why         OpenAI lists it; of the name, this changes no price: an effort in",
        "            brackets",
        "web search  $10 for 1,000",
        "source      https://openai.com/api-priority-processing/, read 2026-11-01",
        "note        LiteLLM has no priority rates for it; OpenAI's page has",
        "",
        "$ a million  input  cached  cache write  for an hour  output",
        "standard     1.25   0.125   -            -            10",
        "priority     2.5    0.25    -            -            20",
        "",
        "list of 2026-11-29, part of this program",
        "",
      ].join("\n"),
    );
  });

  test("shows tiers, hours and other times", async () => {
    const { stdout } = await prices("deepseek-v4-pro");
    expect(stdout).toContain("mon tue wed thu fri 01:00-04:00 UTC  times 2");
    expect(stdout).toContain("before 2026-08-16T16:00:00Z: $0.435 in, $0.87 out");
    expect((await prices("gpt-5.4")).stdout).toMatch(/^ {2}above 272,000 +5 +0\.5 +- +- +22\.5$/m);
  });

  test("says why a model has no price", async () => {
    const { code, stdout } = await prices("claude-sonnet-5-6");
    expect([code, stdout]).toEqual([0, expect.stringContaining("unpriced: no list has it")]);
    expect(await json("sonnet")).toMatchObject({
      is_priced: false,
      price: null,
      why: expect.stringContaining("says no version"),
    });
  });

  test("prices as an upstream does: by its host, its factor and its names of models", async () => {
    home.write(".codex-helper/config.json", {
      codex: {
        active: "main",
        configs: {
          main: {
            upstreams: [
              { base_url: "https://relay.example/v1", cost_multiplier: 0.2, models: { best: "gpt-5" } },
              { base_url: "https://open.bigmodel.cn/api/paas/v4" },
            ],
          },
        },
      },
    });
    expect(await json("best", "--upstream", "main")).toMatchObject({
      asked_as: "gpt-5",
      upstream: "https://relay.example/v1",
      cost_multiplier: 0.2,
      price: { input: 1.25 },
    });
    expect((await prices("best", "--upstream", "main#1")).stdout).toContain("times 0.2 (cost_multiplier)");
    expect(await json("glm-5", "--upstream", "main#2")).toMatchObject({ list_of: "BigModel" });
    expect(await json("glm-5", "--upstream", "api.z.ai")).toMatchObject({
      list_of: "Z.AI",
      price: { input: 1 },
    });
    const unknown = await prices("gpt-5", "--upstream", "mian");
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('did you mean "main"?')]);
    expect((await prices("gpt-5", "--upstream", "main#7")).stderr).toContain("there is no upstream main#7");
  });

  test("shows the user's own price first, and the list where that is broken", async () => {
    home.write(".codex-helper/prices.json", [{ model: "gpt-5", input: 7, output: 9, note: "by contract" }]);
    expect(await json("gpt-5")).toMatchObject({
      list_of: "prices.json",
      price: { input: 7, note: "by contract" },
    });
    home.write(".codex-helper/prices.json", "[{");
    const { code, stderr } = await prices("gpt-5");
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^warning: no costs: .*prices\.json:1:\d+/)]);
  });

  test("without a model shows whose lists there are", async () => {
    const { list, vendors } = await json();
    expect(list).toMatchObject({ as_of: "2026-11-29", is_built_in: true });
    expect(vendors.length).toBeGreaterThan(20);
    expect((await prices()).stdout).toMatch(/^Anthropic +\d+ +api\.anthropic\.com/m);
  });
});

const LITELLM = {
  "gpt-5": {
    litellm_provider: "openai",
    mode: "chat",
    input_cost_per_token: 1e-6,
    output_cost_per_token: 8e-6,
  },
  "gpt-9": {
    litellm_provider: "openai",
    mode: "chat",
    input_cost_per_token: 9e-6,
    output_cost_per_token: 9e-5,
  },
  "dall-e": {
    litellm_provider: "openai",
    mode: "image_generation",
    input_cost_per_token: 1e-6,
    output_cost_per_token: 0,
  },
};
const GENAI = [
  {
    id: "openai",
    api_pattern: "x",
    models: [{ id: "gpt-9", match: { equals: "gpt-9" }, prices: { input_mtok: 4, output_mtok: 5 } }],
  },
];

describe("usage prices --update", () => {
  test("takes a file, shows what changes, keeps old prices for old requests and the list before it", async () => {
    const file = home.write("list.json", LITELLM);
    const { code, stdout } = await prices("--update", "--from", file);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^openai +gpt-5 +1\.25 \/ 0\.125 \/ 10 +1 \/ - \/ 8$/m);
    expect(stdout).toMatch(/^openai +gpt-9 +new +9 \/ - \/ 90$/m);
    expect(stdout).toContain("2 prices changed or new, of 2 in ");
    expect(statSync(home.paths.priceList).mode & 0o777).toBe(0o600);
    const now = Date.now();
    const usage = { input_tokens: 1_000_000, output_tokens: 0, total_tokens: 1_000_000 };
    writeLog(
      { id: "old", model: "gpt-5", timestamp_ms: now - 3 * 86_400_000, usage },
      { id: "new", model: "gpt-5", timestamp_ms: now, usage },
      { id: "kept", model: "claude-opus-5-5", timestamp_ms: now, usage },
    );
    const costOf = async (id: string) =>
      JSON.parse((await runInProcess(["usage", "show", id, "--json"], home.env)).stdout).cost_usd;
    expect([await costOf("old"), await costOf("new"), await costOf("kept")]).toEqual([1.25, 1, 4]);
    expect(await json("gpt-9")).toMatchObject({ price: { input: 9 }, list: { is_built_in: false } });

    const again = await json("--update", "--from", home.write("genai.json", GENAI));
    expect(again).toMatchObject({ changes: [{ model: "gpt-9", before: { input: 9 }, after: { input: 4 } }] });
    expect(readdirSync(home.paths.backups)).toEqual([expect.stringMatching(/^price-list\.jsonl\.\d+$/)]);
    const saved = home.write("saved.jsonl", readFileSync(home.paths.priceList, "utf8"));
    rmSync(home.paths.priceList);
    await prices("--update", "--from", saved);
    expect(await json("gpt-9")).toMatchObject({ price: { input: 4 } });
  });

  test("fetches from an address, and changes nothing where that fails", async () => {
    let answer = () => Response.json(LITELLM);
    using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => answer() });
    const url = `http://127.0.0.1:${server.port}/list.json`;
    expect((await prices("--update", "--from", url)).stdout).toContain(
      `2 prices changed or new, of 2 in ${url}`,
    );
    const before = readFileSync(home.paths.priceList, "utf8");
    const rows: readonly (readonly [answer: () => Response, says: RegExp])[] = [
      [() => new Response("no", { status: 404 }), /answered 404/],
      [() => new Response("<html>"), /is no list of prices/],
      [() => Response.json({ a: 1 }), /is no list of prices/],
      [() => Response.json([]), /is no list of prices/],
    ];
    for (const [next, says] of rows) {
      answer = next;
      const { code, stderr } = await prices("--update", "--from", url);
      expect([code, stderr]).toEqual([1, expect.stringMatching(says)]);
    }
    await server.stop(true);
    const { code, stderr } = await prices("--update", "--from", url);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("refused the connection (ECONNREFUSED); nothing has changed"),
    ]);
    expect(readFileSync(home.paths.priceList, "utf8")).toBe(before);
  });

  test("needs --update for --from, and a file that is there", async () => {
    const alone = await prices("--from", "x.json");
    expect([alone.code, alone.stderr]).toEqual([
      2,
      expect.stringContaining("ch usage prices --update --from x.json"),
    ]);
    expect(await prices("--update", "--from", "nowhere.json")).toMatchObject({
      code: 1,
      stderr: "error: nowhere.json: no such file\n",
    });
  });

  test("a list that was damaged since is passed over for the built-in one", async () => {
    home.write(".codex-helper/price-list.jsonl", '{"as_of":"2027-01-01"}\n{"vendor":');
    expect(await json("gpt-5")).toMatchObject({ price: { input: 1.25 }, list: { is_built_in: true } });
  });
});

test("a list of more than 60 days is told where a cost is shown, and not before", async () => {
  const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
  writeLog({ id: "a", model: "gpt-5", usage: { input_tokens: 1000, output_tokens: 1, total_tokens: 1001 } });
  const list = (asOf: string) =>
    home.write(
      ".codex-helper/price-list.jsonl",
      [{ as_of: asOf }, { vendor: "openai", model: "gpt-5", input: 1, output: 1 }]
        .map((line) => JSON.stringify(line))
        .join("\n"),
    );
  for (const command of [["summary"], ["show", "a"], ["prices", "gpt-5"]]) {
    list(day(59));
    const young = (await runInProcess(["usage", ...command], home.env)).stderr;
    expect(young).toContain("costs are an estimate from list prices\n");
    list(day(61));
    const old = (await runInProcess(["usage", ...command], home.env)).stderr;
    expect(old).toContain(`list prices of ${day(61)}, 61 days old; a newer list: ch usage prices --update`);
  }
});
