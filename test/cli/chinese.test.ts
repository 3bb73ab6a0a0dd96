import { expect, test } from "bun:test";
import { isListening } from "../../src/app/port-owner.ts";
import { GOOD, reply } from "../helpers/answers.ts";
import { PROGRAM, runCli } from "../helpers/cli.ts";
import { hasChinese, listEnglish } from "../helpers/english-left.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { runInProcess } from "../helpers/in-process-cli.ts";
import { runAtTerminal } from "../helpers/pseudo-terminal.ts";
import { makeRollout, makeSessionId, putFile, rolloutPath } from "../helpers/session-files.ts";
import { makeTempHome, type TempHome } from "../helpers/temp-home.ts";
import { waitUntil } from "../helpers/wait.ts";

const ZH = { LANG: "zh_CN.UTF-8" };
const SPENT = reply({ status: 402, body: '{"error":{"message":"no money"}}' });
const BROKEN = reply({ status: 500, body: '{"error":{"message":"no"}}' });

function furnish(home: TempHome, origin = "http://127.0.0.1:9"): void {
  home.write(".codex-helper/config.json", {
    codex: {
      active: "main",
      configs: {
        main: {
          upstreams: [
            { base_url: `${origin}/one`, auth: { auth_token: "sk-aaaaaaaaaaaaaaaaaaaa" } },
            { base_url: `${origin}/two` },
            { base_url: `${origin}/three`, auth: { auth_token_env: "NO_SUCH_KEY" } },
          ],
        },
        甲方中转站: { upstreams: [{ base_url: `${origin}/four`, enabled: false }] },
      },
    },
    claude: { active: "官方", configs: { 官方: { upstreams: [{ base_url: origin }] } } },
  });
  home.write(".codex/config.toml", 'model = "gpt-5"\n');
}

function writeRules(home: TempHome): void {
  home.write(".codex-helper/filter.json", [
    { op: "replace", source: "intranet.example.com", target: "[域名]" },
    { op: "remove", source: "t[0-9]+k", regex: true },
  ]);
}

const REQUEST = {
  method: "POST",
  path: "/v1/responses",
  config_name: "main",
  model: "gpt-5",
  duration_ms: 1200,
};
const PAYMENT = { rule: "payment-required", status: 402 };
const TIMEOUT = { rule: "first-byte-timeout" };
const LOG = [
  {
    ...REQUEST,
    status_code: 200,
    upstream_base_url: "http://127.0.0.1:9/one",
    usage: { input_tokens: 1000, output_tokens: 20, reasoning_tokens: 0, total_tokens: 1020 },
    id: "a1",
    outcome: "ok",
  },
  {
    ...REQUEST,
    status_code: 503,
    upstream_base_url: "http://127.0.0.1:9/two",
    id: "a2",
    outcome: "error",
    attempts: [
      {
        upstream_base_url: "http://127.0.0.1:9/one",
        status_code: 402,
        error: "402 payment required",
        reason: PAYMENT,
        verdict: "payment-required",
        duration_ms: 3,
      },
      {
        upstream_base_url: "http://127.0.0.1:9/two",
        error: "timed out",
        reason: TIMEOUT,
        verdict: "first-byte-timeout",
        duration_ms: 3,
      },
    ],
    error: "No upstream could answer Codex. main#1: 402 payment required. main#2: timed out.",
    reason: {
      rule: "no-answer",
      client: "Codex",
      stories: [
        { rule: "story", label: "main#1", cause: PAYMENT },
        { rule: "story", label: "main#2", cause: TIMEOUT },
      ],
    },
  },
  {
    ...REQUEST,
    status_code: 200,
    upstream_base_url: null,
    id: "a3",
    outcome: "cut",
    error: "the upstream cut the answer off",
    reason: { rule: "cut-reset" },
  },
];

/** A home with requests and a session in it. */
function fill(home: TempHome): void {
  furnish(home);
  const at = Date.now() - 3_600_000;
  const session = { id: makeSessionId(at), cwd: home.path, at, prompts: ["你好"] };
  putFile(rolloutPath(home.paths.codexHome, session), makeRollout(session), at);
  home.write(
    ".codex-helper/logs/requests.jsonl",
    LOG.map((entry) => JSON.stringify({ timestamp_ms: at, service: "codex", ...entry })).join("\n"),
  );
}

/** Screens that end by themselves, and what goes wrong. */
const SCREENS: readonly (readonly [line: string, code: number])[] = [
  ["demo", 0],
  ["switch on", 0],
  ["switch status", 0],
  ["switch off", 0],
  ["routing explain", 0],
  ["filter check", 0],
  ["filter test", 0],
  ["status", 0],
  ["run", 2],
];

test("every screen is Chinese but for names, codes and commands", async () => {
  using home = makeTempHome(ZH);
  furnish(home);
  writeRules(home);
  for (const [line, expected] of SCREENS) {
    const { code, stderr, stdout } = await runCli(line.split(" "), { home });
    const screen = stdout + stderr;
    expect({ line, code, english: listEnglish(screen) }).toEqual({ line, code: expected, english: [] });
    expect(hasChinese(screen)).toBe(true);
    // The turns of the demo: one column of figures, whatever stands before it.
    const widths = screen.match(/^.* ms$/gm)?.map((row) => Bun.stringWidth(row)) ?? [];
    expect(new Set(widths).size).toBe(line === "demo" ? 1 : 0);
    expect(screen.split("\n").filter((row) => Bun.stringWidth(row) > 80 && !row.startsWith("错误"))).toEqual(
      [],
    );
  }
}, 30_000);

