// Compares the proxy with a minimal one, with nginx and with no proxy at all, as ratios taken in one run: interleaved
// rounds, medians.  bun bench/run.ts [--quick] [--json FILE] [--only WORDS]
import { parseArgs } from "node:util";
import { type Contender, startContenders, startScript } from "./contenders.ts";
import { cpuSeconds, memoryMb } from "./process-cost.ts";
import { type Measured, type Order, type Workload, workloads } from "./wire.ts";

interface Sample extends Measured {
  readonly cpuSeconds: number;
}

interface Row {
  readonly workload: string;
  readonly contender: string;
  readonly requestsPerSecond: number;
  /** Of the proxy, per request. */
  readonly cpuUs: number;
  /** The same per event of a stream; null for JSON. */
  readonly cpuUsPerEvent: number | null;
  /** As a multiple of the minimal proxy's and of nginx's; null where there is none. */
  readonly cpuToMinimal: number | null;
  readonly cpuToNginx: number | null;
  /** Over the direct connection's, us. */
  readonly addedTtfbP50: number;
  readonly addedTtfbP99: number;
  /** Over the direct connection's, us, for paced streams; null for others. */
  readonly addedEventP50: number | null;
  readonly addedEventP99: number | null;
  readonly errors: number;
}

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    only: { type: "string", default: "" },
  },
});
if (process.platform !== "linux") throw new Error("the bench reads /proc: it needs Linux");

const ROUNDS = options.quick ? 3 : 7;
const chosen = workloads(options.quick).filter(({ name }) => name.includes(options.only));
const samples = new Map<string, Sample[]>();

const upstream = await startScript<{ port: number }>("upstream.ts", []);
const { contenders, missing } = await startContenders(upstream.ready.port);
let answer = Promise.withResolvers<Measured>();
const load = await startScript<"ready">("load.ts", [], (message) => answer.resolve(message as Measured));

async function measure(contender: Contender, workload: Workload): Promise<Sample> {
  const before = contender.pid === null ? 0 : cpuSeconds(contender.pid);
  answer = Promise.withResolvers();
  load.child.send({ port: contender.port, workload } satisfies Order);
  const measured = await answer.promise;
  const after = contender.pid === null ? 0 : cpuSeconds(contender.pid);
  return { ...measured, cpuSeconds: after - before };
}

try {
  const idle = memories();
  // Round 0 warms everything up and is not counted.
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const workload of chosen) {
      for (const contender of contenders) {
        const sample = await measure(contender, workload);
        if (round > 0) push(`${workload.name}|${contender.name}`, sample);
      }
    }
    process.stderr.write(`round ${round} of ${ROUNDS}\n`);
  }
  const rows = chosen.flatMap((workload) => contenders.map((contender) => makeRow(workload, contender)));
  const memory = memories().map((after, place) => ({ ...after, idle: idle[place]?.now ?? 0 }));
  show(rows, memory);
  if (options.json !== undefined) {
    await Bun.write(options.json, JSON.stringify({ rounds: ROUNDS, missing, rows, memory }, null, 2));
  }
} finally {
  load.child.kill();
  await Promise.all(contenders.map((contender) => contender.stop()));
  upstream.child.kill();
}

function push(key: string, sample: Sample): void {
  samples.set(key, [...(samples.get(key) ?? []), sample]);
}

function memories(): { name: string; now: number; peak: number }[] {
  return contenders.flatMap(({ name, pid }) => (pid === null ? [] : [{ name, ...memoryMb(pid) }]));
}

function median(workload: Workload, contender: string, read: (sample: Sample) => number): number {
  const all = (samples.get(`${workload.name}|${contender}`) ?? []).map(read);
  return all.toSorted((one, other) => one - other)[Math.floor(all.length / 2)] ?? 0;
}

function makeRow(workload: Workload, { name }: Contender): Row {
  const of = (read: (sample: Sample) => number, contender = name): number =>
    median(workload, contender, read);
  const added = (read: (sample: Sample) => number): number => of(read) - of(read, "direct");
  const cpu = (contender: string): number =>
    of((sample) => (sample.cpuSeconds * 1e6) / sample.requests, contender);
  const ratio = (other: string): number | null =>
    name === "direct" || cpu(other) === 0 ? null : cpu(name) / cpu(other);
  const isPaced = workload.kind === "paced";
  return {
    workload: workload.name,
    contender: name,
    requestsPerSecond: of((sample) => sample.requests / sample.seconds),
    cpuUs: cpu(name),
    cpuUsPerEvent: workload.events === 0 ? null : cpu(name) / workload.events,
    cpuToMinimal: ratio("minimal Bun"),
    cpuToNginx: ratio("nginx"),
    addedTtfbP50: added((sample) => sample.ttfbP50),
    addedTtfbP99: added((sample) => sample.ttfbP99),
    addedEventP50: isPaced ? added((sample) => sample.eventP50) : null,
    addedEventP99: isPaced ? added((sample) => sample.eventP99) : null,
    errors: of((sample) => sample.errors),
  };
}

function show(
  rows: readonly Row[],
  memory: readonly { name: string; now: number; peak: number; idle: number }[],
): void {
  const cell = (value: number | null, digits = 0): string => (value === null ? "-" : value.toFixed(digits));
  const heads = [
    "proxy",
    "req/s",
    "CPU us",
    "us/event",
    "x minimal",
    "x nginx",
    "+ttfb p50",
    "p99",
    "+event p50",
    "p99",
    "errors",
  ];
  const line = (cells: readonly string[]): string =>
    cells.map((text, place) => (place === 0 ? text.padEnd(14) : text.padStart(10))).join(" ");
  for (const { name } of chosen) {
    console.log(`\n${name}`);
    console.log(line(heads));
    for (const row of rows.filter(({ workload }) => workload === name)) {
      console.log(
        line([
          row.contender,
          cell(row.requestsPerSecond),
          cell(row.cpuUs, 1),
          cell(row.cpuUsPerEvent, 2),
          cell(row.cpuToMinimal, 2),
          cell(row.cpuToNginx, 2),
          cell(row.addedTtfbP50),
          cell(row.addedTtfbP99),
          cell(row.addedEventP50),
          cell(row.addedEventP99),
          cell(row.errors),
        ]),
      );
    }
  }
  console.log(
    `\nMemory, MB: ${memory.map(({ idle, name, now, peak }) => `${name} ${idle} idle, ${now} now, ${peak} peak`).join("; ")}`,
  );
  for (const words of missing) console.log(words);
  console.log(
    `Medians of ${ROUNDS} rounds; CPU of the proxy's process per request; times in us over the direct connection's.`,
  );
}
