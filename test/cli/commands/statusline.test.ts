import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, readFileSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { GOOD, reply } from "../../helpers/answers.ts";
import { PROGRAM, runCli } from "../../helpers/cli.ts";
import { type RunningProxy, startConfiguredProxy } from "../../helpers/configured-proxy.ts";
import { type FakeUpstream, startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { makeTempHome } from "../../helpers/temp-home.ts";
import { waitUntil } from "../../helpers/wait.ts";

const SESSION = "8f98890e-0c03-4035-a7bd-9650c510b36a";
const INPUT = JSON.stringify({
  session_id: SESSION,
  model: { display_name: "Opus 5.5" },
  context_window: { used_percentage: 43 },
});
const SPENT = reply({ status: 402, body: { error: { message: "insufficient balance" } } });

describe("the line of a session after a failover", () => {
  let relays: readonly FakeUpstream[] = [];
  let proxy: RunningProxy;
  beforeAll(async () => {
    relays = await Promise.all([
      startFakeUpstream([GOOD.messages(), SPENT]),
      startFakeUpstream(() => GOOD.messages()),
    ]);
    proxy = await startConfiguredProxy({ claude: relays });
    for (const turn of [1, 2]) {
      const body = {
        model: "claude-opus-4-8",
        stream: true,
        max_tokens: 9,
        messages: [{ role: "user", content: `${turn}` }],
      };
      const answer = await fetch(`${proxy.claudeUrl}/v1/messages`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-claude-code-session-id": SESSION },
        body: JSON.stringify(body),
      });
      await answer.text();
    }
  });
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    for (const relay of relays) await relay[Symbol.asyncDispose]();
  });
  const show = (args: readonly string[], input: string, env: Record<string, string> = {}) =>
    runCli(["statusline", ...args], { home: proxy.home, stdin: input, env });

  test("says where it is, where it came from, what it cost and what Claude Code pipes in", async () => {
    // The first to ask for a session does not wait until the log is read.
    const { code, stderr, stdout } = await waitUntil(async () => {
      const shown = await show(["--plain"], INPUT, { COLUMNS: "200" });
      return shown.stdout.includes("cached") ? shown : null;
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^main#2 <- main#1 \| today \S+ \| session \S+ \| 83 % cached \| 43 % context\n$/);
  });

  test.each(["10", "24", "38", "80"])("is never wider than %s columns", async (columns) => {
    const { stdout } = await show(["--plain"], INPUT, { COLUMNS: columns });
    expect(Bun.stringWidth(stdout.trimEnd())).toBeLessThanOrEqual(Number(columns));
  });

  test.each(["garbage{{{", "{}", "[]", "x".repeat(300_000)])(
    "prints no error for other input",
    async (input) => {
      const { code, stderr, stdout } = await show(["--plain", "--claude"], input);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toStartWith("main#2");
    },
  );

  test("shows the fields of a format, and leaves out what there is not", async () => {
    const { stdout } = await show(["--plain", "--format", "m {model}, {bogus}, {upstream}"], INPUT);
    expect(stdout).toBe("m Opus 5.5, main#2 <- main#1\n");
  });

  test("goes behind the lines of another command, whose failure harms nothing", async () => {
    const { stdout } = await show(["--plain", "--format", "{model}", "--wrap", "echo theirs; wc -c"], INPUT);
    expect(stdout).toMatch(new RegExp(`^theirs\\n *${INPUT.length}\\nOpus 5.5\\n$`));
    expect((await show(["--plain", "--format", "{model}", "--wrap", "echo no; exit 3"], INPUT)).stdout).toBe(
      "Opus 5.5\n",
    );
  });

  test("is that of ch status --short", async () => {
    const [one, other] = await Promise.all([
      runCli(["status", "--short", "--claude"], { home: proxy.home }),
      runCli(["statusline", "show", "--claude"], { home: proxy.home }),
    ]);
    expect(one).toEqual(other);
  });
});