/** What the other commands show of a home with requests and a session, and what they refuse. */
const OTHER_SCREENS: readonly string[] = [
  "switch off --claude",
  "switch on --codex --claude",
  "switch on --port 0",
  "routing explain --model gpt-5 --session s",
  "routing reset main#1",
  "routing reset",
  "routing reset main#9",
  "filter test nothing.json",
  "default --claude",
  "run -- emacs",
  "run -- codex --oss --json",
  "serve --all --port 4000",
  "status",
  "status --codex",
  "doctor",
  "quota",
  "config list",
  "config list --claude",
  "config show",
  "config show main#3",
  "config show nix",
  "config add new",
  "config add new --base-url ftp://a.example",
  "config add 新的 --base-url http://127.0.0.1:9/five --auth-token-env FOO",
  "config add main --base-url http://127.0.0.1:9/six",
  "config disable main#2",
  "config disable main#2 --until tomorrow",
  "config enable main#2",
  "config move main#2 --to 1",
  "config rename 新的 更新的",
  "config set-active 甲方中转站",
  "config set-active nix",
  "config remove 更新的",
  "config remove nix",
  "config import --from codex",
  "config import --from nobody",
  "session list --all",
  "session show --all 0",
  "session search 你好 --all",
  "session search nothing --all",
  "usage summary",
  "usage summary --by upstream",
  "usage summary --since never",
  "usage tail",
  "usage find",
  "usage find --status 5xx",
  "usage show nothing",
  "completion tcsh",
  "routing explain --claude",
  "srve",
  "serve --prot 4000",
  "config addd",
  "usage",
];

test("no other screen has an English sentence either", async () => {
  using home = makeTempHome(ZH);
  fill(home);
  const english: Record<string, string[]> = {};
  for (const line of OTHER_SCREENS) {
    const { code, stderr, stdout } = await runInProcess(line.split(" "), home.env);
    const screen = stdout + stderr;
    const found = listEnglish(screen);
    if (found.length > 0 || code === 70 || !hasChinese(screen)) english[line] = [...found, screen];
  }
  expect(english).toEqual({});
  expect(listEnglish("error: there is no config named main\n")).toEqual(["there is no config named main"]);
}, 30_000);

test("what is wrong with a rule is said in Chinese, with its place", async () => {
  using home = makeTempHome(ZH);
  home.write(".codex-helper/filter.json", '[\n  { "op": "replace", "source": "a" }\n]');
  const { code, stderr } = await runCli(["filter", "check"], { home });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `错误：~/.codex-helper/filter.json:2:11：规则 1 的 op："replace" 需要 target\n`,
  });
});

const JSON_LINES = [
  "switch status",
  "routing explain",
  "filter check",
  "filter test",
  "default",
  "status",
  "quota",
  "config list",
  "config show main#1",
  "session list --all",
  "usage summary",
  "usage find",
];

test("--json is the same in both languages", async () => {
  using home = makeTempHome();
  fill(home);
  writeRules(home);
  for (const line of JSON_LINES) {
    const words = [...line.split(" "), "--json"];
    const english = await runInProcess(words, { ...home.env, LANG: "C" });
    expect({ line, ...(await runInProcess(words, { ...home.env, ...ZH })) }).toEqual({ line, ...english });
    expect({ line, code: english.code }).toEqual({ line, code: 0 });
  }
});

test("a proxy in a Chinese terminal answers, logs and reports in English, and shows Chinese", async () => {
  await using upstream = await startFakeUpstream([GOOD.responses(), SPENT, GOOD.responses(), BROKEN]);
  using home = makeTempHome(ZH);
  furnish(home, upstream.origin);
  const port = freePort();
  const line = [...PROGRAM, "serve", "--no-switch", "--port", String(port)];
  const answers: string[] = [];
  const ask = async (): Promise<void> => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
      method: "POST",
      body: '{"model":"gpt-5","stream":true,"input":[]}',
    });
    answers.push(`${answer.status} ${await answer.text()}`);
  };
  const reports: string[] = [];
  const report = async (...words: readonly string[]): Promise<void> => {
    reports.push((await runCli([...words, "--json"], { home, env: { LANG: "C" } })).stdout);
  };
  const terminal = runAtTerminal(line, {
    home,
    columns: 120,
    type: { after: /Ctrl\+C[^]*改用 main#2[^]*400 已拒绝/, keys: "\u0003" },
  });
  await waitUntil(() => isListening(port));
  await Bun.write(home.paths.config, "{");
  await report("status");
  furnish(home, upstream.origin);
  await ask();
  await ask();
  await ask();
  await report("routing", "explain");
  home.write(".codex-helper/filter.json", "[{}]");
  await ask();
  const { screen } = await terminal;
  const log = await Bun.file(home.paths.requestsLog).text();
  expect(answers.map((text) => text.slice(0, 3))).toEqual(["200", "200", "503", "400"]);
  expect([...answers, ...reports, log].filter(hasChinese)).toEqual([]);
  expect(listEnglish(screen)).toEqual([]);
  // Values, attempts that were not made and upstreams that were not asked are told as in English.
  const unwrapped = Bun.stripANSI(screen).replace(/\s/g, "");
  expect(unwrapped).toMatch(
    /没有可用的上游：main#2✕500、main#3✕.+NO_SUCH_KEY|没有可用的上游：main#2✕500、main#3✕.+、main#1▲额度用尽/,
  );
  // What happened on its way is under the request.
  expect(Bun.stripANSI(screen)).toMatch(/^ {10}main#1 ▲ 额度用尽，至 .+（402 需要付费）、改用 main#2/m);
}, 15_000);
