// Our status line in the real Claude Code, from a person's point of view: it comes, follows a failover, and leaves nothing behind.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { GOOD, reply } from "../helpers/answers.ts";
import { runCli, startCli } from "../helpers/cli.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { startAtTerminal } from "../helpers/pseudo-terminal.ts";
import { claudeBinary } from "../helpers/real-claude.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

const SETTINGS = `{
  "statusLine": { "type": "command", "command": "echo 'my own line'", "padding": 0 },
  "env": { "ANTHROPIC_AUTH_TOKEN": "placeholder", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9" },
  "theme": "dark"
}
`;

test("the line of a session is there, tells of a failover, and is gone to the byte", async () => {
  let isSpent = false;
  await using first = await startFakeUpstream(() =>
    isSpent
      ? reply({ status: 402, body: { error: { message: "insufficient balance" } } })
      : GOOD.messages({ text: "from the first" }),
  );
  await using second = await startFakeUpstream(() => GOOD.messages({ text: "from the second" }));
  using home = makeTempHome({
    NO_PROXY: "127.0.0.1",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
  });
  const upstreams = [first, second].map(({ origin }) => ({ base_url: origin, auth: { auth_token: "sk-x" } }));
  home.write(".codex-helper/config.json", {
    version: 1,
    claude: { active: "main", configs: { main: { upstreams } } },
  });
  home.write(".claude.json", {
    hasCompletedOnboarding: true,
    theme: "dark",
    projects: { [home.path]: { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true } },
  });
  home.write(".claude/settings.json", SETTINGS);
  await using proxy = startCli(["serve", "--claude", "--port", `${freePort()}`], { home });
  await proxy.waitFor(/Ctrl\+C/);
  expect((await runCli(["statusline", "install"], { home })).code).toBe(0);
  const claude = { home, columns: 140 };
  {
    await using session = startAtTerminal([claudeBinary(), "say hi"], claude);
    await session.shows(/● from the first[^]*my own line\n *main#1 \| today \S+ \| session /);
    isSpent = true;
    session.type("again");
    await session.shows(/❯\sagain/);
    session.type("\r");
    await session.shows(/● from the second[^]*my own line\n *main#2 <- main#1 \| today \S+ \| session /);
  }
  expect((await runCli(["statusline", "uninstall"], { home })).code).toBe(0);
  {
    await using session = startAtTerminal([claudeBinary(), "say hi"], claude);
    await session.shows(/● from the second[^]*my own line/);
    expect(session.screen()).not.toContain("main#");
  }
  await proxy.stop("SIGINT");
  expect(readFileSync(home.paths.claudeSettings, "utf8")).toBe(SETTINGS);
});
