// Whatever becomes of the engine: requests are answered as ever, what was learned and spent is told once it is back, and counts once.
import { expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join as joinPath } from "node:path";
import { askInstance, instanceSchema } from "../../../src/app/ask-instance.ts";
import { readInstances } from "../../../src/state/instances.ts";
import { GOOD, RELAY_ERRORS, reply } from "../../helpers/answers.ts";
import { GOOD_CERTIFICATE, TEST_KEY } from "../../helpers/certificates.ts";
import { startCli } from "../../helpers/cli.ts";
import { type RunningProxy, startConfiguredProxy } from "../../helpers/configured-proxy.ts";
import { type FakeUpstream, startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { freePort } from "../../helpers/free-port.ts";
import { type RedisServer, startRedis } from "../../helpers/redis-server.ts";
import { makeTempHome } from "../../helpers/temp-home.ts";
import { waitUntil } from "../../helpers/wait.ts";

const SPENT = reply({ ...RELAY_ERRORS["openai insufficient quota"] });
const DEADLINE = { deadlineMs: 20_000 };

const start = (share: object, name: string, codex: readonly FakeUpstream[]): Promise<RunningProxy> =>
  startConfiguredProxy({
    codex,
    usageProviders: { providers: [] },
    settings: { share: { namespace: "team", name, ...share }, budget: { requests: 1_000, per: "day" } },
  });

async function factsOf(proxy: RunningProxy) {
  const [instance] = await readInstances(proxy.home.paths.run);
  return instance === undefined
    ? undefined
    : instanceSchema.safeParse(await askInstance(instance, "status")).data;
}

const stateOf = async (proxy: RunningProxy) => (await factsOf(proxy))?.pool?.state;
const isShared = (proxy: RunningProxy) =>
  waitUntil(async () => (await stateOf(proxy)) === "shared", DEADLINE);
const isAlone = async (proxy: RunningProxy) => {
  await waitUntil(async () => (await stateOf(proxy)) === "alone", DEADLINE);
  return (await factsOf(proxy))?.pool?.why;
};
const reasonAt = async (proxy: RunningProxy) => (await factsOf(proxy))?.upstreams[0]?.reason;

async function ask(url: string): Promise<string> {
  const body = JSON.stringify({ model: "gpt-5", stream: true, input: [] });
  const response = await fetch(`${url}/responses`, { method: "POST", body });
  expect(response.status).toBe(200);
  return await response.text();
}

async function sumIn(redis: RedisServer): Promise<number> {
  const keys = (await redis.send("KEYS", "team:1:s:*")) as string[];
  const all = await Promise.all(keys.map((key) => redis.send("HVALS", key) as Promise<string[]>));
  return all.flat().reduce((sum, one) => sum + Number(one), 0);
}

/** A way to the engine that may take its time. */
async function startDelay(port: number) {
  const way = { delayMs: 0 };
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    const pass = (from: typeof near, to: typeof near): void => {
      from.on("data", (part) => void setTimeout(() => to.write(part), way.delayMs));
      from.on("close", () => to.destroy());
      from.on("error", () => {});
    };
    pass(near, far);
    pass(far, near);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return Object.assign(way, {
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]: () => void server.close(),
  });
}

type Way = Awaited<ReturnType<typeof startDelay>>;

const FAULTS: readonly {
  readonly name: string;
  readonly hit: (redis: RedisServer, way: Way) => unknown;
  readonly mend: (redis: RedisServer, way: Way) => unknown;
  readonly why: RegExp;
}[] = [
  {
    name: "killed, and started again empty",
    hit: (redis) => redis.signal("SIGKILL"),
    mend: (redis) => redis.restart(),
    why: /closed the connection|refused the connection|answers again/,
  },
  {
    name: "stopped by a signal",
    hit: (redis) => redis.signal("SIGSTOP"),
    mend: (redis) => redis.signal("SIGCONT"),
    why: /did not answer within 2 s/,
  },
  {
    name: "out of memory",
    hit: (redis) => redis.send("CONFIG", "SET", "maxmemory", "1"),
    mend: (redis) => redis.send("CONFIG", "SET", "maxmemory", "0"),
    why: /no memory left/,
  },
  {
    name: "read-only",
    hit: (redis) => redis.send("REPLICAOF", "127.0.0.1", "1"),
    mend: (redis) => redis.send("REPLICAOF", "NO", "ONE"),
    why: /only reads|without its primary/,
  },
  {
    name: "behind a slow way",
    hit: (_redis, way) => (way.delayMs = 4_000),
    mend: (_redis, way) => (way.delayMs = 0),
    why: /did not answer within 2 s/,
  },
  {
    name: "used by a newer version",
    hit: (redis) => redis.send("SET", "team:schema", "2", "PX", "60000"),
    mend: (redis) => redis.send("SET", "team:schema", "1", "PX", "60000"),
    why: /a newer version of ch uses this pool \(layout 2\)/,
  },
];

