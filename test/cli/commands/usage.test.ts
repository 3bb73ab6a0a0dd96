import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type LogEntry, makeLogLine } from "../../../src/log/entry.ts";
import { type CliResult, PROGRAM, runCli, startCli } from "../../helpers/cli.ts";
import { runInProcess } from "../../helpers/in-process-cli.ts";
import { runAtTerminal } from "../../helpers/pseudo-terminal.ts";
import { type TempHome, makeTempHome } from "../../helpers/temp-home.ts";
import { within } from "../../helpers/wait.ts";
import { makeRollout, makeSessionId, putFile, rolloutPath } from "../../helpers/session-files.ts";
import { makeEntry } from "../../log/make-entry.ts";
import type { SummaryRow } from "../../../src/usage/summary.ts";

let home: TempHome;
beforeEach(() => {
  home = makeTempHome();
});
afterEach(() => home[Symbol.dispose]());

const NOON = Date.UTC(2026, 10, 22, 12, 0, 0);
const ENTRIES: readonly LogEntry[] = [
  makeEntry({
    timestamp_ms: NOON - 86_400_000,
    id: "a",
    model: "gpt-5",
    ttfb_ms: 200,
    usage: {
      input_tokens: 12_000,
      output_tokens: 500,
      reasoning_tokens: 100,
      total_tokens: 12_500,
      cached_input_tokens: 9000,
    },
  }),
  makeEntry({
    timestamp_ms: NOON,
    id: "b",
    service: "claude",
    path: "/v1/messages",
    config_name: "work",
    model: "claude-opus",
    status_code: 429,
    outcome: "error",
    error: "usage \u001b[31mlimit",
    attempts: [
      { upstream_base_url: "https://a.example", status_code: 429, verdict: "quota", duration_ms: 5 },
      { upstream_base_url: "https://b.example", status_code: 429, verdict: "quota", duration_ms: 5 },
    ],
  }),
  makeEntry({
    timestamp_ms: NOON + 1000,
    id: "c",
    service: "claude",
    path: "/v1/messages",
    config_name: "work",
    model: "claude-opus",
    ttfb_ms: 900,
    usage: {
      input_tokens: 4,
      output_tokens: 30,
      total_tokens: 1234,
      cached_input_tokens: 1000,
      cache_creation_tokens: 200,
    },
  }),
  makeEntry({ timestamp_ms: NOON + 2000, id: "d", method: "GET", path: "/v1/models" }),
];

