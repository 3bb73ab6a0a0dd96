import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { GOOD, reply } from "../../helpers/answers.ts";
import { runCli } from "../../helpers/cli.ts";
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

test("without a proxy it says so, and nothing else", async () => {
  using home = makeTempHome();
  expect(await runCli(["statusline"], { home })).toEqual({
    code: 0,
    stdout: "ch is not running\n",
    stderr: "",
  });
});
