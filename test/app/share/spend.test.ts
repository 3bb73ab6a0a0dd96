// One budget of several machines: what is spent anywhere counts everywhere, once.
import { expect, test } from "bun:test";
import { askInstance, instanceSchema } from "../../../src/app/ask-instance.ts";
import { readInstances } from "../../../src/state/instances.ts";
import { GOOD } from "../../helpers/answers.ts";
import { runInProcess } from "../../helpers/in-process-cli.ts";
import { type RunningProxy, startConfiguredProxy } from "../../helpers/configured-proxy.ts";
import { startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { type RedisServer, startRedis } from "../../helpers/redis-server.ts";
import { elapse, waitUntil } from "../../helpers/wait.ts";

const join = (redis: RedisServer, name: string, base_url: string, budget: object): Promise<RunningProxy> =>
  startConfiguredProxy({
    codex: [{ base_url, budget }],
    usageProviders: { providers: [] },
    settings: { share: { url: redis.url, namespace: "team", name } },
  });

async function ask(proxy: RunningProxy): Promise<number> {
  const response = await fetch(`${proxy.codexUrl}/responses`, {
    method: "POST",
    body: JSON.stringify({ model: "gpt-5", stream: true, input: [] }),
  });
  await response.text();
  return response.status;
}

async function factsOf(proxy: RunningProxy) {
  const [instance] = await readInstances(proxy.home.paths.run);
  return instance === undefined
    ? undefined
    : instanceSchema.safeParse(await askInstance(instance, "status")).data;
}

const usedAt = async (proxy: RunningProxy) => (await factsOf(proxy))?.upstreams[0]?.quota[0]?.used;
const isShared = (proxy: RunningProxy) =>
  waitUntil(async () => (await factsOf(proxy))?.pool?.state === "shared");

/** Of all machines, by machine and window. */
async function sumsIn(redis: RedisServer): Promise<number[]> {
  const keys = ((await redis.send("KEYS", "team:1:s:*")) as string[]).toSorted();
  const all = await Promise.all(keys.map((key) => redis.send("HVALS", key) as Promise<string[]>));
  return all.flat().map(Number);
}

test.each(["day", "5h"])(
  "of a budget in %s no more is served than was in flight when it was reached",
  async (per) => {
    await using redis = await startRedis();
    await using upstream = await startFakeUpstream(() => GOOD.responses());
    const budget = { requests: 12, per };
    await using a = await join(redis, "a", upstream.baseUrl, budget);
    await using b = await join(redis, "b", upstream.baseUrl, budget);
    await using c = await join(redis, "c", upstream.baseUrl, budget);
    const all = [a, b, c];
    await Promise.all(all.map(isShared));
    await Promise.all(
      all.map(async (proxy, index) => {
        for (let n = 0; n < 8; n += 1) {
          await elapse(20 + index);
          await ask(proxy);
        }
      }),
    );
    expect(upstream.requests.length).toBeGreaterThanOrEqual(12);
    // Each machine has one at once.
    expect(upstream.requests.length).toBeLessThanOrEqual(14);
    for (const proxy of all) await waitUntil(async () => (await usedAt(proxy)) === upstream.requests.length);
    expect((await sumsIn(redis)).reduce((sum, one) => sum + one, 0)).toBe(upstream.requests.length);
  },
);

test("what is spent while the engine is away counts once when it is back, also for an empty one", async () => {
  await using redis = await startRedis();
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  const budget = { requests: 100, per: "month" };
  await using a = await join(redis, "a", upstream.baseUrl, budget);
  await using b = await join(redis, "b", upstream.baseUrl, budget);
  await Promise.all([a, b].map(isShared));
  expect(await ask(a)).toBe(200);
  await waitUntil(async () => (await usedAt(b)) === 1);
  redis.signal("SIGKILL");
  await waitUntil(async () => (await factsOf(a))?.pool?.state === "alone");
  expect(await ask(a)).toBe(200);
  expect(await ask(b)).toBe(200);
  await redis.restart();
  await Promise.all([a, b].map(isShared));
  for (const proxy of [a, b]) await waitUntil(async () => (await usedAt(proxy)) === 3);
  expect((await sumsIn(redis)).toSorted((one, other) => one - other)).toEqual([1, 2]);
});

test("`ch budget` counts what the others have spent", async () => {
  await using redis = await startRedis();
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  await using a = await join(redis, "a", upstream.baseUrl, { requests: 100, per: "week" });
  await using b = await join(redis, "b", upstream.baseUrl, { requests: 100, per: "week" });
  await Promise.all([a, b].map(isShared));
  await ask(a);
  await waitUntil(async () => (await usedAt(b)) === 1);
  const { stdout } = await runInProcess(["budget", "--json"], b.home.env);
  expect(JSON.parse(stdout)).toMatchObject({ budgets: [{ used: 1 }] });
});