function writeLog(text = ENTRIES.map((entry) => makeLogLine(entry)).join("")): string {
  const path = home.paths.requestsLog;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const usage = (...args: readonly string[]): Promise<CliResult> => runInProcess(["usage", ...args], home.env);

describe("what redaction rules found", () => {
  const found = (
    id: string,
    by_rule: Readonly<Record<string, number>>,
    more: Partial<LogEntry> = {},
  ): LogEntry =>
    makeEntry({
      timestamp_ms: NOON,
      id,
      session_id: "s-1",
      redactions: Object.values(by_rule).reduce((sum, hits) => sum + hits, 0),
      redactions_by_rule: by_rule,
      ...more,
    });
  const LINES = [
    found("r1", { customers: 2, "rule-2": 1 }),
    found("r2", { "secrets/github-token": 4 }, { session_id: "t-2", redactions_exempt: 3 }),
    found("r3", { customers: 1 }, { method: "POST", path: "/v1/messages/count_tokens" }),
    makeEntry({ timestamp_ms: NOON, id: "r4", redactions: 5 }),
  ];

  test("is summed up by rule, of a session too, and for a script", async () => {
    writeLog(LINES.map((entry) => makeLogLine(entry)).join(""));
    const { stderr, stdout } = await usage("summary", "--by", "rule");
    const cells = stdout
      .trimEnd()
      .split("\n")
      .map((row) => row.trim().split(/ {2,}/).slice(0, 4));
    expect(cells).toEqual([
      ["rule", "redactions", "requests", "sessions"],
      ["-", "5", "1", "0"],
      ["secrets/github-token", "4", "1", "1"],
      ["customers", "3", "2", "1"],
      ["rule-2", "1", "1", "1"],
      ["all", "13", "4", "2"],
    ]);
    expect(stderr).toContain("left as they are: 3");
    expect((await usage("summary", "--by", "rule", "--session", "t-", "--plain")).stdout).toBe(
      "rule | redactions | requests | sessions\nsecrets/github-token | 4 | 1 | 1\n",
    );
    const json = JSON.parse(
      (await usage("summary", "--by", "rule", "--json", "--limit", "1")).stdout,
    ) as unknown;
    expect(json).toMatchObject({
      by: "rule",
      rows: [{ key: null, redactions: 5 }],
      total: { redactions: 13, requests: 4 },
    });
    expect((await usage("--by", "rule")).stdout).toMatch(/^Today\n.*\n\nThis month\n/s);
  });

  test("is found by its rule or pack, and shown of one request", async () => {
    writeLog(LINES.map((entry) => makeLogLine(entry)).join(""));
    const ids = async (rule: string): Promise<unknown> => {
      const { stdout } = await usage("find", "--rule", rule, "--json");
      return [...stdout.matchAll(/"id": ?"(\w+)"/g)].map(([, id]) => id);
    };
    expect(await ids("customers")).toEqual(["r1", "r3"]);
    expect(await ids("secrets")).toEqual(["r2"]);
    expect(await ids("secrets/github-token")).toEqual(["r2"]);
    expect(await ids("custom")).toEqual([]);
    const { stdout } = await usage("show", "r1");
    expect(stdout).toMatch(/^redactions +3 \(customers 2, rule-2 1\)$/m);
    expect((await usage("show", "r2")).stdout).toMatch(/^not redacted +3$/m);
  });

  test("nothing is said to be nothing", async () => {
    writeLog();
    expect(await usage("summary", "--by", "rule")).toEqual({
      code: 0,
      stdout: "",
      stderr: "no redactions in the log\n",
    });
  });
});

describe("usage summary", () => {
  test("shows a table with a row for each config and one for all", async () => {
    writeLog();
    expect(await usage("summary")).toEqual({
      code: 0,
      stdout: [
        "config  requests  failed  failovers  input  cached  output  reasoning  total      cost  ttfb p50     p95  tok/s",
        "main           1       0          0  12.0k     75%     500        100  12.5k   $0.0099    200 ms  200 ms    500",
        "work           2       1          1  1.20k     83%      30          0  1.23k  unpriced    900 ms  900 ms     30",
        "all            3       1          1  13.2k     76%     530        100  13.7k  $0.0099+    200 ms  900 ms    265",
        "",
        "tokens  █                       ▁",
        "cost    █",
        "        2026-11-21 12:00 2026-11-22 12:00",
        "",
      ].join("\n"),
      stderr: [
        "and 1 other request that generates nothing",
        "1 request is not included in the cost because what it used has no price: claude-opus",
        "  add a price in ~/.codex-helper/prices.json (docs/prices.md)",
        "costs are an estimate from list prices",
        "",
      ].join("\n"),
    });
  });

  const exact = { input_tokens: 12_000, output_tokens: 500, total_tokens: 12_500 };
  const UNKNOWN: readonly LogEntry[] = [
    makeEntry({ timestamp_ms: NOON, id: "exact", model: "gpt-5", usage: exact }),
    makeEntry({ timestamp_ms: NOON, id: "cut", model: "gpt-5", outcome: "cut", usage_unknown: "cut" }),
    makeEntry({
      timestamp_ms: NOON,
      id: "part",
      model: "gpt-5",
      outcome: "client_gone",
      status_code: 499,
      usage: { input_tokens: 1000, total_tokens: 1000, partial: true },
    }),
    makeEntry({
      timestamp_ms: NOON,
      id: "failed",
      model: "gpt-5",
      usage: exact,
      attempts: [
        { upstream_base_url: "https://a.example", verdict: "error-in-200", duration_ms: 5, usage: exact },
        { upstream_base_url: "https://relay.example/v1", verdict: "ok", duration_ms: 5 },
      ],
    }),
  ];

  test("marks sums that are not the whole, says why, and shows what failed attempts cost", async () => {
    writeLog(UNKNOWN.map((entry) => makeLogLine(entry)).join(""));
    const { stderr, stdout } = await usage("summary", "--by", "upstream");
    const [headings = "", relay = "", other = "", all = ""] = stdout.split("\n");
    expect(headings).toMatch(/total +cost +failed attempts/);
    expect(relay).toMatch(/^relay\.example\/v1 +4 .* 26\.0k\+ +\$0\.04\+ +- /);
    expect(other).toMatch(/^a\.example +0 .* 12\.5k +\$0\.02 +\$0\.02 /);
    expect(all).toMatch(/^all +4 .* 38\.5k\+ +\$0\.06\+ +\$0\.02 /);
    expect(stderr.split("\n").slice(0, 3)).toEqual([
      "requests that did not say what they used, not in the sums: 1",
      "requests that said only a part of what they used: 1",
      "failed attempts that used tokens, in the sums: 1 (12.5k tokens, cost $0.02)",
    ]);
    const told: { total: SummaryRow } = JSON.parse((await usage("summary", "--json")).stdout);
    expect(told.total).toMatchObject({
      requests_without_usage: 1,
      partial_requests: 1,
      unpriced_requests: 0,
      failed_attempts: 1,
      failed_attempts_cost_usd: 0.02,
    });
    for (const [id, words] of [
      ["cut", "tokens   unknown, because the answer broke off before it said"],
      ["part", "tokens   1.00k in, 1.00k total, and more that the answer did not say"],
      ["part", "cost     $0.0013+"],
      ["failed", "cost     $0.02, and $0.02 for failed attempts"],
    ] as const)
      expect((await usage("show", id)).stdout).toContain(words);
    expect((await usage("report", "--html", "-")).stdout).toContain("said only a part of what they used: 1");
  });

  test("goes by the days and hours of the machine's time zone", async () => {
    writeLog();
    const inTokyo = { home, env: { TZ: "Asia/Tokyo" } };
    const hours = await runCli(["usage", "summary", "--by", "hour", "--plain"], inTokyo);
    expect(hours.stdout.split("\n").map((line) => line.split(" |")[0])).toEqual([
      "hour",
      "2026-11-21 21:00",
      "2026-11-22 21:00",
      "",
    ]);
  });

  test("goes by weeks and months, which can be typed as they are named", async () => {
    const at = (text: string): string => makeLogLine(makeEntry({ timestamp_ms: Date.parse(text) }));
    writeLog(
      ["2026-10-25T10:00Z", "2026-10-31T23:30Z", "2026-11-01T23:30Z", "2026-11-02T10:00Z"].map(at).join(""),
    );
    const rows = async (zone: string, ...args: readonly string[]): Promise<unknown> => {
      const all = ["usage", "summary", "--json", ...args];
      const { stdout } = await runCli(all, { home, env: { TZ: zone } });
      return JSON.parse(stdout).rows.map((row: SummaryRow) => [row.key, row.requests]);
    };
    expect(await rows("UTC", "--by", "week")).toEqual([
      ["2026-W43", 1],
      ["2026-W44", 2],
      ["2026-W45", 1],
    ]);
    expect(await rows("Australia/Sydney", "--by", "week")).toEqual([
      ["2026-W43", 1],
      ["2026-W44", 1],
      ["2026-W45", 2],
    ]);
    expect(await rows("Asia/Kathmandu", "--by", "month")).toEqual([
      ["2026-10", 1],
      ["2026-11", 3],
    ]);
    expect(await rows("UTC", "--since", "2026-10", "--until", "2026-10", "--by", "month")).toEqual([
      ["2026-10", 2],
    ]);
    expect(await rows("Asia/Kathmandu", "--since", "2026-W44", "--until", "2026-W44", "--by", "day")).toEqual(
      [["2026-11-01", 1]],
    );
    expect((await usage("summary", "--by", "week")).stdout).toMatch(/^week +requests/);
  });

  test("shows what sub-agents and compaction took apart", async () => {
    const tokens = { input_tokens: 10, output_tokens: 1, total_tokens: 11 };
    const of = (agent: LogEntry["agent"]): string => makeLogLine(makeEntry({ agent, usage: tokens }));
    writeLog([of("main"), of("subagent"), of("main"), of("compaction"), of(undefined)].join(""));
    const { rows, total } = JSON.parse((await usage("summary", "--by", "agent", "--json")).stdout);
    expect(rows.map((row: SummaryRow) => [row.key, row.total_tokens])).toEqual([
      ["main", 22],
      ["subagent", 11],
      ["compaction", 11],
      [null, 11],
    ]);
    expect(total.total_tokens).toBe(55);
    expect((await usage("summary", "--by", "agent")).stdout).toMatch(
      /^agent .*\nthe conversation +2 .*\nsub-agents/,
    );
    expect((await usage("summary", "--by", "agent", "--plain")).stdout).toStartWith(
      "agent | requests | input_tokens | output_tokens | total_tokens\nmain | 2 | 20 | 2 | 22\n",
    );
  });

  test("refuses a range that ends before it begins, and a date that does not exist", async () => {
    const backward = await usage("summary", "--since", "2026-11", "--until", "2026-10");
    expect([backward.code, backward.stderr]).toEqual([
      2,
      expect.stringContaining("--until 2026-10 is not after --since 2026-11"),
    ]);
    const missing = await usage("find", "--since", "2026-02-30");
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('exists, not "2026-02-30"')]);
  });

  test("--limit keeps the largest rows, or the last days, and the sum of all", async () => {
    writeLog();
    expect((await usage("summary", "--plain", "--limit", "1")).stdout).toEndWith(
      "\nmain | 1 | 12000 | 500 | 12500\n",
    );
    const days = JSON.parse((await usage("summary", "--by", "day", "--limit", "1", "--json")).stdout);
    expect([days.rows.length, days.rows[0].key, days.total.requests]).toEqual([1, "2026-11-22", 3]);
  });

  test("shows days with bars", async () => {
    writeLog();
    const { stdout } = await usage("summary", "--by", "day");
    const bars = stdout.split("\n").map((line) => line.replace(/^.*tok\/s\s*|^.* \d+(?=$|  )/, ""));
    expect(stdout).toStartWith("day         requests");
    expect(bars.slice(1, 3)).toEqual([`  ${"█".repeat(40)}`, `  ${"█".repeat(4)}`]);
    expect((await usage("summary", "--by", "hour", "--plain")).stdout).toContain("\n2026-11-21 12:00 | 1 |");
  });

  test("prices at own prices and the upstream's factor", async () => {
    writeLog();
    home.write(".codex-helper/prices.json", [
      { model: "claude-*", input: 1000, output: 2000, cached_input: 0 },
    ]);
    home.write(".codex-helper/config.json", {
      claude: {
        configs: { work: { upstreams: [{ base_url: "https://relay.example/v1", cost_multiplier: 0.5 }] } },
      },
    });
    const { stdout, stderr } = await usage("summary", "--json", "--by", "config");
    const { rows, total, unpriced_models } = JSON.parse(stdout);
    const work = rows.find(({ key }: { key: string }) => key === "work");
    expect([stderr, work.cost_usd, work.unpriced_requests]).toEqual(["", 0.132, 0]);
    expect([total.cost_usd, unpriced_models]).toEqual([0.141875, []]);
  });

  test("gives tokens without costs when prices.json is broken, and says where", async () => {
    writeLog();
    home.write(".codex-helper/prices.json", '[\n  { "model": "a", "input": 1 }\n]');
    const said = `warning: no costs: ~/.codex-helper/prices.json:2:3: [0]: needs input and output, or same_as\n`;
    const { code, stderr, stdout } = await usage("summary");
    expect([code, stderr]).toEqual([0, `and 1 other request that generates nothing\n${said}`]);
    expect(stdout).toMatch(/^all +3 +1 +1 +13\.2k .* 13\.7k +unpriced /m);
    const json = await usage("summary", "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({
      total: { total_tokens: 13_734, cost_usd: null, unpriced_requests: 2 },
      prices_problem: `${home.paths.prices}:2:3: [0]: needs input and output, or same_as`,
    });
    expect(json.stderr).toBe(said);
    expect((await usage("show", "a")).stdout).toContain("unpriced: ");
    expect((await usage("summary", "--plain")).code).toBe(0);
  });

  test("--plain keeps the columns of the first version", async () => {
    writeLog();
    const { stdout } = await usage("summary", "--plain");
    expect(stdout).toBe(
      "config_name | requests | input_tokens | output_tokens | total_tokens\nmain | 1 | 12000 | 500 | 12500\nwork | 2 | 4 | 30 | 1234\n",
    );
    expect((await usage("summary", "--plain", "--by", "day")).stdout).toBe(
      "day | requests | input_tokens | output_tokens | total_tokens\n2026-11-21 | 1 | 12000 | 500 | 12500\n2026-11-22 | 2 | 4 | 30 | 1234\n",
    );
  });

  test("--json says the same to a script, with what could not be read", async () => {
    writeLog(`${ENTRIES.map((entry) => makeLogLine(entry)).join("")}{"torn\n`);
    const { stdout, stderr } = await usage("summary", "--json", "--by", "service");
    const { by, rows, total, other, unreadable_lines } = JSON.parse(stdout);
    expect({ by, other, unreadable_lines, stderr }).toEqual({
      by: "service",
      other: 1,
      unreadable_lines: 1,
      stderr: "",
    });
    expect(rows.map(({ key }: { key: string }) => key)).toEqual(["codex", "claude"]);
    expect(total).toMatchObject({ requests: 3, total_tokens: 13_734, ttfb_p50_ms: 200 });
  });

  test("takes a time, a service and a group", async () => {
    writeLog();
    const plain = async (...args: readonly string[]): Promise<string[]> =>
      (await usage("summary", "--plain", ...args)).stdout.trimEnd().split("\n").slice(1);
    expect(await plain("--since", "2026-11-22")).toEqual(["work | 2 | 4 | 30 | 1234"]);
    expect(await plain("--until", "2026-11-21")).toEqual(["main | 1 | 12000 | 500 | 12500"]);
    expect(await plain("--claude", "--by", "model")).toEqual(["claude-opus | 2 | 4 | 30 | 1234"]);
    const wrong = await usage("summary", "--since", "soon");
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      expect.stringContaining('--since takes a date, a time or an age, not "soon"'),
    ]);
    expect((await usage("summary", "--by", "color")).code).toBe(2);
  });

  test("of an empty log is empty, not an error", async () => {
    expect(await usage("summary")).toEqual({ code: 0, stdout: "", stderr: "no requests in the log\n" });
    expect(JSON.parse((await usage("summary", "--json")).stdout)).toMatchObject({ rows: [], other: 0 });
  });
});

