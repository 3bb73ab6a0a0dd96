import { expect, test } from "bun:test";
import { GOOD, reply } from "../helpers/answers.ts";
import { makeWordFinder } from "../helpers/ascii-words.ts";
import { PROGRAM, startCli } from "../helpers/cli.ts";
import { loadCommandPlaces } from "../helpers/command-table.ts";
import { hasChinese } from "../helpers/english-left.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { runInProcess } from "../helpers/in-process-cli.ts";
import { runAtTerminal } from "../helpers/pseudo-terminal.ts";
import { makeRollout, makeSessionId, putFile, rolloutPath } from "../helpers/session-files.ts";
import { makeTempHome, type TempHome } from "../helpers/temp-home.ts";

const ZH = { CODEX_HELPER_LANG: "zh", PATH: "/nowhere" };
const finder = await makeWordFinder();
/** Names that this file makes up: configs, a source of balances, relays of `ch demo`, and what an assistant said. */
const OWN = ["main", "quota", "local", "harbour", "lantern", "done"];

/** The English words of every screen that has some, by its command line. */
async function lookAt(home: TempHome, lines: readonly string[]): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const line of lines) {
    const { code, stderr, stdout } = await runInProcess(line.split(" "), home.env);
    const screen = stdout + stderr;
    const words = finder.list(screen, OWN);
    if (words.length > 0 || code === 70 || !hasChinese(screen)) found[line] = { words, screen };
  }
  return found;
}

const refuse = (status: number, code: string, headers: Record<string, string> = {}) =>
  reply({ status, headers, body: { error: { message: "no", code } } });

function configure(home: TempHome, origins: readonly string[], active = "main"): void {
  const upstreams = origins.map((origin, index) => ({
    base_url: `${origin}/v1`,
    auth: { auth_token: `sk-${index}${"0".repeat(20)}` },
  }));
  home.write(".codex-helper/config.json", {
    codex: {
      active,
      configs: {
        main: {
          alias: "主力",
          upstreams: [
            ...upstreams,
            { base_url: "http://127.0.0.1:9/v1", auth: { auth_token_env: "NO_SUCH_KEY" } },
            { base_url: "http://127.0.0.1:9/off", enabled: false },
          ],
        },
        甲方: { upstreams: [{ base_url: `${origins[0]}/v1` }] },
        quota: { upstreams: upstreams.slice(-1) },
      },
    },
    claude: { active: "官方", configs: { 官方: { upstreams: [{ base_url: "http://127.0.0.1:9" }] } } },
  });
  home.write(".codex-helper/usage_providers.json", {
    providers: [{ id: "local", kind: "sub2api_usage", domains: ["127.0.0.1"] }],
  });
  home.write(".codex/config.toml", 'model = "gpt-5"\n');
}

const WITH_PROXY = [
  "status",
  "routing explain",
  "routing explain --model gpt-5 --session s",
  "quota refresh",
  "quota",
  "switch status",
  "doctor --all",
  "usage tail",
  "usage find",
  "usage find --status 5xx",
  "usage summary",
  "usage summary --by upstream",
  "usage summary --by hour",
];
const WITHOUT_PROXY = [
  "status",
  "routing explain",
  "routing reset main#1",
  "routing reset --all",
  "switch on",
  "switch on --claude --port 4000",
  "switch status",
  "status",
  "switch off",
  "switch off --claude",
  "switch off",
  "filter check",
  "filter test",
  "default --claude",
  "default --codex",
  "doctor",
  "doctor --probe main#1",
  "quota",
  "config list",
  "config list --claude",
  "config show",
  "config show main#3",
  "config add 新的 --base-url http://127.0.0.1:9/five --auth-token-env FOO_KEY",
  "config add 新的 --append --base-url http://127.0.0.1:9/six --auth-token sk-aaaaaaaaaaaaaaaa",
  "config disable main#2 --until tomorrow",
  "config disable main#2",
  "config enable main#2",
  "config move main#2 --to 1",
  "config rename 新的 更新的",
  "config set-active 甲方",
  "config set-active main",
  "config remove 更新的",
  "config import --from codex",
  "config import --from cc-switch",
  "session list --all",
  "session last --all",
  "session show --all",
  "session search 你好 --all",
  "session search 没有 --all",
  "usage summary --by model",
  "usage report",
  "demo",
  "demo --fault reset",
  "demo --fault in-stream",
];
const WRONG = [
  "srve",
  "config",
  "config addd",
  "config add",
  "config add main",
  "config add 新 --base-url ftp://a.example",
  "config add main --base-url http://127.0.0.1:9/six",
  "config show nix",
  "config show main#9",
  "config move main#2",
  "config move main#2 --to x",
  "config disable main#2 --until never",
  "config import",
  "config import --from nix",
  "config import nothing.json",
  "config export --masked --with-keys",
  "completion",
  "completion tcsh",
  "completion names",
  "completion names x",
  "demo --fault x",
  "filter test nothing.json",
  "help nonsense",
  "routing reset",
  "routing reset main#9",
  "run",
  "run -- emacs",
  "run -- codex --oss",
  "serve --all --port 4000",
  "serve --port x",
  "serve --prot 4000",
  "session show 0",
  "session list --since never",
  "switch on --port 0",
  "usage",
  "usage show",
  "usage show nothing",
  "usage find --status zzz",
  "usage find --slower-than x",
  "usage tail --limit x",
  "--verison",
];

