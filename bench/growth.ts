// How what a request costs grows with its body, its events, open streams, sessions, the log, upstreams and rules: CPU of one `ch` after
// the other, medians of rounds in turns.  bun bench/growth.ts [ROUNDS [WORDS]]
// Fails where anything grows faster than in proportion, or routing and state nearly in proportion.
import { makeLogLine } from "../src/log/entry.ts";
import { type Contender, type HelperSetup, startHelper, startScript } from "./contenders.ts";
import { cpuSeconds } from "./process-cost.ts";
import { medianOf } from "./report.ts";
import { type Kind, type Measured, type Order, WARM_UP, type Workload } from "./wire.ts";

interface Factor {
  readonly name: string;
  /** From little to much. */
  readonly sizes: readonly number[];
  /** What one more of it may cost: 1 is in proportion. */
  readonly most: number;
  /** What is counted, and what for. */
  readonly unit: string;
  readonly setup?: (size: number) => HelperSetup;
  readonly workload: (size: number) => Workload;
  /** CPU of the start and one request, instead of a warm one's. */
  readonly isOfStart?: boolean;
}

const [rounds = "5", only = ""] = process.argv.slice(2);
const ROUNDS = Number(rounds);
/** A tenth above what is allowed is noise of the machine. */
const NOISE = 0.1;
const LINEAR = 1;
const SUB_LINEAR = 0.5;

const json = (requests: number, more: Partial<Workload> = {}): Workload => ({
  name: "growth",
  kind: "json",
  connections: 16,
  requests,
  bodyBytes: 2_000,
  events: 0,
  ...more,
});
const streams = (kind: Kind, more: Partial<Workload>): Workload => json(64, { kind, events: 200, ...more });

const FACTORS: readonly Factor[] = [
  {
    name: "bytes of the body",
    sizes: [2_000, 32_000, 512_000, 2_000_000, 8_000_000],
    most: LINEAR,
    unit: "us a request",
    workload: (bodyBytes) =>
      json(Math.max(10, Math.min(2_000, 4e7 / bodyBytes)), { connections: 1, bodyBytes }),
  },
  {
    name: "events of an answer",
    sizes: [20, 200, 2_000, 20_000],
    most: LINEAR,
    unit: "us a request",
    workload: (events) => streams("sse", { events, requests: Math.max(16, 100_000 / events) }),
  },
  {
    name: "open streams, an event every 10 ms",
    sizes: [1, 16, 64, 240],
    most: LINEAR,
    unit: "us of all for 1 event each",
    workload: (connections) => streams("paced", { connections, requests: connections }),
  },
  {
    name: "sessions",
    sizes: [10, 1_000, 10_000, 100_000],
    most: SUB_LINEAR,
    unit: "us a request",
    setup: () => ({}),
    workload: (sessions) => json(Math.max(10_000, sessions), { sessions }),
  },
  {
    // A config has at most 64: above that they are in others.
    name: "upstreams, of which the first answers",
    sizes: [1, 10, 64, 200],
    most: SUB_LINEAR,
    unit: "us a request",
    setup: (upstreams) => ({ upstreams }),
    workload: () => json(4_000),
  },
  {
    name: "upstreams with an open breaker before the one that answers",
    sizes: [1, 10, 30, 63],
    most: SUB_LINEAR,
    unit: "us a request",
    setup: (broken) => ({ broken }),
    workload: () => json(4_000),
  },
  {
    name: "lines in the log",
    sizes: [10, 1_000, 10_000, 100_000],
    most: SUB_LINEAR,
    unit: "us a request",
    setup: (lines) => ({ log: makeLog(lines) }),
    workload: () => json(4_000),
  },
  {
    name: "lines in the log, at the start",
    sizes: [10, 1_000, 10_000, 100_000],
    most: LINEAR,
    unit: "us for it and the first request",
    isOfStart: true,
    setup: (lines) => ({ log: makeLog(lines) }),
    workload: () => json(1),
  },
  {
    name: "rules, a body of 560 KB",
    sizes: [1, 10, 100, 500],
    most: LINEAR,
    unit: "us a request",
    setup: (rules) => ({ rules }),
    workload: () => json(40, { connections: 1, bodyBytes: 560_000 }),
  },
];