test("of a request that is longer than a line of the terminal, what matters least goes", async () => {
  writeLog();
  for (const columns of [66, 80, 140]) {
    const { screen } = await runAtTerminal([...PROGRAM, "usage", "tail"], {
      home,
      env: { TZ: "UTC", NO_COLOR: "1" },
      columns,
    });
    const lines = screen.split("\r\n");
    expect(lines.filter((line) => Bun.stringWidth(line) > columns)).toEqual([]);
    expect(lines).toContain("-- 22 Nov --");
    expect(lines.find((line) => line.startsWith("12:00:01"))).toMatch(
      /claude {2}.*relay\.example .* 200 .* 30 out/,
    );
    expect(screen.includes("1.20k in")).toBe(columns > 66);
  }
});

describe("usage tail", () => {
  test("shows the last requests, the last one last", async () => {
    writeLog();
    const { stdout, code } = await usage("tail", "--limit", "3");
    expect(code).toBe(0);
    expect(stdout.trimEnd().split("\n")).toEqual([
      "-- 22 Nov --",
      "12:00:00  claude  relay.example  claude-opus  429  1.0 s  usage limit  after a.example ✕ quota",
      "12:00:01  claude  relay.example  claude-opus  200  0.9/1.0 s  1.20k in  83 %  30 out  -",
      "12:00:02  codex   relay.example  /v1/models   200      1.0 s",
    ]);
  });

  test("--raw prints the lines as they are stored", async () => {
    const lines = [
      '{ "timestamp_ms": 5,"new_field":[1] }',
      ...ENTRIES.map((entry) => makeLogLine(entry).trimEnd()),
    ];
    writeLog(`${lines.join("\n")}\n`);
    expect((await usage("tail", "--raw")).stdout).toBe(`${lines.join("\n")}\n`);
    expect((await usage("tail", "--raw", "--claude", "--limit", "1")).stdout).toBe(`${lines[3]}\n`);
  });

  test("of an empty log is empty, not an error", async () => {
    expect(await usage("tail")).toEqual({ code: 0, stdout: "", stderr: "no requests in the log\n" });
  });

  test("--follow goes on with each line as it comes, through a rotation and an emptying, until it is ended", async () => {
    const path = writeLog();
    await using running = startCli(["usage", "tail", "--raw", "--follow", "--limit", "1"], { home });
    const reader = running.child.stdout.getReader();
    const decoder = new TextDecoder();
    let text = "";
    const sees = async (id: string): Promise<void> => {
      while (!text.includes(`"id":"${id}"`))
        text += decoder.decode((await within(reader.read())).value, { stream: true });
    };
    await sees("d");
    appendFileSync(path, makeLogLine(makeEntry({ id: "e" })).slice(0, 30));
    appendFileSync(path, makeLogLine(makeEntry({ id: "e" })).slice(30));
    await sees("e");
    appendFileSync(path, makeLogLine(makeEntry({ id: "f" })));
    renameSync(path, `${path}.1`);
    writeFileSync(path, makeLogLine(makeEntry({ id: "g", model: "x".repeat(100) })));
    await sees("g");
    writeFileSync(path, makeLogLine(makeEntry({ id: "h" })));
    await sees("h");
    expect([...text.matchAll(/"id":"(\w)"/g)].map((match) => match[1]).join("")).toBe("defgh");
    expect(await running.stop("SIGTERM")).not.toBe(0);
  });
});

