import { expect, test } from "bun:test";
import { runCli } from "../../../helpers/cli.ts";
import { makeTempHome, type TempHome } from "../../../helpers/temp-home.ts";

const at = (month: number): number => new Date(2026, month - 1, 15, 12).getTime();

/** A million tokens cost a dollar. */
function makeHome(lines: readonly object[]): TempHome {
  const home = makeTempHome();
  home.write(".codex-helper/prices.json", [{ model: "gpt-5", input: 1, output: 1 }]);
  const base = {
    service: "codex",
    method: "POST",
    path: "/v1/responses",
    config_name: "main",
    upstream_base_url: "https://relay.example/v1",
    model: "gpt-5",
    outcome: "ok",
    usage: {
      input_tokens: 1_000_000,
      cached_input_tokens: 0,
      output_tokens: 500_000,
      total_tokens: 1_500_000,
    },
  };
  const text = lines.map((line) => `${JSON.stringify({ ...base, ...line })}\n`).join("");
  home.write(".codex-helper/logs/requests.jsonl", text);
  return home;
}

const LINES = [
  { timestamp_ms: at(10), project: "acme" },
  { timestamp_ms: at(10), project: "acme" },
  { timestamp_ms: at(10), cwd: "=HYPERLINK(1)" },
  { timestamp_ms: at(11), cwd: '/home/u/"my", own' },
  { timestamp_ms: at(11), project: "acme", model: "no-such-model" },
  { timestamp_ms: at(11), session_id: "0199-nowhere", usage: undefined, usage_unknown: "not_told" },
];

/** RFC 4180, read by other rules than ours. */
function readCsv(text: string): Record<string, string>[] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain = "", end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === "\n") rows.push([]);
  }
  const [headings = [], ...cells] = rows.filter(({ length }) => length > 0);
  return cells.map((row) =>
    Object.fromEntries(headings.map((heading, index) => [heading, row[index] ?? ""])),
  );
}

test("usage export gives tokens and costs by month and project, with the date of the list", async () => {
  using home = makeHome(LINES);
  const { code, stdout } = await runCli(["usage", "export", "--csv"], { home });
  expect(code).toBe(0);
  const rows = readCsv(stdout);
  const told = rows.map(({ cost_usd: cost, month, project, requests, total_tokens: tokens }) =>
    [month, project, requests, tokens, cost].join(" | "),
  );
  expect(told).toEqual([
    "2026-10 | '=HYPERLINK(1) | 1 | 1500000 | 1.5",
    "2026-10 | acme | 2 | 3000000 | 3",
    '2026-11 | /home/u/"my", own | 1 | 1500000 | 1.5',
    "2026-11 | acme | 1 | 1500000 | ",
    "2026-11 |  | 1 | 0 | ",
  ]);
  expect(rows[3]).toMatchObject({ unpriced_requests: "1" });
  expect(rows[4]).toMatchObject({ requests_without_usage: "1" });
  for (const { list_date } of rows) expect(list_date).toMatch(/^\d{4}-\d\d-\d\d$/);
});

test.each(["=1+1", "+1", "-1", "@SUM(A1)", " =1+1", "\uff1d1+1", "\uff201", "\u3000=1"])(
  "%j is a text for a spreadsheet",
  async (cwd) => {
    using home = makeHome([{ timestamp_ms: at(10), cwd }]);
    const { stdout } = await runCli(["usage", "export", "--csv", "--by", "cwd"], { home });
    expect(readCsv(stdout).map((row) => row["cwd"])).toEqual([`'${cwd}`]);
  },
);

test("the same as JSON, of a month alone, and by other groups", async () => {
  using home = makeHome(LINES);
  const run = async (...args: string[]) => {
    const { stdout } = await runCli(["usage", "export", "--json", ...args], { home });
    return JSON.parse(stdout) as { rows: Record<string, unknown>[]; total: object; list_date: string };
  };
  const october = await run("--since", "2026-10", "--until", "2026-10");
  expect(october.rows).toHaveLength(2);
  expect(october).toMatchObject({ currency: "USD", total: { requests: 3, cost_usd: 4.5 } });
  const finer = await run("--by", "month, model");
  expect(finer.rows.map(({ model, month, requests }) => [month, model, requests])).toEqual([
    ["2026-10", "gpt-5", 3],
    ["2026-11", "gpt-5", 2],
    ["2026-11", "no-such-model", 1],
  ]);
  for (const [args, words] of [
    [["--by", "colour"], "--by must be of config, upstream"],
    [["--csv", "--json"], "either --csv or --json"],
  ] as const) {
    const { code, stderr } = await runCli(["usage", "export", ...args], { home });
    expect(code).toBe(2);
    expect(stderr).toContain(words);
  }
});
