// One balance of three machines is asked for once, and all know it.
import { expect, test } from "bun:test";
import { askInstance, instanceSchema, tellInstance } from "../../../src/app/ask-instance.ts";
import { readInstances } from "../../../src/state/instances.ts";
import { GOOD, reply } from "../../helpers/answers.ts";
import { type RunningProxy, startConfiguredProxy } from "../../helpers/configured-proxy.ts";
import { startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { startRedis } from "../../helpers/redis-server.ts";
import { waitUntil } from "../../helpers/wait.ts";

const LEFT = {
  code: true,
  data: { total_granted: 5_000_000, total_used: 4_000_000, total_available: 1_000_000 },
};

/** Each machine calls the provider as it likes. */
const join = (url: string, name: string, base_url: string): Promise<RunningProxy> =>
  startConfiguredProxy({
    codex: [base_url],
    usageProviders: { providers: [{ id: name, kind: "newapi_token", domains: ["127.0.0.1"] }] },
    settings: { share: { url, namespace: "team", name } },
  });

async function quotaOf(proxy: RunningProxy) {
  const [instance] = await readInstances(proxy.home.paths.run);
  const facts = instance === undefined ? undefined : await askInstance(instance, "status");
  return instanceSchema.safeParse(facts).data?.upstreams[0]?.quota[0];
}

test("three machines that start at once ask for one balance once", async () => {
  await using redis = await startRedis();
  await using relay = await startFakeUpstream(({ method }) =>
    method === "GET" ? reply({ body: LEFT }) : GOOD.responses(),
  );
  const lookups = () => relay.requests.filter(({ target }) => target.startsWith("/api/usage"));
  const proxies = await Promise.all(
    ["one", "two", "three"].map((name) => join(redis.url, name, relay.baseUrl)),
  );
  await using a = proxies[0] as RunningProxy;
  await using b = proxies[1] as RunningProxy;
  await using c = proxies[2] as RunningProxy;
  for (const one of [a, b, c]) expect((await waitUntil(() => quotaOf(one)))?.left).toBe(2);
  expect(lookups()).toHaveLength(1);
  // Whoever wants to know it now asks, and tells the others.
  const before = (await quotaOf(b))?.read_at_ms ?? 0;
  const [instance] = await readInstances(a.home.paths.run);
  if (instance !== undefined) await tellInstance(instance, "refresh");
  expect(lookups()).toHaveLength(2);
  await waitUntil(async () => ((await quotaOf(b))?.read_at_ms ?? 0) > before);
});

test("a balance is asked for as ever where the engine is away", async () => {
  await using relay = await startFakeUpstream(() => reply({ body: LEFT }));
  await using a = await join("redis://127.0.0.1:1", "one", relay.baseUrl);
  expect((await waitUntil(() => quotaOf(a)))?.left).toBe(2);
});
