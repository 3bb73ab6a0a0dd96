// `ch usage` alone, which is `ch usage overview`: today and this month.
import { describe, expect, test } from "bun:test";
import { makeLogLine } from "../../../../src/log/entry.ts";
import { runInProcess } from "../../../helpers/in-process-cli.ts";
import { runAtTerminal } from "../../../helpers/pseudo-terminal.ts";
import { PROGRAM } from "../../../helpers/cli.ts";
import { type TempHome, makeTempHome } from "../../../helpers/temp-home.ts";
import { makeEntry } from "../../../log/make-entry.ts";

const midnight = new Date();
midnight.setUTCHours(0, 0, 0, 0);
const TODAY = midnight.getTime();
const MONTH = Date.UTC(midnight.getUTCFullYear(), midnight.getUTCMonth(), 1);
const usage = { input_tokens: 1000, output_tokens: 100, total_tokens: 1100 };

const makeHome = (times: readonly [at: number, config: string][]): TempHome => {
  const home = makeTempHome();
  const entries = times.map(([at, config_name], index) =>
    makeEntry({ timestamp_ms: at, id: `r${index}`, config_name, model: "gpt-5", usage }),
  );
  home.write(".codex-helper/logs/requests.jsonl", entries.map((entry) => makeLogLine(entry)).join(""));
  return home;
};
const run = async (home: TempHome, ...args: string[]) => await runInProcess(["usage", ...args], home.env);

interface Json {
  readonly by: string;
  readonly today: {
    readonly rows: readonly { key: string; requests: number }[];
    readonly total: { requests: number };
  };
  readonly month: Json["today"];
}

describe("ch usage", () => {
  test("sums up today and this month, and not the month before", async () => {
    using home = makeHome([
      [MONTH - 1, "old"],
      [MONTH, "main"],
      [TODAY, "main"],
      [Date.now(), "spare"],
    ]);
    const { code, stdout } = await run(home);
    expect(code).toBe(0);
    const [today = "", month = ""] = stdout.split("\n\n");
    expect(today).toMatch(/^Today\nconfig +requests .*\n/);
    expect(month).toMatch(/^This month\nconfig +requests .*\n/);
    expect(stdout).not.toContain("old");
    const json = JSON.parse((await run(home, "--json")).stdout) as Json;
    expect(json.by).toBe("config");
    expect(json.today.total.requests).toBe(TODAY === MONTH ? 3 : 2);
    expect(json.month.total.requests).toBe(3);
    expect(json.month.rows.map(({ key }) => key).toSorted()).toEqual(["main", "spare"]);
  });

  test("says where there is nothing, and groups by what is wanted", async () => {
    using empty = makeHome([[MONTH - 1, "old"]]);
    expect((await run(empty)).stdout).toBe(
      "Today\nno requests today\n\nThis month\nno requests this month\n",
    );
    using home = makeHome([[Date.now(), "main"]]);
    expect((await run(home, "--by", "model")).stdout).toMatch(/^Today\nmodel +requests/);
  });

  test("takes the flags of summary", async () => {
    using home = makeHome([[Date.now(), "main"]]);
    for (const flags of [["--since", "7d"], ["--plain"], ["--limit", "1"], ["--until", "2100"]])
      expect(await run(home, ...flags)).toEqual(await run(home, "summary", ...flags));
  });

  test("fits a terminal of 80 columns and 24 lines", async () => {
    using home = makeHome([
      [TODAY, "a-config-with-a-long-name-for-a-column"],
      [TODAY, "main"],
    ]);
    const { screen } = await runAtTerminal([...PROGRAM, "usage"], { home });
    const lines = screen.trimEnd().split("\r\n");
    expect(lines.filter((line) => Bun.stringWidth(line) > 80)).toEqual([]);
    expect(lines.length).toBeLessThanOrEqual(23);
  });
});
