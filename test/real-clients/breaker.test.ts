import { describe, expect, test } from "bun:test";
import { GOOD, reply } from "../helpers/answers.ts";
import { startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { type FakeUpstream, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { runClaudePrint } from "../helpers/real-claude.ts";
import { runCodexExec } from "../helpers/real-codex.ts";

const TURNS = 8;
const THRESHOLD = 3;
const OPEN_SECS = 1;

const posts = ({ requests }: FakeUpstream): number[] =>
  requests.filter(({ method }) => method === "POST").map(({ at }) => at);

describe("a primary that stays broken gets what opens its breaker, and then at most one probe a pause", () => {
  const clients = [
    { service: "codex", good: GOOD.responses, run: runCodexExec, url: "codexUrl" },
    { service: "claude", good: GOOD.messages, run: runClaudePrint, url: "claudeUrl" },
  ] as const;
  for (const { good, run, service, url } of clients)
    test(`over turn after turn of ${service}`, async () => {
      await using primary = await startFakeUpstream([reply({ status: 500 })]);
      await using backup = await startFakeUpstream([good({ text: "from the backup" })]);
      await using proxy = await startConfiguredProxy({
        [service]: [primary, backup],
        settings: { routing: { open_secs: OPEN_SECS, open_max_secs: OPEN_SECS } },
      });
      for (let turn = 0; turn < TURNS; turn += 1)
        expect(await run({ baseUrl: proxy[url] })).toMatchObject({ code: 0, stdout: "from the backup\n" });
      const asked = posts(primary);
      expect(asked.length).toBeGreaterThanOrEqual(THRESHOLD);
      // From the one that opened it on, each waited for the pause to be over.
      const probes = asked.slice(THRESHOLD - 1);
      for (const [n, at] of probes.slice(1).entries())
        expect(at - (probes[n] ?? 0)).toBeGreaterThanOrEqual(OPEN_SECS * 1000 - 50);
      expect(posts(backup).length).toBe(TURNS);
      const lines = (await proxy.logged(TURNS)).filter(({ method }) => method === "POST");
      expect(lines.filter(({ outcome }) => outcome === "ok").length).toBe(TURNS);
      expect(lines.length).toBe(TURNS);
    }, 60_000);
});
