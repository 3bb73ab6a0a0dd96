import { expect, test } from "bun:test";
import { isListening } from "../../src/app/switch-report.ts";
import { GOOD, reply } from "../helpers/answers.ts";
import { PROGRAM, runCli } from "../helpers/cli.ts";
import { hasChinese, listEnglish } from "../helpers/english-left.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { runAtTerminal } from "../helpers/pseudo-terminal.ts";
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
            { base_url: "https://relay.example/v1", auth: { auth_token_env: "NO_SUCH_KEY" } },
          ],
        },
        甲方中转站: { upstreams: [{ base_url: "https://other.example/v1", enabled: false }] },
      },
    },
    claude: { active: "官方", configs: { 官方: { upstreams: [{ base_url: "https://api.example" }] } } },
  });
  home.write(".codex/config.toml", 'model = "gpt-5"\n');
}

function writeRules(home: TempHome): void {
  home.write(".codex-helper/filter.json", [
    { op: "replace", source: "intranet.example.com", target: "[域名]" },
    { op: "remove", source: "t[0-9]+k", regex: true },
  ]);
}

/** Screens that end by themselves, and what goes wrong. */
const SCREENS: readonly (readonly [line: string, code: number])[] = [
  ["demo", 0],
  ["switch on", 0],
  ["switch status", 0],
  ["switch off", 0],
  ["switch off --claude", 0],
  ["switch on --codex --claude", 2],
  ["switch on --port 0", 2],
  ["routing explain", 0],
  ["routing explain --model gpt-5 --session s", 0],
  ["routing reset main#1", 0],
  ["routing reset", 2],
  ["routing reset main#9", 1],
  ["filter check", 0],
  ["filter test", 0],
  ["filter test nothing.json", 1],
  ["default --claude", 0],
  ["run", 2],
  ["run -- emacs", 2],
  ["run -- codex --oss", 1],
  ["serve --all --port 4000", 2],
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
    expect(screen.split("\n").filter((row) => Bun.stringWidth(row) > 80 && !row.startsWith("错误"))).toEqual(
      [],
    );
  }
}, 30_000);

test("what is wrong with a rule is said in Chinese, with its place", async () => {
  using home = makeTempHome(ZH);
  const path = home.write(".codex-helper/filter.json", '[\n  { "op": "replace", "source": "a" }\n]');
  const { code, stderr } = await runCli(["filter", "check"], { home });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `错误：${path}:2:11: 规则 1 的 op："replace" 需要 target\n`,
  });
});

test.each(["switch status", "routing explain", "filter check", "filter test", "default", "status"])(
  "%s --json is the same in both languages",
  async (line) => {
    using home = makeTempHome();
    furnish(home);
    writeRules(home);
    const [english, chinese] = await Promise.all(
      [{ LANG: "C" }, ZH].map((env) => runCli([...line.split(" "), "--json"], { home, env })),
    );
    expect(chinese).toEqual(english ?? expect.anything());
    expect(chinese?.code).toBe(0);
  },
);

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
    columns: 80,
    type: { after: /Ctrl\+C[^]*-> main#2[^]*400 refused/, keys: "\u0003" },
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
  expect(screen).toContain("402 需要付费");
}, 15_000);
