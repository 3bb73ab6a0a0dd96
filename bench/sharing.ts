// What a pool costs: the requests of one proxy at c=16 with everything shared, in turns with one that shares nothing, by several pairs
// of processes, since two of the same kind differ by some percent; and the engine, by scripted machines of which each answers a request
// every few seconds.  bun bench/sharing.ts [ROUNDS OF A PAIR] [MACHINES...]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLiveConfig } from "../src/app/live-config.ts";
import { joinPool } from "../src/app/share/pool.ts";
import { resolvePaths } from "../src/base/paths.ts";
import { listBudgets } from "../src/config/budgets.ts";
import { createSpend } from "../src/usage/spend.ts";
import { freePort } from "../test/helpers/free-port.ts";
import { type RedisServer, startRedis } from "../test/helpers/redis-server.ts";
import { startScript } from "./contenders.ts";
import { cpuSeconds } from "./process-cost.ts";
import { type Measured, RESPONSES, WARM_UP, type Order, workloads } from "./wire.ts";

const [rounds = "7", ...sizes] = process.argv.slice(2);
const MACHINES = sizes.length === 0 ? [1, 10, 50, 200] : sizes.map(Number);
const PAIRS = 5;
const SECONDS = 15;
/** Between two answers of one machine. */
const PACE_MS = 5_000;
const PROGRAM = [process.execPath, "--max-http-header-size=65536", join(import.meta.dir, "../src/main.ts")];