describe("installed in Claude Code", () => {
  const MINE =
    '{\n  "statusLine": { "type": "command", "command": "wc -c; echo \'it is\' mine" },\n  "model": "opus"\n}\n';
  const asAnyone =
    process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"] : [];

  test("it runs as Claude Code runs it, behind the line that was there, and goes without a trace", async () => {
    using home = makeTempHome();
    const file = home.write(".claude/settings.json", MINE);
    const run = (...args: string[]) => runCli(["statusline", ...args], { home });
    expect(await run("install")).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("  your own status line stays: its lines come first"),
    });
    const installed = readFileSync(file, "utf8");
    const { statusLine } = JSON.parse(installed) as { statusLine: { command: string } };
    const shown = Bun.spawnSync(["/bin/sh", "-c", statusLine.command], {
      env: home.env,
      stdin: new TextEncoder().encode(INPUT),
    });
    // By the name that the file has which was written.
    expect(Bun.stripANSI(shown.stdout.toString()).trimStart().replace("codex-helper is", "ch is")).toBe(
      `${INPUT.length}\nit is mine\nch is not running | 43 % context\n`,
    );
    expect((await run("install", "--claude")).stderr).toBe(
      "~/.claude/settings.json already has the status line\n",
    );
    expect(readFileSync(file, "utf8")).toBe(installed);
    expect((await run("uninstall")).stderr).toBe("restored in ~/.claude/settings.json: statusLine\n");
    expect(readFileSync(file, "utf8")).toBe(MINE);
    expect((await run("uninstall")).stderr).toBe(
      "no status line of ch is in ~/.claude/settings.json, which is unchanged\n",
    );
  });

  test.each([
    [0o400, "settings.json", "  chmod u+w "],
    [0o400, "store", '  where it is made: statusLine.command = "'],
  ])("a file that may not be written stays as it is: %o %s", async (mode, name, hint) => {
    using home = makeTempHome();
    const file = join(home.path, ".claude/settings.json");
    const made = home.write(`.claude/${name}`, MINE);
    chmodSync(made, mode);
    if (made !== file) symlinkSync(made, file);
    const { code, stderr } = await runCli(["statusline", "install"], {
      home,
      program: [...asAnyone, ...PROGRAM],
    });
    expect({ code, text: readFileSync(made, "utf8") }).toEqual({ code: 1, text: MINE });
    expect(stderr).toContain(hint);
    expect(stderr).not.toContain("is mine");
    expect(readdirSync(home.paths.run).filter((one) => one.startsWith("statusline-"))).toEqual([]);
  });

  test("it is told where Claude Code would not show it", async () => {
    using home = makeTempHome();
    home.write(".claude/settings.json", { disableAllHooks: true });
    const { code, stderr } = await runCli(["statusline", "install"], { home });
    expect({ code, first: stderr.split("\n")[0] }).toEqual({
      code: 0,
      first: "warning: disableAllHooks is on: Claude Code shows no status line until it is removed",
    });
  });

  test("only a client that shows lines of others has it", async () => {
    using home = makeTempHome();
    const { code, stderr } = await runCli(["statusline", "install", "--codex"], { home });
    expect({ code, stderr }).toEqual({ code: 1, stderr: "error: Codex shows no line of another program\n" });
  });
});

describe("where the proxy has stopped", () => {
  test("the line says what it knew last", async () => {
    await using relay = await startFakeUpstream(() => GOOD.messages());
    await using proxy = await startConfiguredProxy({ claude: [relay], codex: [relay] });
    // Where nobody asked and no request came, nothing is kept.
    for (const flag of ["--claude", "--codex"]) await runCli(["statusline", flag], { home: proxy.home });
    await proxy.stop();
    for (const flag of ["--claude", "--codex"])
      expect((await runCli(["statusline", flag], { home: proxy.home })).stdout).toBe(
        "ch is not running (last main#1)\n",
      );
  });

  test.each([
    "{{",
    "[]",
    '{"line":[]}',
    '{"line":{"codex":5}}',
    '{"line":{"codex":{"at_ms":1}}}',
    '{"line":{"codex":{"at_ms":1e300,"label":"a#1"}}}',
  ])("nothing is believed of state.json: %s", async (text) => {
    using home = makeTempHome();
    home.write(".codex-helper/state.json", text);
    expect(await runCli(["statusline"], { home })).toEqual({
      code: 0,
      stdout: "ch is not running\n",
      stderr: "",
    });
  });

  test("but what is sound in it, without what has ended since", async () => {
    using home = makeTempHome();
    const left = { left: 3, unit: "USD", resets_at_ms: 5, read_at_ms: 1, limit: null, state: "ok" };
    const line = { at_ms: 1, label: "甲#1", left, budget: { share: 0.5, until_ms: 5 } };
    home.write(".codex-helper/state.json", {
      line: { codex: line, claude: { ...line, left: {}, label: "b#2" } },
    });
    const show = async (flag: string) => (await runCli(["statusline", flag], { home })).stdout;
    expect(await show("--codex")).toBe("ch is not running (last 甲#1)\n");
    expect(await show("--claude")).toBe("ch is not running (last b#2)\n");
  });
});

test("without a proxy it says so, and nothing else", async () => {
  using home = makeTempHome();
  expect(await runCli(["statusline"], { home })).toEqual({
    code: 0,
    stdout: "ch is not running\n",
    stderr: "",
  });
});
