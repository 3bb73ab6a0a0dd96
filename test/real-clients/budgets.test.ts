import { expect, test } from "bun:test";
import { GOOD } from "../helpers/answers.ts";
import { startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { type FakeUpstream, type ReceivedRequest, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { runClaudePrint } from "../helpers/real-claude.ts";
import { runCodexExec } from "../helpers/real-codex.ts";

/** The 30 tokens of a fake answer cost 30 cents, and what is read costs nothing. */
const PRICES = [{ model: "*", input: 0, output: 10_000 }];

const answer =
  (text: string) =>
  ({ target }: ReceivedRequest) =>
    target.includes("/messages") ? GOOD.messages({ text }) : GOOD.responses({ text });
const turnsOf = ({ requests }: FakeUpstream): number =>
  requests.filter(({ method, target }) => method === "POST" && !target.includes("count_tokens")).length;

async function startDesk(budget: object) {
  const first = await startFakeUpstream(answer("from the first"));
  const second = await startFakeUpstream(answer("from the second"));
  const upstreams = [
    { base_url: first.baseUrl, auth: { auth_token: "sk-1" }, budget },
    { base_url: second.baseUrl, auth: { auth_token: "sk-2" } },
  ];
  const proxy = await startConfiguredProxy({
    codex: upstreams,
    claude: upstreams,
    usageProviders: { providers: [] },
    prices: PRICES,
  });
  return {
    first,
    second,
    run: {
      codex: () => runCodexExec({ baseUrl: proxy.codexUrl }),
      claude: () => runClaudePrint({ baseUrl: proxy.claudeUrl }),
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await first[Symbol.asyncDispose]();
      await second[Symbol.asyncDispose]();
    },
  };
}

const SPENT_BY_ONE = { usd: 0.3, per: "day" };

test.concurrent.each(["codex", "claude"] as const)(
  "%s goes on at the next upstream when a budget is spent, and is not stopped where it is only told of it",
  async (client) => {
    for (const [on_spent, then] of [
      ["next", "from the second\n"],
      ["warn", "from the first\n"],
    ] as const) {
      await using desk = await startDesk({ ...SPENT_BY_ONE, on_spent });
      expect((await desk.run[client]()).stdout).toBe("from the first\n");
      const before = turnsOf(desk.first);
      const { code, stdout } = await desk.run[client]();
      expect([code, stdout]).toEqual([0, then]);
      if (on_spent === "next") expect(turnsOf(desk.first)).toBe(before);
      else expect(turnsOf(desk.second)).toBe(0);
    }
  },
  120_000,
);

test.concurrent.each([
  ["codex", /hit your usage limit.*try again at/s],
  ["claude", /your budget for main#1.*ch budget lift claude:main#1 --for 1h/s],
] as const)(
  "%s is told the truth once, and asks no more, when a budget is spent that ends the request",
  async (client, says) => {
    await using desk = await startDesk({ ...SPENT_BY_ONE, on_spent: "stop" });
    expect((await desk.run[client]()).stdout).toBe("from the first\n");
    const before = turnsOf(desk.first);
    const { code, stderr, stdout } = await desk.run[client]();
    expect(code).not.toBe(0);
    expect(stdout + stderr).toMatch(says);
    expect([turnsOf(desk.first), turnsOf(desk.second)]).toEqual([before, 0]);
  },
  120_000,
);

test("ten sub-agents at once with a budget for three answers: at most four are served, and none elsewhere", async () => {
  await using desk = await startDesk({ usd: 0.9, per: "day", on_spent: "stop" });
  const all = await Promise.all(Array.from({ length: 10 }, () => desk.run.codex()));
  const served = all.filter(({ stdout }) => stdout === "from the first\n").length;
  expect(served).toBeGreaterThanOrEqual(3);
  expect(served).toBeLessThanOrEqual(4);
  expect(turnsOf(desk.first)).toBe(served);
  expect(turnsOf(desk.second)).toBe(0);
}, 180_000);