describe("usage find", () => {
  const idsOf = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await usage("find", "--json", ...args);
    return JSON.parse(stdout)
      .requests.map(({ id }: { id: string }) => id)
      .join("");
  };

  test("shows what fits with its id, and what to type next", async () => {
    writeLog();
    expect(await usage("find", "--status", "4xx")).toEqual({
      code: 0,
      stdout:
        "-- 22 Nov --\nb  12:00:00  claude  relay.example  claude-opus  429  1.0 s  usage limit  after a.example ✕ quota\n",
      stderr: "details: ch usage show ID\n",
    });
    expect(await usage("find", "--status", "500")).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "no matching request in the log\n",
    });
  });

  test("takes many conditions, all of which must hold", async () => {
    writeLog();
    expect(await idsOf()).toBe("abcd");
    expect(await idsOf("--limit", "2")).toBe("cd");
    expect(await idsOf("--model", "OPUS")).toBe("bc");
    expect(await idsOf("--model", "opus", "--outcome", "ok")).toBe("c");
    expect(await idsOf("--upstream", "b.example")).toBe("b");
    expect(await idsOf("--text", "LIMIT")).toBe("b");
    expect(await idsOf("--path", "models")).toBe("d");
    expect(await idsOf("--config", "work", "--since", "2026-11-22T12:00:01")).toBe("c");
    expect(await idsOf("--codex", "--until", "2026-11-21")).toBe("a");
    expect(await idsOf("--slower-than", "1000ms")).toBe("abcd");
    expect(await idsOf("--slower-than", "1.001")).toBe("");
  });

  test("takes an upstream by its place in a config", async () => {
    writeLog();
    const upstreams = ["https://relay.example/v1/", "https://b.example"].map((base_url) => ({ base_url }));
    home.write(".codex-helper/config.json", { claude: { configs: { work: { upstreams } } } });
    expect(await idsOf("--claude", "--upstream", "work#2")).toBe("b");
    expect(await idsOf("--claude", "--upstream", "work#1")).toBe("bc");
    expect(await usage("find", "--claude", "--upstream", "worm#1")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('did you mean "work"?'),
    });
    expect(await usage("find", "--claude", "--upstream", "work#3")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the config "work" has no upstream 3'),
    });
  });

  test("refuses what is no status and no time", async () => {
    for (const [flag, value] of [
      ["--status", "6xx"],
      ["--status", "bad"],
      ["--slower-than", "soon"],
      ["--outcome", "fine"],
    ] as const) {
      const { code, stderr } = await usage("find", flag, value);
      expect([flag, code, stderr.includes(value)]).toEqual([flag, 2, true]);
    }
  });
});