test.concurrent.each([...FAULTS])(
  "an engine that is $name fails no request, and what happened meanwhile counts once",
  async ({ hit, mend, why }) => {
    await using redis = await startRedis();
    using way = await startDelay(redis.port);
    await using primary = await startFakeUpstream((_request, n) => (n > 1 ? SPENT : GOOD.responses()));
    await using backup = await startFakeUpstream(() => GOOD.responses({ text: "backup" }));
    const share = { url: `redis://127.0.0.1:${way.port}` };
    await using a = await start(share, "laptop", [primary, backup]);
    await using b = await start(share, "desktop", [primary, backup]);
    await Promise.all([a, b].map(isShared));
    await ask(a.codexUrl);
    await waitUntil(async () => (await sumIn(redis)) === 1, DEADLINE);
    await hit(redis, way);
    // It learns that the key is spent, and spends elsewhere.
    const began = performance.now();
    expect(await ask(a.codexUrl)).toContain("backup");
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(await isAlone(a)).toMatch(why);
    expect(await ask(a.codexUrl)).toContain("backup");
    await mend(redis, way);
    await Promise.all([a, b].map(isShared));
    await waitUntil(async () => (await reasonAt(b))?.includes("told by laptop"), DEADLINE);
    expect(await ask(b.codexUrl)).toContain("backup");
    await waitUntil(async () => (await sumIn(redis)) === 4, DEADLINE);
    expect(primary.requests).toHaveLength(2);
    expect(a.troubles.filter((words) => words.includes("goes on alone"))).toHaveLength(1);
  },
);

test("a proxy that is killed loses and doubles nothing that it had logged", async () => {
  await using redis = await startRedis();
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  using home = makeTempHome();
  const auth = { auth_token: "sk-test-upstream-1" };
  home.write(".codex-helper/config.json", {
    codex: { configs: { main: { upstreams: [{ base_url: upstream.baseUrl, auth }] } } },
    budget: { requests: 1_000, per: "day" },
    share: { url: redis.url, namespace: "team" },
  });
  home.write(".codex-helper/usage_providers.json", { providers: [] });
  const port = freePort();
  const url = `http://127.0.0.1:${port}/v1`;
  const args = ["serve", "--codex", "--no-switch", "--port", String(port)];
  const isUp = () =>
    waitUntil(() => fetch(`http://127.0.0.1:${port}/__codex-helper/health`).catch(() => null), DEADLINE);
  {
    await using running = startCli(args, { home });
    await isUp();
    for (let n = 0; n < 5; n += 1) await ask(url);
    await running.stop("SIGKILL");
  }
  const lines = readFileSync(joinPath(home.paths.logs, "requests.jsonl"), "utf8").split("\n").length - 1;
  expect(lines).toBe(5);
  await using again = startCli(args, { home });
  await isUp();
  await ask(url);
  await waitUntil(async () => (await sumIn(redis)) === 6, DEADLINE);
  await again.stop("SIGTERM");
  expect(await sumIn(redis)).toBe(6);
});

test("TLS with an authority of one's own, and the ACL line of the documentation", async () => {
  using home = makeTempHome();
  const [cert, key] = [home.write("engine.pem", GOOD_CERTIFICATE), home.write("engine.key", TEST_KEY)];
  expect(new X509Certificate(GOOD_CERTIFICATE).subjectAltName).toContain("127.0.0.1");
  const tls = [
    "--tls-port",
    "PORT",
    "--tls-cert-file",
    cert,
    "--tls-key-file",
    key,
    "--tls-auth-clients",
    "no",
  ];
  await using redis = await startRedis({
    args: [...tls, "--tls-ca-cert-file", cert],
    url: (port) => `rediss://127.0.0.1:${port}`,
    ca: GOOD_CERTIFICATE,
  });
  const document = readFileSync(joinPath(import.meta.dir, "../../../docs/sharing.md"), "utf8");
  const [, line = ""] = /^ACL (SETUSER .*)$/m.exec(document) ?? [];
  await redis.send("ACL", ...line.replace("PASSWORD", "pool-word-42").split(" "));
  await redis.send("ACL", "SETUSER", "default", "on", ">other", "resetpass", ">other");
  await using primary = await startFakeUpstream(() => SPENT);
  await using backup = await startFakeUpstream(() => GOOD.responses({ text: "backup" }));
  const url = `rediss://pool:pool-word-42@127.0.0.1:${redis.port}`;
  await using a = await start({ url, tls_ca: cert }, "laptop", [primary, backup]);
  await using b = await start({ url, tls_ca: cert }, "desktop", [primary, backup]);
  await Promise.all([a, b].map(isShared));
  await ask(a.codexUrl);
  await waitUntil(async () => (await reasonAt(b))?.includes("told by laptop"));
  // Another namespace is not that user's, and without the authority the certificate is nobody's.
  await using c = await start({ url, tls_ca: cert, namespace: "others" }, "server", [backup]);
  expect(await isAlone(c)).toContain("docs/sharing.md has its ACL line");
  await using d = await start({ url }, "server", [backup]);
  expect(await isAlone(d)).toMatch(/certificate/);
});