const directory = mkdtempSync(join(tmpdir(), "codex-helper-sharing-"));
const redis = await startRedis();
try {
  if (Number(rounds) > 0) await compareProxies(Number(rounds));
  for (const count of MACHINES) await simulate(count);
} finally {
  await redis[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
}

function makeHome(name: string, base_url: string, isShared: boolean) {
  const home = join(directory, name);
  mkdirSync(join(home, ".codex-helper"), { mode: 0o700, recursive: true });
  const upstreams = [{ base_url, auth: { auth_token: "sk-bench" } }];
  const config = {
    codex: { configs: { main: { upstreams } } },
    budget: { requests: 1_000_000_000, per: "day" },
    ...(isShared ? { share: { url: redis.url, namespace: "bench", name } } : {}),
  };
  writeFileSync(join(home, ".codex-helper/config.json"), JSON.stringify(config), { mode: 0o600 });
  return { HOME: home, PATH: process.env["PATH"] ?? "" };
}

async function compareProxies(count: number): Promise<void> {
  const workload = workloads(false).find(({ name }) => name === "JSON 2 KB c=16");
  if (workload === undefined) throw new Error("no such workload");
  const upstream = await startScript<{ port: number }>("upstream.ts", []);
  let answer = Promise.withResolvers<Measured>();
  const load = await startScript<"ready">("load.ts", [], (message) => answer.resolve(message as Measured));
  const serve = async (name: string, isShared: boolean) => {
    const env = makeHome(name, `http://127.0.0.1:${upstream.ready.port}/v1`, isShared);
    const port = freePort();
    const child = Bun.spawn([...PROGRAM, "serve", "--codex", "--no-switch", "-q", "--port", `${port}`], {
      cwd: env.HOME,
      env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    for await (const chunk of child.stderr) if (new TextDecoder().decode(chunk).includes("Ctrl+C")) break;
    return { child, port };
  };
  const measure = async (
    { child, port }: Awaited<ReturnType<typeof serve>>,
    order: Omit<Order, "port" | "dialect">,
  ) => {
    const before = cpuSeconds(child.pid);
    const startedAt = performance.now();
    answer = Promise.withResolvers();
    load.child.send({ port, dialect: RESPONSES, ...order } satisfies Order);
    await answer.promise;
    return { cpu: cpuSeconds(child.pid) - before, wall: (performance.now() - startedAt) / 1_000 };
  };
  const measurePair = async (pair: number) => {
    const alone = await serve(`alone-${pair}`, false);
    const shared = await serve(`shared-${pair}`, true);
    const cpu: number[] = [];
    const wall: number[] = [];
    try {
      for (const one of [alone, shared]) await measure(one, { workload: WARM_UP });
      for (let round = 0; round < count; round += 1) {
        const found = new Map<unknown, { cpu: number; wall: number }>();
        const order = (round + pair) % 2 === 0 ? [alone, shared] : [shared, alone];
        for (const one of order) found.set(one, await measure(one, { workload }));
        const [before, after] = [found.get(alone), found.get(shared)];
        if (before === undefined || after === undefined) continue;
        cpu.push(after.cpu / before.cpu);
        wall.push(after.wall / before.wall);
      }
    } finally {
      for (const { child } of [alone, shared]) {
        child.kill("SIGKILL");
        await child.exited;
      }
    }
    console.log(
      `pair ${pair + 1}: processor ${medianOf(cpu).toFixed(3)}, wall ${medianOf(wall).toFixed(3)} of alone`,
    );
    return { cpu: medianOf(cpu), wall: medianOf(wall) };
  };
  try {
    const pairs = [];
    for (let pair = 0; pair < PAIRS; pair += 1) pairs.push(await measurePair(pair));
    const [cpu, wall] = [medianOf(pairs.map((pair) => pair.cpu)), medianOf(pairs.map((pair) => pair.wall))];
    console.log(`medians of shared to alone: processor ${cpu.toFixed(3)}, wall ${wall.toFixed(3)}`);
  } finally {
    for (const { child } of [load, upstream]) child.kill("SIGKILL");
  }
}

async function simulate(count: number): Promise<void> {
  await redis.send("FLUSHALL");
  const machines = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const env = makeHome(`machine-${count}-${index}`, "https://relay.example/v1", true);
      const paths = resolvePaths(env);
      const live = createLiveConfig({ paths, env, now: Date.now });
      const { config } = live.current();
      const spend = createSpend();
      const source = { list: () => budgets, spend: () => spend, isNear: () => false };
      const budgets = listBudgets(config);
      const { share } = config.shell;
      if (share == null) throw new Error("no pool");
      const common = { share, paths, env, live, clients: [], now: Date.now, source };
      const pool = await joinPool({ ...common, onState() {}, onBalance() {}, onSpent() {} });
      await pool.settled(10_000);
      return { pool, spend };
    }),
  );
  let answers = 0;
  const timers: Timer[] = [];
  for (const [index, { pool, spend }] of machines.entries()) {
    const answer = (): void => {
      answers += 1;
      const usage = { input_tokens: 1_000, output_tokens: 100, total_tokens: 1_100 };
      const about = {
        service: "codex",
        method: "POST",
        path: "/v1/responses",
        outcome: "ok",
        usage,
      } as const;
      spend.add(
        {
          ...about,
          timestamp_ms: Date.now(),
          upstream_base_url: "https://relay.example/v1",
          config_name: "main",
        },
        null,
        Date.now(),
      );
      pool.spend?.note();
    };
    timers.push(setTimeout(() => void timers.push(setInterval(answer, PACE_MS)), (index * PACE_MS) / count));
  }
  await Bun.sleep(PACE_MS);
  const before = await readStats(redis);
  answers = 0;
  await Bun.sleep(SECONDS * 1_000);
  const after = await readStats(redis);
  const rate = (name: string): number => ((after.get(name) ?? 0) - (before.get(name) ?? 0)) / SECONDS;
  const cpu = rate("used_cpu_sys") + rate("used_cpu_user");
  console.log(
    [
      `${count} machines, ${(answers / SECONDS).toFixed(1)} answers/s:`,
      `${rate("total_commands_processed").toFixed(0)} commands/s,`,
      `in ${(rate("total_net_input_bytes") / 1_000).toFixed(1)} kB/s,`,
      `out ${(rate("total_net_output_bytes") / 1_000).toFixed(1)} kB/s,`,
      `engine ${(cpu * 100).toFixed(1)} % of a core,`,
      `${((after.get("used_memory") ?? 0) / 2 ** 20).toFixed(1)} MiB`,
    ].join(" "),
  );
  for (const timer of timers) clearInterval(timer);
  await Promise.all(machines.map(({ pool }) => pool.stop()));
}

async function readStats(engine: RedisServer): Promise<ReadonlyMap<string, number>> {
  const text = String(await engine.send("INFO", "everything"));
  return new Map(
    [...text.matchAll(/^(\w+):([\d.]+)\r?$/gm)].map(([, name = "", value]) => [name, Number(value)]),
  );
}

function medianOf(figures: readonly number[]): number {
  return figures.toSorted((one, other) => one - other)[figures.length >> 1] ?? 0;
}