describe("usage show", () => {
  test("shows one request, and its attempts one after the other", async () => {
    writeLog();
    const { stdout, stderr, code } = await usage("show", "b");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout.split("\n")).toEqual([
      "b",
      "request  POST /v1/messages",
      "when     11-22 12:00:00",
      "client   claude",
      "model    claude-opus",
      "config   work",
      "outcome  error, 429, 1.0 s",
      "error    usage limit",
      "",
      "█·······················  5 ms  a.example  429 quota",
      "█·······················  5 ms  b.example  429 quota",
      "",
    ]);
  });

  test("breaks a long error under itself on a terminal, and tells it in Chinese to a Chinese one", async () => {
    const error = "No upstream could answer Codex. main#1: 500 failed. main#2: 500 failed.";
    const cause = { rule: "server-error", status: 500 };
    const stories = ["main#1", "main#2"].map((label) => ({ rule: "story", label, cause }));
    const reason = { rule: "no-answer", client: "Codex", stories };
    writeLog(makeLogLine(makeEntry({ id: "b", status_code: 503, outcome: "error", error, reason })));
    const show = [...PROGRAM, "usage", "show", "b"];
    const english = await runAtTerminal(show, { home, env: { NO_COLOR: "1" }, columns: 60 });
    expect(english.screen.replaceAll("\r", "")).toContain(
      "\nerror    No upstream could answer Codex. main#1: 500 failed.\n         main#2: 500 failed.\n",
    );
    const chinese = await runAtTerminal(show, { home, env: { NO_COLOR: "1", LANG: "zh_CN.UTF-8" } });
    expect(chinese.screen).toContain("没有上游能应答 Codex。main#1：500 失败。main#2：500 失败。");
  });

  test("gives an attempt's reason a line of its own where a terminal is too narrow for both", async () => {
    const attempt = { upstream_base_url: "https://a.example", duration_ms: 5 };
    const attempts = [
      { ...attempt, verdict: "broken-connection", error: "connection lost (ECONNRESET)" },
      { ...attempt, verdict: "ok", status_code: 200 },
    ];
    writeLog(makeLogLine(makeEntry({ id: "b", attempts })));
    const show = [...PROGRAM, "usage", "show", "b"];
    const { screen } = await runAtTerminal(show, { home, env: { NO_COLOR: "1" } });
    expect(screen.split("\r\n").slice(-4)).toEqual([
      "█·······················  5 ms  a.example  broken-connection",
      "  connection lost (ECONNRESET)",
      "█·······················  5 ms  a.example  200 ok",
      "",
    ]);
  });

  test("draws what was held of each attempt, and which one the client saw nothing of", async () => {
    const attempt = { upstream_base_url: "https://a.example", status_code: 200, duration_ms: 500 };
    const attempts = [
      { ...attempt, verdict: "stalled", held_events: 2, held_bytes: 82_000, shown: false },
      { ...attempt, verdict: "error-in-200", held_events: 0, held_bytes: 0, shown: false },
      { ...attempt, verdict: "ok", held_events: 3, held_bytes: 3 * 2 ** 20, shown: true },
    ];
    writeLog(makeLogLine(makeEntry({ id: "b", duration_ms: 1_500, attempts })));
    expect((await usage("show", "b")).stdout.split("\n").slice(-4)).toEqual([
      "▒▒▒▒▒▒▒▒················  500 ms  a.example  200 stalled         held: 2 events, 80 KB, not shown",
      "········▒▒▒▒▒▒▒▒········  500 ms  a.example  200 error-in-200",
      "················████████  500 ms  a.example  200 ok              held: 3 events, 3.0 MB",
      "",
    ]);
    const { request } = JSON.parse((await usage("show", "b", "--json")).stdout);
    expect(request.attempts[0]).toMatchObject({ held_events: 2, held_bytes: 82_000, shown: false });
  });

  test("shows tokens, cost and the one attempt of a request that went well", async () => {
    writeLog();
    const { stdout } = await usage("show", "a");
    expect(stdout).toContain(
      "tokens   12.0k in, 9.00k read from cache, 500 out, 100 of that reasoning, 12.5k total\n",
    );
    expect(stdout).toContain("cost     $0.0099\n");
    expect(stdout).toEndWith(`\n${"█".repeat(24)}  1.0 s  relay.example  200 ok\n`);
    const { request, cost_usd } = JSON.parse((await usage("show", "a", "--json")).stdout);
    expect([request.id, request.usage.input_tokens, cost_usd]).toEqual(["a", 12_000, 0.009875]);
  });

  test("says which ids are near one that is unknown", async () => {
    writeLog(["m2qwz5c01a2b3c4", "m2qx0k801a2b3c4"].map((id) => makeLogLine(makeEntry({ id }))).join(""));
    expect(await usage("show", "m2qwz5c01a2b3c5")).toEqual({
      code: 1,
      stdout: "",
      stderr: 'error: no request "m2qwz5c01a2b3c5" in the log\n  did you mean m2qwz5c01a2b3c4?\n',
    });
    expect((await usage("show", "m2qwz")).stderr).toContain("did you mean m2qwz5c01a2b3c4?");
    expect((await usage("show", "x")).stderr).toContain("ch usage find");
  });
});

