// Three proxies in three homes at one real engine: what one learns of an account, the others know.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { askInstance, instanceSchema, tellInstance } from "../../../src/app/ask-instance.ts";
import { readInstances } from "../../../src/state/instances.ts";
import { runCli } from "../../helpers/cli.ts";
import { GOOD, RELAY_ERRORS, reply } from "../../helpers/answers.ts";
import { type RunningProxy, startConfiguredProxy } from "../../helpers/configured-proxy.ts";
import { type FakeUpstream, startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { type RedisServer, startRedis } from "../../helpers/redis-server.ts";
import { waitUntil } from "../../helpers/wait.ts";

const SPENT = reply({ ...RELAY_ERRORS["openai insufficient quota"] });

function join(
  redis: RedisServer,
  name: string,
  codex: readonly FakeUpstream[],
  extra: object = {},
): Promise<RunningProxy> {
  return startConfiguredProxy({
    codex,
    usageProviders: { providers: [] },
    settings: { share: { url: redis.url, namespace: "team", name, ...extra } },
  });
}

async function ask(proxy: RunningProxy): Promise<string> {
  const response = await fetch(`${proxy.codexUrl}/responses`, {
    method: "POST",
    body: JSON.stringify({ model: "gpt-5", stream: true, input: [] }),
  });
  return await response.text();
}

async function factsOf(proxy: RunningProxy) {
  const [instance] = await readInstances(proxy.home.paths.run);
  return instance === undefined
    ? undefined
    : instanceSchema.safeParse(await askInstance(instance, "status")).data;
}

const isShared = (proxy: RunningProxy) =>
  waitUntil(async () => (await factsOf(proxy))?.pool?.state === "shared", { what: "a shared pool" });
const standingOf = async (proxy: RunningProxy) => (await factsOf(proxy))?.upstreams[0];

test("what one machine learns of a key, the others know within 200 ms, and who said so", async () => {
  await using redis = await startRedis();
  await using primary = await startFakeUpstream(() => SPENT);
  await using backup = await startFakeUpstream(() => GOOD.responses({ text: "backup" }));
  await using a = await join(redis, "laptop", [primary, backup]);
  await using b = await join(redis, "desktop", [primary, backup]);
  await using c = await join(redis, "server", [primary, backup]);
  await Promise.all([a, b, c].map(isShared));
  expect(await ask(a)).toContain("backup");
  expect(primary.requests).toHaveLength(1);
  const began = performance.now();
  await waitUntil(
    async () =>
      (await standingOf(b))?.standing === "exhausted" && (await standingOf(c))?.standing === "exhausted",
  );
  expect(performance.now() - began).toBeLessThan(200);
  expect(await ask(b)).toContain("backup");
  expect(await ask(c)).toContain("backup");
  expect(primary.requests).toHaveLength(1);
  expect((await standingOf(b))?.reason).toContain("told by laptop");

  // Nothing of it names the key, the address, the prompt or a place on a disk.
  const stored: string[] = [];
  for (const key of (await redis.send("KEYS", "*")) as string[]) {
    const type = await redis.send("TYPE", key);
    stored.push(
      key,
      JSON.stringify(await (type === "hash" ? redis.send("HGETALL", key) : redis.send("GET", key))),
    );
    expect(Number(await redis.send("PTTL", key))).toBeGreaterThan(0);
  }
  const all = stored.join("\n");
  expect(stored.filter((text) => text.startsWith("team:1:v:"))).toHaveLength(1);
  for (const secret of ["sk-test", "127.0.0.1", "/v1", "http", a.home.paths.home, "gpt-5"])
    expect(all).not.toContain(secret);
});

test("a machine that comes later knows too, and a reset here does not come back", async () => {
  await using redis = await startRedis();
  await using primary = await startFakeUpstream(() => SPENT);
  await using backup = await startFakeUpstream(() => GOOD.responses({ text: "backup" }));
  await using a = await join(redis, "laptop", [primary, backup]);
  await isShared(a);
  await ask(a);
  await using b = await join(redis, "desktop", [primary, backup]);
  await isShared(b);
  expect((await standingOf(b))?.standing).toBe("exhausted");
  const [instance] = await readInstances(b.home.paths.run);
  if (instance !== undefined) await tellInstance(instance, "reset");
  expect((await standingOf(b))?.standing).toBe("ok");
  expect((await standingOf(a))?.standing).toBe("exhausted");
  // It asks for itself then, and that is news for all.
  expect(await ask(b)).toContain("backup");
  expect(primary.requests).toHaveLength(2);
  await waitUntil(async () => (await standingOf(a))?.reason.includes("told by desktop"));
});

test("what is learned of an upstream that was added meanwhile is told too", async () => {
  await using redis = await startRedis();
  await using primary = await startFakeUpstream(() => SPENT);
  await using added = await startFakeUpstream(() => SPENT);
  await using a = await join(redis, "laptop", [primary]);
  await using b = await join(redis, "desktop", [primary]);
  await Promise.all([a, b].map(isShared));
  await Promise.all([a, b].map(ask));
  const line = ["config", "add", "main", "--append", "--base-url", added.baseUrl, "--auth-token-stdin"];
  for (const { home } of [a, b]) {
    const { code } = await runCli([...line, "--codex"], { home, stdin: "sk-test-2\n" });
    expect(code).toBe(0);
  }
  await ask(a);
  expect(added.requests).toHaveLength(1);
  await waitUntil(async () => (await factsOf(b))?.upstreams[1]?.reason.includes("told by laptop"));
  await ask(b);
  expect(added.requests).toHaveLength(1);
});

test("without the verdicts in features, none is told or taken", async () => {
  await using redis = await startRedis();
  await using primary = await startFakeUpstream(() => SPENT);
  await using backup = await startFakeUpstream(() => GOOD.responses({ text: "backup" }));
  await using a = await join(redis, "laptop", [primary, backup], { features: ["quota"] });
  await using b = await join(redis, "desktop", [primary, backup]);
  await Promise.all([a, b].map(isShared));
  await ask(a);
  expect((await standingOf(b))?.standing).toBe("ok");
  await ask(b);
  expect((await standingOf(a))?.reason).not.toContain("told by");
  expect(primary.requests).toHaveLength(2);
});

test("a pool that is set while the proxy runs holds from then on", async () => {
  await using redis = await startRedis();
  await using primary = await startFakeUpstream(() => GOOD.responses({ text: "primary" }));
  await using a = await startConfiguredProxy({ codex: [primary], usageProviders: { providers: [] } });
  expect((await factsOf(a))?.pool).toBeUndefined();
  const config = JSON.parse(readFileSync(a.home.paths.config, "utf8")) as object;
  a.home.write(".codex-helper/config.json", { ...config, share: { url: redis.url, namespace: "late" } });
  await waitUntil(async () => (await ask(a)) !== "" && (await factsOf(a))?.pool?.state === "shared");
});
