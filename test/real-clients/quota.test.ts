import { expect, test } from "bun:test";
import { askInstance, tellInstance, instanceSchema } from "../../src/app/ask-instance.ts";
import { readInstances } from "../../src/state/instances.ts";
import { GOOD, reply } from "../helpers/answers.ts";
import { makeClientHome } from "../helpers/client-process.ts";
import { type RunningProxy, startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { type FakeUpstream, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { requireInstance } from "../helpers/instance.ts";
import { runCodexExec } from "../helpers/real-codex.ts";
import { waitUntil } from "../helpers/wait.ts";

const EXEC = ["exec", "--skip-git-repo-check"];

function startRelay(name: string, left: () => number): Promise<FakeUpstream> {
  return startFakeUpstream(({ target }) =>
    target.startsWith("/v1/usage")
      ? reply({ body: { isValid: true, quota: { limit: 10, used: 10 - left(), remaining: left() } } })
      : GOOD.responses({ text: name }),
  );
}

const turnsOf = (relay: FakeUpstream): number =>
  relay.requests.filter(({ method }) => method === "POST").length;

async function standingsOf({ home, ports }: RunningProxy): Promise<string[]> {
  const instance = await requireInstance(home.paths.run, ports.codex);
  const facts = instanceSchema.parse(await askInstance(instance, "status"));
  return facts.upstreams.map(({ standing }) => standing);
}

test("Codex goes on at the backup when a reading runs out, without a failed attempt, and back when it recovers", async () => {
  let left = 10;
  await using primary = await startRelay("from the primary", () => left);
  await using backup = await startRelay("from the backup", () => 10);
  await using proxy = await startConfiguredProxy({
    codex: [primary, backup],
    usageProviders: {
      providers: [{ id: "relays", kind: "sub2api_usage", domains: ["127.0.0.1"], poll_interval_secs: 60 }],
    },
  });
  const read = async (): Promise<void> => {
    for (const instance of await readInstances(proxy.home.paths.run)) await tellInstance(instance, "refresh");
  };
  using home = makeClientHome();
  const baseUrl = proxy.codexUrl;
  const turn = async (args: readonly string[] = EXEC): Promise<{ text: string; session: string }> => {
    const { code, stderr, stdout } = await runCodexExec({ baseUrl, home, args });
    expect(code).toBe(0);
    return { text: stdout.trim(), session: /session id: (\S+)/.exec(stderr)?.[1] ?? "" };
  };
  // The first reading comes by itself, with the start.
  await waitUntil(() => primary.requests.length > 0);

  const first = await turn();
  expect(first.text).toBe("from the primary");

  left = 0;
  await read();
  expect(await standingsOf(proxy)).toEqual(["exhausted", "ok"]);
  expect(await turn([...EXEC, "resume", first.session])).toEqual({ ...first, text: "from the backup" });
  expect((await turn()).text).toBe("from the backup");
  expect([turnsOf(primary), turnsOf(backup)]).toEqual([1, 2]);

  left = 10;
  await read();
  expect(await standingsOf(proxy)).toEqual(["ok", "ok"]);
  expect((await turn()).text).toBe("from the primary");

  const lines = (await proxy.logged(4)).filter(({ method }) => method === "POST");
  expect(
    lines.map(({ attempts, outcome, upstream_base_url }) => [outcome, attempts, upstream_base_url]),
  ).toEqual([
    ["ok", undefined, primary.baseUrl],
    ["ok", undefined, backup.baseUrl],
    ["ok", undefined, backup.baseUrl],
    ["ok", undefined, primary.baseUrl],
  ]);
}, 60_000);