describe("a session's directory", () => {
  const at = NOON;
  const id = makeSessionId(at);

  function writeSessions(): void {
    const shape = { id, at, cwd: "/代码/app", prompts: ["fix it"] };
    putFile(rolloutPath(home.paths.codexHome, shape), makeRollout(shape), at);
    writeLog(
      [
        makeEntry({ id: "joined", session_id: id }),
        makeEntry({ id: "told", cwd: "/代码/app", session_id: makeSessionId(at + 1) }),
        makeEntry({ id: "unknown", session_id: makeSessionId(at + 2) }),
        makeEntry({ id: "none" }),
      ]
        .map((entry) => makeLogLine(entry))
        .join(""),
    );
  }

  test("is found in its file, for summaries by project", async () => {
    writeSessions();
    for (const by of ["project", "cwd"]) {
      const { stdout } = await usage("summary", "--by", by, "--plain");
      expect(stdout).toBe(
        "cwd | requests | input_tokens | output_tokens | total_tokens\n/代码/app | 2 | 0 | 0 | 0\n- | 2 | 0 | 0 | 0\n",
      );
    }
  });

  test("is told of single requests, where it is known", async () => {
    writeSessions();
    expect((await usage("show", "joined")).stdout).toContain("\ndirectory  /代码/app\n");
    expect((await usage("show", "unknown")).stdout).not.toContain("directory");
    const { requests } = JSON.parse((await usage("find", "--json")).stdout);
    expect(requests.map(({ cwd }: { cwd?: string }) => cwd ?? null)).toEqual([
      "/代码/app",
      "/代码/app",
      null,
      null,
    ]);
    expect((await usage("tail", "--raw", "--limit", "4")).stdout).not.toContain('"joined","cwd"');
  });
});

