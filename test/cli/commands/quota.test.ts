import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { type QuotaRow, quotaRowSchema } from "../../../src/quota/sources.ts";
import { fingerprint } from "../../../src/base/secrets.ts";
import { DEFAULT_PROVIDERS_TEXT } from "../../../src/quota/providers.ts";
import { reply } from "../../helpers/answers.ts";
import { type CliResult, runCli, startCli } from "../../helpers/cli.ts";
import { type FakeUpstream, startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { freePort } from "../../helpers/free-port.ts";
import { type TempHome, makeTempHome } from "../../helpers/temp-home.ts";

const PROVIDERS = { providers: [{ id: "local", kind: "sub2api_usage", domains: ["127.0.0.1"] }] };

function startRelay(left: () => number): Promise<FakeUpstream> {
  return startFakeUpstream(() =>
    reply({
      body: { isValid: true, quota: { limit: 20, remaining: left(), used: 20 - left(), unit: "USD" } },
    }),
  );
}

function configure(home: TempHome, urls: readonly string[]): void {
  const upstreams = urls.map((base_url) => ({ base_url, auth: { auth_token: "sk-very-secret" } }));
  home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams } } } });
  home.write(".codex-helper/usage_providers.json", PROVIDERS);
}

interface Facts {
  readonly problem: string | null;
  readonly upstreams: readonly {
    readonly label: string;
    readonly usage_exhausted: boolean;
    readonly quota: readonly QuotaRow[];
  }[];
}
const factsOf = ({ stdout }: CliResult): Facts => JSON.parse(stdout) as Facts;

