import { expect, test } from "bun:test";
import { askInstance, instanceSchema } from "../../../src/app/ask-instance.ts";
import { readInstances } from "../../../src/state/instances.ts";
import { GOOD, RELAY_ERRORS, reply } from "../../helpers/answers.ts";
import { type RunningProxy, startConfiguredProxy } from "../../helpers/configured-proxy.ts";
import { type FakeUpstream, startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { runInProcess } from "../../helpers/in-process-cli.ts";
import { startRedis } from "../../helpers/redis-server.ts";
import { makeTempHome } from "../../helpers/temp-home.ts";
import { waitUntil } from "../../helpers/wait.ts";

const PASSWORD = "geheim-77-wort";
const SPENT = reply({ ...RELAY_ERRORS["openai insufficient quota"] });

const join = (url: string, name: string, codex: readonly FakeUpstream[]): Promise<RunningProxy> =>
  startConfiguredProxy({
    codex,
    usageProviders: { providers: [] },
    settings: { share: { url, namespace: "team", name } },
  });

async function factsOf(proxy: RunningProxy) {
  const [instance] = await readInstances(proxy.home.paths.run);
  return instance === undefined
    ? undefined
    : instanceSchema.safeParse(await askInstance(instance, "status")).data;
}

const stateOf = async (proxy: RunningProxy) => (await factsOf(proxy))?.pool?.state;
const isShared = (proxy: RunningProxy) => waitUntil(async () => (await stateOf(proxy)) === "shared");
const isSpent = async (proxy: RunningProxy) => (await factsOf(proxy))?.upstreams[0]?.standing === "exhausted";

async function ask(proxy: RunningProxy): Promise<string> {
  const body = JSON.stringify({ model: "gpt-5", stream: true, input: [] });
  return await (await fetch(`${proxy.codexUrl}/responses`, { method: "POST", body })).text();
}

test("without `share` it says so, and what sets one up", async () => {
  using home = makeTempHome();
  const shown = await runInProcess(["pool"], home.env);
  expect({ code: shown.code, stdout: shown.stdout }).toEqual({
    code: 0,
    stdout: "No pool is set: what this machine learns stays here.\n",
  });
  expect(shown.stderr).toContain("ch config set --json 'share=");
  for (const args of [["test"], ["forget", "laptop"]]) {
    const { code, stderr } = await runInProcess(["pool", ...args], home.env);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('config.json has no "share"'),
    });
  }
});

test("the machines are listed, tested, and forgotten by name", async () => {
  await using redis = await startRedis({
    args: ["--requirepass", PASSWORD],
    url: (port) => `redis://:${PASSWORD}@127.0.0.1:${port}`,
  });
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  await using a = await join(redis.url, "laptop", [upstream]);
  const b = await join(redis.url, "desktop", [upstream]);
  await Promise.all([a, b].map(isShared));
  const { code, stdout } = await runInProcess(["pool"], a.home.env);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^pool team at 127\.0\.0\.1:\d+, here laptop, round trip \d+\.\d ms\nshared: verdicts, quota, budgets\n/,
  );
  expect(stdout).toMatch(/^Codex \d+: shared$/m);
  expect(stdout).toMatch(/^desktop +now +verdicts, quota, budgets/m);
  expect(stdout).toMatch(/^laptop .*this one$/m);
  const tried = await runInProcess(["pool", "test"], a.home.env);
  expect(tried.stdout).toMatch(
    /^ok {2}127\.0\.0\.1:\d+ answers.*\nok {2}it takes what is written\nok {2}what is told comes back\n$/,
  );
  const missing = await runInProcess(["pool", "forget", "destop"], a.home.env);
  expect({ code: missing.code, stderr: missing.stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining("ch pool forget desktop"),
  });
  await b[Symbol.asyncDispose]();
  const forgotten = await runInProcess(["pool", "forget", "desktop"], a.home.env);
  expect(forgotten.stdout).toMatch(/^forgotten: desktop \([0-9a-f]{12}\)\n$/);
  const { stdout: json } = await runInProcess(["pool", "status", "--json"], a.home.env);
  expect(JSON.parse(json)).toMatchObject({ pool: { machines: [{ name: "laptop", is_this: true }] } });
  expect(stdout + tried.stdout + json).not.toContain(PASSWORD);
});

test("a reset --everywhere ends what all of them hold", async () => {
  await using redis = await startRedis();
  await using primary = await startFakeUpstream(() => SPENT);
  await using backup = await startFakeUpstream(() => GOOD.responses());
  await using a = await join(redis.url, "laptop", [primary, backup]);
  await using b = await join(redis.url, "desktop", [primary, backup]);
  await Promise.all([a, b].map(isShared));
  await ask(a);
  await waitUntil(() => isSpent(b));
  const { code, stdout } = await runInProcess(["routing", "reset", "main#1", "--everywhere"], b.home.env);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringContaining("the machines of the pool were told\n"),
  });
  await waitUntil(async () => !(await isSpent(a)) && !(await isSpent(b)));
  await using late = await join(redis.url, "server", [primary, backup]);
  await isShared(late);
  expect(await isSpent(late)).toBe(false);
});

test("without the engine, status, doctor and pool say since when this machine is alone, and why", async () => {
  await using redis = await startRedis({
    args: ["--requirepass", "another"],
    url: (port) => `redis://:another@127.0.0.1:${port}`,
  });
  await using upstream = await startFakeUpstream(() => GOOD.responses({ text: "as ever" }));
  await using a = await join(`redis://:${PASSWORD}@127.0.0.1:${redis.port}`, "laptop", [upstream]);
  await waitUntil(async () => (await stateOf(a)) === "alone");
  expect(await ask(a)).toContain("as ever");
  const why = `127.0.0.1:${redis.port} refuses the user or the password`;
  const status = await runInProcess(["status", "--codex"], a.home.env);
  expect(status.stdout.replaceAll(/\s+/g, " ")).toMatch(
    /the pool team: this machine is alone since \d\d:\d\d/,
  );
  expect(status.stdout.replaceAll(/\s+/g, " ")).toContain(why);
  const doctor = JSON.parse((await runInProcess(["doctor", "--json"], a.home.env)).stdout) as {
    checks: { id: string }[];
  };
  expect(doctor.checks.find(({ id }) => id === "pool")).toMatchObject({
    status: "warn",
    message: expect.stringContaining(`(${why})`),
    hint: "ch pool test",
  });
  const pool = await runInProcess(["pool"], a.home.env);
  expect({ code: pool.code, said: pool.stderr }).toEqual({ code: 1, said: expect.stringContaining(why) });
  const all = [status.stdout, pool.stdout, pool.stderr, a.troubles.join()].join();
  expect(a.troubles.join()).toContain(`the pool team cannot be used: ${why}; this machine goes on alone`);
  for (const secret of [PASSWORD, "another"]) expect(all.replaceAll(why, "")).not.toContain(secret);
});

test("a mistake in `share` is named, without its password", async () => {
  using home = makeTempHome();
  for (const [share, says] of [
    [{ namespace: "team" }, "share: must have one of url, url_env and url_command"],
    [
      { url: `http://x:${PASSWORD}@engine`, namespace: "team" },
      "share.url: must be an address such as rediss://",
    ],
    [{ url_env: "NO_SUCH_URL", namespace: "team" }, "the variable NO_SUCH_URL is not set"],
  ] as const) {
    home.write(".codex-helper/config.json", { share });
    const { code, stderr, stdout } = await runInProcess(["pool", "test"], home.env);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(says) });
    expect(stderr + stdout).not.toContain(PASSWORD);
  }
});