test("with a proxy, and with what it left behind, every word is Chinese but names and codes", async () => {
  await using spent = await startFakeUpstream(() => refuse(402, "insufficient_quota"));
  await using limited = await startFakeUpstream(() =>
    refuse(429, "rate_limit_exceeded", { "retry-after": "60" }),
  );
  await using broken = await startFakeUpstream(() => refuse(500, "server_error"));
  const balance = { isValid: true, quota: { limit: 20, remaining: 7.7, used: 12.3, unit: "USD" } };
  await using good = await startFakeUpstream(({ method }) =>
    method === "GET" ? reply({ body: balance }) : GOOD.responses(),
  );
  using home = makeTempHome(ZH);
  configure(home, [spent.origin, limited.origin, broken.origin, good.origin]);
  const at = Date.now() - 3_600_000;
  const session = { id: makeSessionId(at), cwd: home.path, at, prompts: ["你好"] };
  putFile(rolloutPath(home.paths.codexHome, session), makeRollout(session), at);
  const port = freePort();
  {
    await using serving = startCli(["serve", "--port", String(port)], { home });
    await serving.waitFor(/Ctrl\+C 停止/);
    const ask = async (): Promise<void> => {
      const body = '{"model":"gpt-5","stream":true,"input":[]}';
      await (await fetch(`http://127.0.0.1:${port}/v1/responses`, { method: "POST", body })).text();
    };
    // The first finds no upstream within the attempts that it has, the second the one that works.
    for (let count = 0; count < 4; count += 1) await ask();
    home.write(".codex-helper/filter.json", "[{}]");
    await ask();
    home.write(".codex-helper/filter.json", '[{ "op": "remove", "source": "t[0-9]+k", "regex": true }]');
    await serving.waitFor(/filter\.json/);
    expect(await lookAt(home, WITH_PROXY)).toEqual({});
    await serving.stop();
    expect(finder.list(serving.stderr(), OWN)).toEqual([]);
    expect(serving.stderr()).toContain("额度用尽");
  }
  const log = (await Bun.file(home.paths.requestsLog).text()).trim().split("\n");
  const ids = log.map((line) => (JSON.parse(line) as { readonly id: string }).id);
  expect(ids).toHaveLength(5);
  expect(
    await lookAt(
      home,
      ids.map((id) => `usage show ${id}`),
    ),
  ).toEqual({});
  expect(await lookAt(home, WITHOUT_PROXY)).toEqual({});
  expect(await lookAt(home, WRONG)).toEqual({});
  // On terminals of both widths the columns are aligned by the width of what is shown, and no line is too long.
  for (const columns of [80, 140]) {
    for (const line of ["status", "usage summary", "usage tail", "quota", "config list", "doctor --help"]) {
      const { screen } = await runAtTerminal([...PROGRAM, ...line.split(" ")], { home, columns });
      const rows = Bun.stripANSI(screen).split("\r\n");
      expect({ line, columns, words: finder.list(rows.join("\n"), OWN) }).toEqual({
        line,
        columns,
        words: [],
      });
      expect(rows.filter((row) => Bun.stringWidth(row) > columns)).toEqual([]);
    }
  }
}, 60_000);

test("the help of every command is Chinese", async () => {
  using home = makeTempHome(ZH);
  const lines = (await loadCommandPlaces()).map(({ line }) => `${line.slice("ch ".length)} --help`);
  expect(await lookAt(home, ["--help", ...lines])).toEqual({});
});

test("what is wrong with a file is said in Chinese", async () => {
  using home = makeTempHome(ZH);
  const lines = ["status", "doctor", "quota", "usage summary", "config list", "filter check", "serve"];
  const check = async (file: string, text: string): Promise<void> => {
    configure(home, ["http://127.0.0.1:9"]);
    const path = home.write(`.codex-helper/${file}`, text);
    const found = await lookAt(
      home,
      lines.filter((line) => line !== "serve" || file === "config.json"),
    );
    expect({ text, found }).toEqual({ text, found: {} });
    await Bun.file(path).delete();
  };
  for (const text of ['[{"model":"x"}]', "[{}]", "{"]) await check("prices.json", text);
  for (const text of ['[{"op":"replace","source":"a"}]', '[{"op":"x"}]', "["])
    await check("filter.json", text);
  for (const text of ['{"providers":[{"id":1}]}', "]"]) await check("usage_providers.json", text);
  for (const text of ['{"codex":{"configs":[]}}', '{"codex":1}', "{ x", '{"codex":{"active":"nix"}}'])
    await check("config.json", text);
});

test("an English word is found", () => {
  const listed = finder.list("main#1  429 error\n错误：nothing was sent, see ch status\n", OWN);
  expect(listed).toEqual(["error", "nothing", "was", "sent", "see"]);
});
