import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { chunk, EVENT_STREAM, GOOD, head, LAST_CHUNK, responsesEvents } from "../helpers/answers.ts";
import { runCli, startCli } from "../helpers/cli.ts";
import { type FakeUpstream, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { makeTempHome, type TempHome } from "../helpers/temp-home.ts";
import { waitUntil } from "../helpers/wait.ts";

/** The 30 tokens of a fake answer cost 30 cents. */
const PRICES = [{ model: "*", input: 0, output: 10_000 }];

function configure(home: TempHome, upstream: FakeUpstream, budget: object): void {
  const entry = { base_url: upstream.baseUrl, auth: { auth_token: "sk-1" }, budget };
  home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams: [entry] } } } });
  home.write(".codex-helper/usage_providers.json", { providers: [] });
  home.write(".codex-helper/prices.json", PRICES);
}

async function startServe(home: TempHome) {
  const cli = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  const [, port = ""] = await cli.waitFor(/on http:\/\/127\.0\.0\.1:(\d+)/);
  return { cli, url: `http://127.0.0.1:${port}/v1/responses` };
}

async function ask(url: string, session?: string): Promise<number> {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "user-agent": "codex_exec/0.171.0",
      ...(session === undefined ? {} : { session_id: session }),
    },
    body: JSON.stringify({ model: "gpt-5", stream: true, input: [] }),
  });
  await response.text();
  return response.status;
}

interface Listed {
  readonly used: number;
  readonly held: number;
  readonly estimated_answers: number;
}

async function readBudget(home: TempHome): Promise<Listed> {
  const { stdout } = await runCli(["budget", "list", "--json"], { home });
  const { budgets } = JSON.parse(stdout) as { budgets: Listed[] };
  return budgets[0] ?? { used: Number.NaN, held: Number.NaN, estimated_answers: Number.NaN };
}

const served = (statuses: readonly number[]): number => statuses.filter((status) => status === 200).length;

test.each([
  ["dollars", { usd: 1.5, per: "day" }],
  ["answers", { requests: 5, per: "5h" }],
])(
  "three proxies at one home serve thirty requests at once as one would: five, by a budget in %s",
  async (_, budget) => {
    await using upstream = await startFakeUpstream(() => GOOD.responses());
    using home = makeTempHome();
    configure(home, upstream, budget);
    const proxies = await Promise.all([startServe(home), startServe(home), startServe(home)]);
    const statuses = await Promise.all(
      proxies.flatMap(({ url }, place) =>
        Array.from({ length: 10 }, (__, index) => ask(url, `${place}-${index}`)),
      ),
    );
    expect(served(statuses)).toBe(5);
    expect(upstream.requests).toHaveLength(5);
    const { held, used } = await readBudget(home);
    expect([held, Number(used.toFixed(6))]).toEqual([0, "usd" in budget ? 1.5 : 5]);
    for (const { cli } of proxies) await cli.stop("SIGTERM");
  },
);

test("what a killed proxy had in flight stays counted, for those that run and those that come", async () => {
  let isHeld = true;
  const gate = Promise.withResolvers<void>();
  await using upstream = await startFakeUpstream(() =>
    isHeld
      ? (async function* () {
          yield head(200, EVENT_STREAM);
          await gate.promise;
          for (const event of responsesEvents()) yield chunk(event);
          yield LAST_CHUNK;
        })()
      : GOOD.responses(),
  );
  using home = makeTempHome();
  configure(home, upstream, { requests: 4, per: "day" });
  const killed = await startServe(home);
  const other = await startServe(home);
  const lost = [1, 2].map((index) => ask(killed.url, `lost-${index}`).catch(() => 0));
  await upstream.gotRequest(2);
  expect(await readBudget(home)).toMatchObject({ used: 0, held: 2 });
  killed.cli.child.kill("SIGKILL");
  await killed.cli.child.exited;
  gate.resolve();
  await Promise.all(lost);
  isHeld = false;
  const statuses = await Promise.all(Array.from({ length: 6 }, (_, index) => ask(other.url, `s${index}`)));
  expect(served(statuses)).toBe(2);
  expect(await readBudget(home)).toMatchObject({ used: 4, held: 0, estimated_answers: 2 });
  await other.cli.stop("SIGTERM");
  // Nor does a rotated log, or a proxy that starts anew, forget it.
  rmSync(home.paths.logs, { recursive: true, force: true });
  const last = await startServe(home);
  expect(await ask(last.url)).toBe(429);
  expect(upstream.requests).toHaveLength(4);
  await last.cli.stop("SIGTERM");
});

test("far from its limit a budget counts what each proxy did, and nothing is left held", async () => {
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  using home = makeTempHome();
  configure(home, upstream, { requests: 100_000, per: "day" });
  const proxies = await Promise.all([startServe(home), startServe(home)]);
  const statuses = await Promise.all(
    proxies.flatMap(({ url }) => Array.from({ length: 20 }, (_, index) => ask(url, `s${index % 3}`))),
  );
  expect(served(statuses)).toBe(40);
  const { held, used } = await waitUntil(async () => {
    const listed = await readBudget(home);
    return listed.held === 0 ? listed : null;
  });
  expect([held, used]).toEqual([0, 40]);
  for (const { cli } of proxies) await cli.stop("SIGTERM");
});
