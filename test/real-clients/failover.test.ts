import { describe, expect, test } from "bun:test";
import { GOOD, reply } from "../helpers/answers.ts";
import { type Answer, type FakeUpstream, RESET, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { runClaudePrint } from "../helpers/real-claude.ts";
import { runCodexExec } from "../helpers/real-codex.ts";

const posts = (upstream: FakeUpstream): string[] =>
  upstream.requests.filter(({ method }) => method === "POST").map(({ target }) => target);
/** A port that was free a moment ago. */
async function closedUpstream(): Promise<FakeUpstream> {
  const upstream = await startFakeUpstream([]);
  await upstream.close();
  return upstream;
}

describe("through the proxy", () => {
  test("Codex and Claude Code answer at the same time", async () => {
    await using codexRelay = await startFakeUpstream([GOOD.responses({ text: "hello Codex" })]);
    await using claudeRelay = await startFakeUpstream([GOOD.messages({ text: "hello Claude" })]);
    await using proxy = await startConfiguredProxy({ codex: [codexRelay], claude: [claudeRelay] });
    const [codex, claude] = await Promise.all([
      runCodexExec({ baseUrl: proxy.codexUrl }),
      runClaudePrint({ baseUrl: proxy.claudeUrl }),
    ]);
    expect(codex).toMatchObject({ code: 0, stdout: "hello Codex\n" });
    expect(claude).toMatchObject({ code: 0, stdout: "hello Claude\n" });
    expect(posts(codexRelay)).toEqual(["/v1/responses"]);
    expect(posts(claudeRelay)).toEqual(["/v1/messages?beta=true"]);
    const lines = await proxy.logged(2);
    const byService = new Map(lines.map((line) => [line.service, line]));
    expect(byService.get("codex")).toMatchObject({ status_code: 200, outcome: "ok" });
    expect(byService.get("claude")).toMatchObject({ status_code: 200, outcome: "ok" });
  });

  const faults: readonly [string, () => Promise<FakeUpstream>, number][] = [
    ["answers 500", () => startFakeUpstream([reply({ status: 500 })]), 1],
    ["answers 429 without a Retry-After", () => startFakeUpstream([reply({ status: 429 })]), 1],
    ["refuses the connection", closedUpstream, 0],
    ["resets the connection before any header", () => startFakeUpstream([[RESET] satisfies Answer]), 1],
  ];
  for (const [what, startPrimary, seen] of faults) {
    test(`a turn of each client succeeds from the backup when the primary ${what}`, async () => {
      await using codexPrimary = await startPrimary();
      await using claudePrimary = await startPrimary();
      await using codexBackup = await startFakeUpstream([GOOD.responses({ text: "from the backup" })]);
      await using claudeBackup = await startFakeUpstream([GOOD.messages({ text: "from the backup" })]);
      await using proxy = await startConfiguredProxy({
        codex: [codexPrimary, codexBackup],
        claude: [claudePrimary, claudeBackup],
      });
      const [codex, claude] = await Promise.all([
        runCodexExec({ baseUrl: proxy.codexUrl }),
        runClaudePrint({ baseUrl: proxy.claudeUrl }),
      ]);
      expect(codex).toMatchObject({ code: 0, stdout: "from the backup\n" });
      expect(claude).toMatchObject({ code: 0, stdout: "from the backup\n" });
      // One line a request of the client: it asked once, and so did we at each upstream.
      const lines = (await proxy.logged(2)).filter(({ method }) => method === "POST");
      expect(lines.map(({ attempts, outcome }) => [outcome, attempts?.length])).toEqual([
        ["ok", 2],
        ["ok", 2],
      ]);
      expect([codexPrimary, claudePrimary].map((primary) => posts(primary).length)).toEqual([seen, seen]);
      expect([codexBackup, claudeBackup].map((backup) => posts(backup).length)).toEqual([1, 1]);
    });
  }
});