describe("ch quota", () => {
  test("lists what was read last, and refresh reads it now, with nothing running", async () => {
    using home = makeTempHome();
    let left = 7.7;
    await using relay = await startRelay(() => left);
    configure(home, [relay.baseUrl, "https://other.example/v1"]);

    const before = await runCli(["quota"], { home });
    expect(before.stdout).toBe(
      "Codex, config main\nmain#1  ● ready\n  unknown\nmain#2  ● ready\n  unknown\n",
    );
    expect(relay.requests).toHaveLength(0);

    const read = await runCli(["quota", "refresh"], { home });
    expect(read.stdout.replace(/\d+ s/, "AGE")).toBe(`Codex, config main
main#1  ● ready
  key  ███░░░  $7.70 of $20.00 left    local, AGE ago
main#2  ● ready
  unknown
`);
    expect(read).toMatchObject({ code: 0, stderr: "\nNext: ch status\n" });

    left = 0;
    const json = await runCli(["quota", "refresh", "--json"], { home });
    expect(json.stdout).not.toContain("sk-very-secret");
    const [first] = factsOf(json).upstreams;
    expect(first).toMatchObject({ label: "main#1", usage_exhausted: true });
    expect(quotaRowSchema.parse(first?.quota[0])).toMatchObject({
      source: "local",
      window: "key",
      state: "exhausted",
      left: 0,
      used: 20,
      limit: 20,
      unit: "USD",
      error: null,
    });

    const again = await runCli(["quota", "list"], { home });
    expect(again.stdout).toMatch(
      /^main#1 {2}▲ spent \(balance read\)\n {2}key {2}░{6} {2}\$0\.00 of \$20\.00 left +local, \d+ s ago$/m,
    );
    expect(relay.requests).toHaveLength(2);
  });

  test("refresh has the running proxy read it, and status shows it", async () => {
    using home = makeTempHome();
    let left = 20;
    await using relay = await startRelay(() => left);
    configure(home, [relay.baseUrl]);
    await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
    await serving.waitFor(/on http:\/\/127\.0\.0\.1:\d+/);
    left = 0.5;
    const shown = await runCli(["quota", "refresh"], { home });
    expect(shown.stdout).toMatch(
      /^main#1 {2}● low on quota\n {2}key {2}█░{5} {2}\$0\.50 of \$20\.00 left +local, \d+ s ago$/m,
    );
    const status = await runCli(["status", "--codex"], { home });
    expect(status.stdout).toMatch(/main#1 +● low on quota +█░░░░░ {2}\$0\.50 of \$20\.00 left \(key\)/);
    left = 0;
    await runCli(["quota", "refresh"], { home });
    const facts = JSON.parse((await runCli(["status", "--json"], { home })).stdout) as {
      services: { upstreams: { usage_exhausted: boolean; quota: QuotaRow[] }[] }[];
    };
    expect(facts.services[0]?.upstreams[0]).toMatchObject({
      usage_exhausted: true,
      quota: [{ state: "exhausted", left: 0 }],
    });
  });

  test("says when an upstream will be at its end, in the user's language", async () => {
    using home = makeTempHome();
    configure(home, ["http://127.0.0.1:9/v1"]);
    const now = Date.now();
    const reading = {
      source: "local",
      meters: [{ name: "key", left: 5, used: 15, limit: 20, unit: "USD", resets_at: null }],
      unlimited: false,
      says: null,
      at: now,
      tried_at: now,
      error: null,
      unsupported: false,
      samples: {
        key: [
          [now - 7_200_000, 10],
          [now - 5_400_000, 9],
          [now - 3_600_000, 8],
          [now - 1_800_000, 6.5],
          [now, 5],
        ],
      },
    };
    const key = `local@127.0.0.1:9|${fingerprint("sk-very-secret")}`;
    home.write(".codex-helper/state.json", { quota: { [key]: reading } });
    const shown = await runCli(["quota"], { home });
    expect(shown.stdout).toMatch(
      /^ {4}runs out between .*\d\d:\d\d and .*\d\d:\d\d, at the\s+pace\s+of\s+the\s+last\s+hours$/m,
    );
    expect((await runCli(["status", "--codex"], { home })).stdout).toMatch(
      /██░░░░ {2}\$5\.00 of \$20\.00 left .*runs out/,
    );
    const chinese = await runCli(["quota"], { home, env: { LANG: "zh_CN.UTF-8" } });
    expect(chinese.stdout).toMatch(
      /^main#1 {2}● 可用\n {2}密钥 {2}██░{4} {2}剩余 \$5\.00 \/ \$20\.00 +local，\d+ 秒前$/m,
    );
    expect(chinese.stdout).toMatch(/^ {4}预计在 .*\d\d:\d\d 之间用尽（按最近几小时的消耗估算）$/m);
  });

  test("says why nothing is known, and warns of a file that is broken without touching it", async () => {
    using home = makeTempHome();
    await using relay = await startFakeUpstream([reply({ status: 404 })]);
    configure(home, [relay.baseUrl]);
    const read = await runCli(["quota", "refresh"], { home });
    expect(read.stdout).toMatch(
      /^main#1 {2}● ready\n +lookup failed +local\n {4}the endpoint answered 404$/m,
    );
    const path = home.write(".codex-helper/usage_providers.json", '{"providers": 1}');
    const broken = await runCli(["quota", "refresh"], { home });
    expect(broken.stderr).toContain(
      "warning: ~/.codex-helper/usage_providers.json:1:15: providers: must be a list",
    );
    expect(readFileSync(path, "utf8")).toBe('{"providers": 1}');
  });

  test("writes the default file with the first refresh, and list writes nothing", async () => {
    using home = makeTempHome();
    home.write(".codex-helper/config.json", {
      codex: { configs: { main: { upstreams: [{ base_url: "https://relay.example/v1" }] } } },
    });
    await runCli(["quota", "list"], { home });
    expect(existsSync(home.paths.usageProviders)).toBe(false);
    await runCli(["quota", "refresh"], { home });
    expect(readFileSync(home.paths.usageProviders, "utf8")).toBe(DEFAULT_PROVIDERS_TEXT);
  });

  test("without a config says what to type", async () => {
    using home = makeTempHome();
    const { code, stderr } = await runCli(["quota"], { home });
    expect(code).toBe(1);
    expect(stderr).toContain("ch config add main");
  });
});