/** Of today, as the last run left it. */
function makeLog(lines: number): string {
  const now = Date.now();
  return Array.from({ length: lines }, (_, n) =>
    makeLogLine({
      timestamp_ms: now - (lines - n) * 100,
      service: "codex",
      method: "POST",
      path: "/v1/responses",
      status_code: 200,
      duration_ms: 4_000,
      config_name: "bench",
      upstream_base_url: "https://relay.example/v1",
      usage: { input_tokens: 9_000, output_tokens: 300, reasoning_tokens: 0, total_tokens: 9_300 },
      id: `m${n.toString(36).padStart(14, "0")}`,
      model: "gpt-6.1-sol",
      session_id: `0198a7c1-7b1e-7000-8000-${String(n % 50).padStart(12, "0")}`,
      outcome: "ok",
    }),
  ).join("");
}

/** The slope between the two largest sizes: below 1, more of it costs less than in proportion. */
function slopeOf(sizes: readonly number[], costs: readonly number[]): number {
  const [size, more, cost, dear] = [sizes.at(-2), sizes.at(-1), costs.at(-2), costs.at(-1)];
  if (size === undefined || more === undefined || cost === undefined || dear === undefined) return 0;
  return Math.log(dear / cost) / Math.log(more / size);
}

if (process.platform !== "linux")
  throw new Error("the bench reads the clocks of other processes: it needs Linux");
const built = Bun.spawnSync([process.execPath, "build.ts"], { cwd: `${import.meta.dir}/..` });
if (!built.success) throw new Error(`the build failed: ${built.stderr.toString()}`);

const upstream = await startScript<{ port: number }>("upstream.ts", []);
let answer = Promise.withResolvers<Measured>();
const load = await startScript<"ready">("load.ts", [], (message) => answer.resolve(message as Measured));

async function ask({ dialect, port }: Contender, workload: Workload): Promise<Measured> {
  answer = Promise.withResolvers();
  load.child.send({
    port,
    workload: { ...workload, requests: Math.ceil(workload.requests) },
    dialect,
  } satisfies Order);
  return await answer.promise;
}

/** us of CPU, for one request (of paced streams: for one event of each) or for the start, by size. */
async function measure({ isOfStart = false, setup, sizes, workload }: Factor): Promise<readonly number[]> {
  const start = async (size: number): Promise<Contender> => {
    const one = await startHelper(upstream.ready.port, setup?.(size) ?? {});
    if (!isOfStart) await ask(one, { ...WARM_UP, requests: 20_000 });
    return one;
  };
  const costs = new Map<number, number[]>(sizes.map((size) => [size, []]));
  if (isOfStart) {
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const size of sizes) {
        const one = await start(size);
        await ask(one, workload(size));
        costs.get(size)?.push(cpuSeconds(one.pid ?? 0) * 1e6);
        await one.stop();
      }
    }
    return sizes.map((size) => medianOf(costs.get(size) ?? []));
  }
  const shared = setup === undefined ? await start(0) : null;
  const own = new Map<number, Contender>();
  for (const size of sizes) own.set(size, shared ?? (await start(size)));
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [size, one] of own) {
      const before = cpuSeconds(one.pid ?? 0);
      const { errors, requests } = await ask(one, workload(size));
      // Of the warm-up some are none: until the breakers are open.
      if (errors > 0) throw new Error(`${errors} of ${requests} answers were none`);
      const us = (cpuSeconds(one.pid ?? 0) - before) * 1e6;
      const { connections, events, kind } = workload(size);
      if (round > 0) costs.get(size)?.push(kind === "paced" ? us / events : us / requests);
      if (round > 0 && kind === "paced" && connections !== requests) throw new Error("a stream was lost");
    }
  }
  await Promise.all([...new Set(own.values())].map((one) => one.stop()));
  return sizes.map((size) => medianOf(costs.get(size) ?? []));
}

try {
  for (const factor of FACTORS.filter(({ name }) => name.includes(only))) {
    const { most, name, sizes, unit } = factor;
    const costs = await measure(factor);
    const slope = slopeOf(sizes, costs);
    const holds = slope <= most + NOISE;
    const cells = sizes.map(
      (size, n) => `${size.toLocaleString("en")}: ${Math.round(costs[n] ?? 0).toLocaleString("en")}`,
    );
    console.log(
      `${holds ? "ok  " : "FAIL"}  ${name}, ${unit}\n      ${cells.join("   ")}\n      slope at the end ${slope.toFixed(2)}, at most ${most}`,
    );
    if (!holds) process.exitCode = 1;
  }
} finally {
  load.child.kill();
  upstream.child.kill();
}