describe("usage summary --chart", () => {
  const DAY_MS = 86_400_000;
  const writeDays = (): void => {
    home.write(
      ".codex-helper/logs/requests.jsonl",
      [0, 1, 5]
        .map((day) =>
          makeLogLine(
            makeEntry({
              timestamp_ms: NOON + day * DAY_MS,
              config_name: day === 5 ? "备用中转" : "main",
              model: "gpt-5",
              usage: { input_tokens: 900, cached_input_tokens: 600, output_tokens: 100, total_tokens: 1000 },
            }),
          ),
        )
        .join(""),
    );
  };
  const chart = async (...args: readonly string[]): Promise<string[]> => {
    const { code, stdout } = await runCli(["usage", "summary", "--chart", ...args], { home });
    expect(code).toBe(0);
    return stdout.trimEnd().split("\n");
  };

  test("draws a bar of each group as long as its tokens, in parts by kind, with its figures", async () => {
    writeDays();
    const [heading = "", main = "", other = "", all = "", legend] = await chart();
    expect(heading).toMatch(/^config +tokens +cost +requests$/);
    const barOf = (line: string): string[] => line.match(/█+|▒+|░+/g) ?? [];
    const [fresh = "", cached = "", output = ""] = barOf(main);
    expect(cached.length / fresh.length).toBeCloseTo(2, 0);
    expect(output.length / fresh.length).toBeCloseTo(1 / 3, 0);
    expect(barOf(other).join("").length / barOf(main).join("").length).toBeCloseTo(0.5, 1);
    expect([main, other, all].map((line) => Bun.stringWidth(line))).toEqual(
      Array.from({ length: 3 }, () => Bun.stringWidth(heading)),
    );
    expect(Bun.stringWidth(heading)).toBeLessThanOrEqual(80);
    expect(legend).toBe("█ fresh 900  ▒ cached 1.80k  ░ output 300");
  });

  test("shows a day without requests as one, and those before as earlier", async () => {
    writeDays();
    expect((await chart("--by", "day")).map((line) => line.split(/ +/)[0])).toEqual([
      "day",
      ...[22, 23, 24, 25, 26, 27].map((day) => `2026-11-${day}`),
      "all",
      "█",
    ]);
    expect((await chart("--by", "day", "--limit", "3")).map((line) => line.slice(0, 10).trimEnd())).toEqual([
      "day",
      "2 earlier",
      "2026-11-25",
      "2026-11-26",
      "2026-11-27",
      "all",
      "█ fresh 90",
    ]);
    expect((await chart("--limit", "1"))[2]).toMatch(/^and 1 more +1\.00k/);
  });

  test("fits terminals, without colours and without Unicode", async () => {
    writeDays();
    for (const columns of [40, 80, 140]) {
      const { screen } = await runAtTerminal([...PROGRAM, "usage", "summary", "--chart"], { home, columns });
      for (const line of Bun.stripANSI(screen).split(/\r?\n/))
        expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
      expect(screen).toContain("\u001b[36m█");
    }
    const env = { LC_ALL: "C", NO_COLOR: "1" };
    const { screen: plain } = await runAtTerminal([...PROGRAM, "usage", "summary", "--chart"], {
      home,
      columns: 80,
      env,
    });
    expect(plain).toMatch(/main +#+=+\.+ +2\.00k/);
    expect(plain).not.toContain("\u001b[36m");
  });

  test("is no form for scripts", async () => {
    for (const other of ["--json", "--plain"]) {
      const { code, stderr } = await runCli(["usage", "--chart", other], { home });
      expect([code, stderr]).toEqual([2, `error: --chart and ${other} cannot be used together\n`]);
    }
  });

  test("says so where nothing is known or logged", async () => {
    expect((await runCli(["usage", "summary", "--chart"], { home })).stderr).toContain(
      "no requests in the log",
    );
    home.write(
      ".codex-helper/logs/requests.jsonl",
      makeLogLine(makeEntry({ timestamp_ms: NOON, usage: undefined })),
    );
    expect((await chart()).at(-1)).toBe("no upstream said what was used");
  });
});

describe("usage report", () => {
  const report = (...args: readonly string[]): Promise<CliResult> =>
    runCli(["usage", "report", ...args], { home });

  test("writes one private page, and again over its own", async () => {
    writeLog();
    for (const round of [1, 2]) {
      expect([round, await report("--html", "usage.html")]).toEqual([
        round,
        { code: 0, stdout: "", stderr: "wrote usage.html\n" },
      ]);
    }
    const page = join(home.path, "usage.html");
    expect(statSync(page).mode & 0o777).toBe(0o600);
    const text = await Bun.file(page).text();
    expect(text).toContain("relay.example/v1");
    expect(text).toContain("Codex, Claude Code, since the start of the log, until ");
  });

  test("writes over nobody else's file without being told to", async () => {
    const page = home.write("mine.html", "<p>my own page</p>");
    const refused = await report("--html", "mine.html");
    expect(refused).toEqual({
      code: 1,
      stdout: "",
      stderr: [
        "error: mine.html already exists and is not a report of ch",
        "  overwrite it: ch usage report --html mine.html --force\n",
      ].join("\n"),
    });
    expect(await Bun.file(page).text()).toBe("<p>my own page</p>");
    expect((await report("--html", "mine.html", "--force")).code).toBe(0);
    expect(await Bun.file(page).text()).toContain("codex-helper");
    expect((await report("--html", ".")).code).toBe(1);
    expect((await report()).code).toBe(2);
  });

  test("goes to standard output as -, with the bytes of the file", async () => {
    writeLog();
    await report("--html", "usage.html");
    const { code, stdout, stderr } = await report("--html", "-");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe(await Bun.file(join(home.path, "usage.html")).text());
    expect(existsSync(join(home.path, "-"))).toBe(false);
    // A file of that name has a path.
    expect((await report("--html", "./-")).stderr).toBe("wrote ./-\n");
  });

  test.each(["/dev/zero", "/dev/null", ".", "pipe", "to-a-device"])(
    "takes the place of no device, pipe or directory: %s",
    async (file) => {
      writeLog();
      expect(Bun.spawnSync(["mkfifo", join(home.path, "pipe")]).exitCode).toBe(0);
      symlinkSync("/dev/zero", join(home.path, "to-a-device"));
      for (const force of [[], ["--force"]]) {
        expect(await report("--html", file, ...force)).toEqual({
          code: 1,
          stdout: "",
          stderr: `error: ${file} is not a file\n  to standard output: ch usage report --html -\n`,
        });
      }
      expect(lstatSync(join(home.path, "pipe")).isFIFO()).toBe(true);
    },
  );

  test("agrees with the summary to the cent and to the token, by each of its groups", async () => {
    writeLog();
    const page = (await report("--html", "-", "--since", "2026-11-01")).stdout;
    const tables = page.split("<h2>").slice(1);
    for (const [title, by] of [
      ["By upstream", "upstream"],
      ["By model", "model"],
      ["By project", "project"],
      ["By session", "session"],
    ] as const) {
      const { stdout } = await runCli(["usage", "summary", "--by", by, "--json", "--since", "2026-11-01"], {
        home,
      });
      const summary: { rows: SummaryRow[]; total: SummaryRow } = JSON.parse(stdout);
      const table = tables.find((one) => one.startsWith(title)) ?? "";
      const lines = table.split("\n").filter((line) => line.startsWith("<tr>") || line.includes("<tfoot>"));
      for (const [index, { cost_usd: usd, requests, total_tokens: tokens }] of [
        ...summary.rows,
        summary.total,
      ].entries()) {
        expect(lines[index]).toContain(`<td>${requests}</td>`);
        expect(lines[index]).toContain(`title="${tokens.toLocaleString("en-US")}`);
        if (usd !== null && usd >= 0.01) expect(lines[index]).toContain(`<td>$${usd.toFixed(2)}`);
      }
      expect(summary.total.total_tokens).toBeGreaterThan(0);
    }
  });

  test("says that there is no data before, or that there were no requests", async () => {
    writeLog();
    const pageOf = async (...args: string[]): Promise<string> =>
      (await report("--html", "-", ...args)).stdout;
    const first = new Date(NOON - 86_400_000).toISOString().slice(0, 10);
    expect(await pageOf()).toContain(`The log has no data before ${first}`);
    const noon = "2026-11-22T12:00Z";
    // The log begins a day before.
    expect(await pageOf("--since", noon, "--until", "2026-11-23T12:00Z")).toContain(
      "Changes are against the span before, ",
    );
    expect(await pageOf("--since", noon, "--until", "2026-11-23T12:01Z")).toContain(
      `The log has no data before ${first}`,
    );
    const quiet = await pageOf("--since", noon, "--until", "2026-11-23T00:00Z");
    expect(quiet).toContain("No requests in the span before, ");
    expect(quiet).not.toContain("before: ");
  });

  test("speaks the language of the terminal", async () => {
    writeLog();
    await runCli(["usage", "report", "--html", "zh.html", "--claude", "--since", "2026-11-22"], {
      home,
      env: { LANG: "zh_CN.UTF-8" },
    });
    const text = await Bun.file(join(home.path, "zh.html")).text();
    expect(text).toContain('<html lang="zh">');
    expect(text).toContain("Claude Code，自 2026-11-22 起，至 ");
  });
});
