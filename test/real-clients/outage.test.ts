import { describe, expect, test } from "bun:test";
import { reply } from "../helpers/answers.ts";
import { startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { type Outage, surviveOutage } from "../helpers/outage.ts";
import { claudeBinary, runClaudePrint } from "../helpers/real-claude.ts";
import { codexBinary, runCodexExec } from "../helpers/real-codex.ts";

/** A row of each client out of what `bun bench/outage.ts` runs at full length. */
const ROWS: readonly Outage[] = [
  {
    service: "codex",
    binary: codexBinary(),
    mode: "print",
    through: "serve",
    manners: ["429", "refused"],
    outageMs: 4_000,
  },
  {
    service: "claude",
    binary: claudeBinary(),
    mode: "interactive",
    through: "run",
    manners: ["529"],
    // It shows no words before its third try.
    outageMs: 8_000,
  },
];

describe("a turn survives an outage of all upstreams", () => {
  test.each(ROWS)(
    "$service, $mode, through `ch $through`",
    async (outage) => {
      const seen = await surviveOutage(outage);
      expect(seen.survived, seen.screen.slice(-2_000)).toBe(true);
      if (outage.mode === "print") expect(seen.code).toBe(0);
      else expect(seen.isTold, seen.screen.slice(-4_000)).toBe(true);
      expect(seen.tries).toBeGreaterThan(1);
    },
    120_000,
  );
});

describe("what waiting does not help ends the turn at once, with the reason", () => {
  const NO_KEY = { base_url: "http://127.0.0.1:9/v1", auth: { auth_token_env: "NO_SUCH_KEY" } };
  test("no key", async () => {
    await using proxy = await startConfiguredProxy({ codex: [NO_KEY], claude: [NO_KEY] });
    const [codex, claude] = await Promise.all([
      runCodexExec({ baseUrl: proxy.codexUrl }),
      runClaudePrint({ baseUrl: proxy.claudeUrl }),
    ]);
    const told = /ch \(codex-helper\): No upstream could answer \w.*main#1: .*NO_SUCH_KEY/;
    expect(codex).toMatchObject({ code: 1, stderr: expect.stringMatching(told) });
    expect(claude).toMatchObject({ code: 1, stdout: expect.stringMatching(told) });
    const statuses = (await proxy.logged(2)).map(({ service, status_code }) => [service, status_code]);
    expect(statuses.length).toBe(2);
    expect(Object.fromEntries(statuses)).toEqual({ codex: 400, claude: 403 });
  });

  test("a quota that is spent, also while it is looked at again", async () => {
    const spent = reply({ status: 402, body: { error: { message: "insufficient balance" } } });
    await using relay = await startFakeUpstream([spent]);
    const upstreams = [relay, { base_url: relay.baseUrl, auth: { auth_token: "sk-another" } }];
    await using proxy = await startConfiguredProxy({ codex: upstreams, claude: upstreams });
    for (const _ of ["asked", "not asked"]) {
      const [codex, claude] = await Promise.all([
        runCodexExec({ baseUrl: proxy.codexUrl }),
        runClaudePrint({ baseUrl: proxy.claudeUrl }),
      ]);
      const told = /ch \(codex-helper\): No upstream could answer \w.*main#1: .*main#2: /;
      expect(codex).toMatchObject({ code: 1, stderr: expect.stringMatching(told) });
      expect(claude).toMatchObject({ code: 1, stdout: expect.stringMatching(told) });
    }
    // One each, twice.
    expect((await proxy.logged(4)).length).toBe(4);
  });
});
