// What viewers cost the requests: processor time and wall time of small requests at c=16 without a viewer, and with three of
// which one is stopped (SIGSTOP), in turns on one proxy. Medians.  bun bench/viewers.ts [ROUNDS]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../test/helpers/free-port.ts";
import { startScript } from "./contenders.ts";
import { cpuSeconds } from "./process-cost.ts";
import { type Measured, type Order, RESPONSES, WARM_UP, workloads } from "./wire.ts";

const ROUNDS = Number(process.argv[2] ?? 7);
const PROGRAM = [process.execPath, "--max-http-header-size=65536", join(import.meta.dir, "../src/main.ts")];
const workload = workloads(false).find(({ name }) => name === "JSON 2 KB c=16");
if (workload === undefined) throw new Error("no such workload");

const upstream = await startScript<{ port: number }>("upstream.ts", []);
let answer = Promise.withResolvers<Measured>();
const load = await startScript<"ready">("load.ts", [], (message) => answer.resolve(message as Measured));
const home = mkdtempSync(join(tmpdir(), "codex-helper-viewers-"));
mkdirSync(join(home, ".codex-helper"), { mode: 0o700 });
const entry = { base_url: `http://127.0.0.1:${upstream.ready.port}/v1`, auth: { auth_token: "sk-bench" } };
const config = { codex: { configs: { main: { upstreams: [entry] } } } };
writeFileSync(join(home, ".codex-helper/config.json"), JSON.stringify(config), { mode: 0o600 });
const env = { HOME: home, PATH: process.env["PATH"] ?? "" };
const port = freePort();
const serving = Bun.spawn([...PROGRAM, "serve", "--codex", "--no-switch", "-q", "--port", `${port}`], {
  cwd: home,
  env,
  stdio: ["ignore", "ignore", "pipe"],
});
for await (const chunk of serving.stderr) if (new TextDecoder().decode(chunk).includes("Ctrl+C")) break;

async function measure(order: Omit<Order, "port" | "dialect">): Promise<{ cpu: number; wall: number }> {
  const before = cpuSeconds(serving.pid);
  const startedAt = performance.now();
  answer = Promise.withResolvers();
  load.child.send({ port, dialect: RESPONSES, ...order } satisfies Order);
  await answer.promise;
  return { cpu: cpuSeconds(serving.pid) - before, wall: (performance.now() - startedAt) / 1_000 };
}

/** Each has heard something. */
async function startViewers(): Promise<Bun.Subprocess[]> {
  const viewers = [1, 2, 3].map(() =>
    Bun.spawn([...PROGRAM, "top", "--json"], { cwd: home, env, stdio: ["ignore", "pipe", "ignore"] }),
  );
  await Promise.all(
    viewers.map(async ({ stdout }) => {
      const reader = stdout.getReader();
      await reader.read();
      // Read on, so that no pipe is full.
      void (async () => {
        while (!(await reader.read()).done);
      })();
    }),
  );
  viewers[0]?.kill("SIGSTOP");
  return viewers;
}

const medianOf = (figures: readonly number[]): number =>
  figures.toSorted((one, other) => one - other)[figures.length >> 1] ?? 0;

try {
  await measure({ workload: WARM_UP });
  const cpu: number[] = [];
  const wall: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    // The second of two runs costs more than the first: each is the second in every other round.
    const first = round % 2 === 0 ? await measure({ workload }) : null;
    const viewers = await startViewers();
    const watched = await measure({ workload });
    for (const viewer of viewers) viewer.kill("SIGKILL");
    await Promise.all(viewers.map(({ exited }) => exited));
    const alone = first ?? (await measure({ workload }));
    cpu.push(watched.cpu / alone.cpu);
    wall.push(watched.wall / alone.wall);
    console.log(
      `round ${round + 1}: processor ${alone.cpu.toFixed(2)} -> ${watched.cpu.toFixed(2)} s, wall ${alone.wall.toFixed(2)} -> ${watched.wall.toFixed(2)} s`,
    );
  }
  console.log(
    `medians of 3 viewers to none: processor ${medianOf(cpu).toFixed(3)}, wall ${medianOf(wall).toFixed(3)}`,
  );
} finally {
  for (const child of [serving, load.child, upstream.child]) child.kill("SIGKILL");
  rmSync(home, { recursive: true, force: true });
}
