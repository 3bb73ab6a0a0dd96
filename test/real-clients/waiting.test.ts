import { describe, expect, test } from "bun:test";
import { GOOD, reply } from "../helpers/answers.ts";
import { startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { runCli } from "../helpers/cli.ts";
import { waitUntil } from "../helpers/wait.ts";
import { runClaudePrint } from "../helpers/real-claude.ts";
import { runCodexExec } from "../helpers/real-codex.ts";

const WAIT = { settings: { on_all_exhausted: { wait: "6h" } } };
const limit = (secs: number) => ({
  codex: reply({ status: 429, body: { error: { type: "usage_limit_reached", resets_in_seconds: secs } } }),
  claude: reply({
    status: 429,
    headers: { "retry-after": String(secs) },
    body: { type: "error", error: { type: "rate_limit_error", message: "limit" } },
  }),
});

describe("a turn at the limit of all upstreams", () => {
  test("of Codex waits for the reset, and is answered", async () => {
    await using relay = await startFakeUpstream([limit(3).codex, GOOD.responses({ text: "at last" })]);
    await using proxy = await startConfiguredProxy({ codex: [relay], ...WAIT });
    const turn = await runCodexExec({ baseUrl: proxy.codexUrl });
    expect(turn).toMatchObject({ code: 0, stdout: expect.stringContaining("at last") });
    const entries = await proxy.logged();
    expect(entries.length).toBe(1);
    expect(entries[0]?.waited_ms).toBeGreaterThan(2_000);
  });

  test("of Claude Code waits for the reset, and is answered", async () => {
    await using relay = await startFakeUpstream([limit(3).claude, GOOD.messages({ text: "at last" })]);
    await using proxy = await startConfiguredProxy({ claude: [relay.origin], ...WAIT });
    const turn = await runClaudePrint({ baseUrl: proxy.claudeUrl });
    expect(turn).toMatchObject({ code: 0, stdout: expect.stringContaining("at last") });
    expect((await proxy.logged())[0]?.waited_ms).toBeGreaterThan(2_000);
  });

  test("ends with the ordinary answer when the wait is ended, and does not begin to wait anew", async () => {
    await using codex = await startFakeUpstream([limit(7_200).codex]);
    await using claude = await startFakeUpstream([limit(7_200).claude]);
    await using proxy = await startConfiguredProxy({ codex: [codex], claude: [claude.origin], ...WAIT });
    const turns = Promise.all([
      runCodexExec({ baseUrl: proxy.codexUrl }),
      runClaudePrint({ baseUrl: proxy.claudeUrl }),
    ]);
    const { home } = proxy;
    for (const flag of ["--codex", "--claude"])
      await waitUntil(
        async () => (await runCli(["routing", "wait", "--stop", flag], { home })).stdout === "ended: 1\n",
        { deadlineMs: 50_000, what: `a wait of ${flag}` },
      );
    for (const { code, stderr, stdout } of await turns) {
      expect(code).toBe(1);
      expect(stdout + stderr).toMatch(/usage limit|ch \(codex-helper\): No upstream could answer/i);
    }
  });
});
