import { describe, expect, test } from "bun:test";
import { loadPricer } from "../../../src/app/prices.ts";
import { resolvePaths } from "../../../src/base/paths.ts";
import { runCli } from "../../helpers/cli.ts";
import { runInProcess } from "../../helpers/in-process-cli.ts";
import { makeTempHome } from "../../helpers/temp-home.ts";
import { makeRelays } from "../../usage/audit/relays.ts";

/** A home with the traffic of some of the made-up relays, as if their week had just ended. */
async function makeHome(isKept: (habit: string) => boolean) {
  const home = makeTempHome();
  const { costOf } = await loadPricer(resolvePaths(home.env));
  const relays = makeRelays(3, { costOf, dishonest: 1, of: 700 }).filter(({ habit }) => isKept(habit));
  const end = Math.max(...relays.flatMap(({ records }) => records.map((record) => record.timestamp_ms)));
  const shift = Date.now() - end - 60_000;
  const lines = relays
    .flatMap(({ records }) => records)
    .map((record) => ({ ...record, timestamp_ms: record.timestamp_ms + shift }))
    .toSorted((a, b) => a.timestamp_ms - b.timestamp_ms);
  home.write(".codex-helper/logs/requests.jsonl", lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const readings = relays.flatMap(({ balances, baseUrl, label }) =>
    balances.map(([at, left]) => ({
      timestamp_ms: at + shift,
      source: "relay",
      upstreams: [{ label, base_url: baseUrl }],
      meters: [{ name: "balance", unit: "USD", left, used: null }],
    })),
  );
  home.write(
    ".codex-helper/logs/readings.jsonl",
    readings.map((line) => `${JSON.stringify(line)}\n`).join(""),
  );
  return { home, relays };
}

interface FindingJson {
  readonly id: string;
  readonly check: string;
  readonly state: string;
  readonly requests: readonly unknown[];
}
interface AuditJson {
  readonly upstreams: readonly {
    readonly label: string;
    readonly answers: number;
    readonly findings: readonly FindingJson[];
  }[];
}

describe("ch audit", () => {
  test("says what differs, what is consistent, and where there is not enough data", async () => {
    const { home, relays } = await makeHome((habit) =>
      [
        "plain",
        "its own snapshots",
        "top-ups every day",
        "another model in 30 %",
        "a hidden multiplier of 1.5",
      ].includes(habit),
    );
    using _ = home;
    const { code, stdout } = await runCli(["audit", "list", "--json", "--since", "30d"], { home });
    expect(code).toBe(0);
    const { upstreams }: AuditJson = JSON.parse(stdout);
    const statesOf = (habit: string) => {
      const label = relays.find((relay) => relay.habit === habit)?.label;
      const found = upstreams.find((one) => one.label === label)?.findings ?? [];
      return Object.fromEntries(found.map(({ check, state }) => [check, state]));
    };
    expect(statesOf("plain")).toMatchObject({
      model: "consistent",
      input: "consistent",
      charge: "consistent",
    });
    expect(statesOf("its own snapshots")).toMatchObject({ model: "consistent" });
    expect(statesOf("another model in 30 %")).toMatchObject({ model: "differs" });
    expect(statesOf("a hidden multiplier of 1.5")).toMatchObject({ charge: "differs", model: "consistent" });

    const words = await runInProcess(["audit", "--since", "30d"], home.env);
    expect(words.stdout).toContain("differs: 1.5");
    expect(words.stdout).toContain("consistent: ");
    expect(words.stdout.split("\n").filter((line) => Bun.stringWidth(line) > 80)).toEqual([]);
    const chinese = await runInProcess(["audit", "--since", "30d"], { ...home.env, LANG: "zh_CN.UTF-8" });
    expect(chinese.stdout).toContain("有差异：");

    const page = await runInProcess(["usage", "report", "--html", "-", "--since", "30d"], home.env);
    expect(page.stdout).toContain("What the traffic says");
    expect(page.stdout).toMatch(/<td title="differs: [^"]*">differs: /);

    const label = relays.find(({ habit }) => habit === "another model in 30 %")?.label ?? "";
    const shown = await runInProcess(["audit", "show", `${label}:model`, "--since", "30d"], home.env);
    expect(shown.stdout).toContain("gpt-5.5 -> gpt-5.4-mini");
    const asJson = await runInProcess(
      ["audit", "show", `${label}:model`, "--since", "30d", "--json"],
      home.env,
    );
    const { id, requests, state }: FindingJson = JSON.parse(asJson.stdout);
    expect({ id, state }).toEqual({ id: `${label}:model`, state: "differs" });
    expect(requests.length).toBeGreaterThan(10);

    const one = await runInProcess(["audit", "--since", "30d", "--upstream", label, "--json"], home.env);
    expect(JSON.parse(one.stdout).upstreams).toHaveLength(1);
    const whole = await runInProcess(
      ["audit", "--since", "30d", "--upstream", label.replace(/#\d+$/, ""), "--json"],
      home.env,
    );
    expect(JSON.parse(whole.stdout).upstreams).toContainEqual(JSON.parse(one.stdout).upstreams[0]);
  });

  test("a wrong name is an error that says what there is", async () => {
    const { home } = await makeHome((habit) => habit === "plain");
    using _ = home;
    const unknown = await runInProcess(["audit", "show", "relay-1#1:modle", "--since", "30d"], home.env);
    expect({ code: unknown.code, stderr: unknown.stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining("ch audit show relay-1#1:model"),
    });
    const upstream = await runInProcess(["audit", "--upstream", "main#9", "--since", "30d"], home.env);
    expect({ code: upstream.code, stderr: upstream.stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining("relay-1#1"),
    });
    // Alone there is nobody to be measured by.
    const alone = await runInProcess(["audit", "--since", "30d"], home.env);
    expect(alone.stdout).toContain("not enough data (0 of 2)");
  });

  test("an empty log is no error, and nothing is said of it", async () => {
    using home = makeTempHome();
    const { code, stdout } = await runInProcess(["audit"], home.env);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  });
});
