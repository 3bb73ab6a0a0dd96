// Compares the proxy with others and with none at all, as ratios taken in one run: interleaved rounds, medians.
// docs/performance.md says how to read it, and what a peer's command gets.
// bun run bench [--quick] [--only WORDS] [--peer "NAME=COMMAND"]... [--json FILE] [--picture FILE]
// bun run bench --gate [--keep]     only us and the minimal proxy, against bench/ratios.json; --keep writes that file
import { join } from "node:path";
import { parseArgs } from "node:util";
import { listBudgets } from "./budgets.ts";
import { type Contender, findPrograms, type Program, startScript, timeCommand } from "./contenders.ts";
import {
  measureCrowd,
  measureFirst,
  measureLeaving,
  measureStalling,
  type DifficultClients,
} from "./difficult-clients.ts";
import { describeVerdicts, judge, type Kept, readRatios } from "./gate.ts";
import { parsePeer } from "./given-peers.ts";
import { describeMachine } from "./machine.ts";
import { makePicture } from "./picture.ts";
import { cpuSeconds, memoryMb } from "./process-cost.ts";
import {
  type CommandTime,
  describe,
  makeRows,
  medianOf,
  type Memory,
  type Report,
  type Sample,
} from "./report.ts";
import { MANY_STREAMS, type Measured, type Order, WARM_UP, type Workload, workloads } from "./wire.ts";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    json: { type: "string" },
    picture: { type: "string" },
    peer: { type: "string", multiple: true, default: [] },
    "peer-header": { type: "string", multiple: true, default: [] },
    gate: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});
const given = options.peer.map((text) => parsePeer(text, options["peer-header"]));
if (process.platform !== "linux") throw new Error("the bench reads /proc: it needs Linux");

const ROUNDS = options.quick ? 3 : 5;
/** Whoever gives memory back does so in the quiet after work. */
const REST_MS = 3_000;
const TODAY = new Date().toISOString().slice(0, 10);
const RATIOS = join(import.meta.dir, "ratios.json");
const STARTS = options.quick ? 5 : 15;
/** A thirtieth of the speed: a tenth of the requests says as much. */
const PEER_SHARE = 0.1;

const built = Bun.spawnSync([process.execPath, "build.ts"], { cwd: `${import.meta.dir}/..` });
if (!built.success) throw new Error(`the build failed: ${built.stderr.toString()}`);

let closed = Promise.withResolvers<number>();
const upstream = await startScript<{ port: number }>("upstream.ts", [], (message) =>
  closed.resolve((message as { closedAt: number }).closedAt),
);
let answer = Promise.withResolvers<Measured>();
const load = await startScript<"ready">("load.ts", [], (message) => answer.resolve(message as Measured));
const running: Contender[] = [];

try {
  const { missing, programs } = await findPrograms(upstream.ready.port, { given, isOwnOnly: options.gate });
  const chosen = workloads(options.quick || options.gate).filter(({ name }) => name.includes(options.only));
  if (options.gate) await holdGate(programs, chosen);
  else await compare(programs, missing, chosen);
} finally {
  load.child.kill();
  await Promise.all(running.map((contender) => contender.stop()));
  upstream.child.kill();
}

async function compare(
  programs: readonly Program[],
  missing: readonly string[],
  chosen: readonly Workload[],
): Promise<void> {
  const commands = measureCommands();
  const { firsts, starts } = await measureStarts(programs);
  for (const program of programs) running.push(await program.start());
  const idle = running.map(({ pid }) => (pid === null ? 0 : memoryMb(pid).now));
  const samples = await measureRounds(chosen);
  const memory = await measureMemory(idle);
  const difficult = await measureDifficultClients(firsts);
  const ch = running.find(({ name }) => name === "ch");
  const crowd = ch === undefined ? null : await measureCrowd(ch);
  const report: Report = {
    date: TODAY,
    machine: describeMachine(
      Object.fromEntries(options.peer.map((text) => [parsePeer(text, []).name, text])),
    ),
    rounds: ROUNDS,
    missing,
    rows: makeRows(chosen, running, samples),
    memory,
    difficult,
    crowd,
    starts,
    commands,
  };
  console.log(describe(report, listBudgets(report)));
  if (options.json !== undefined)
    await Bun.write(
      options.json,
      `${JSON.stringify({ ...report, samples: Object.fromEntries(samples) }, null, 2)}\n`,
    );
  if (options.picture !== undefined) await Bun.write(options.picture, makePicture(report));
}

/** Ends with 1 where a ratio has grown past its bound. */
async function holdGate(programs: readonly Program[], chosen: readonly Workload[]): Promise<void> {
  for (const program of programs) running.push(await program.start());
  const ratios = readRatios(makeRows(chosen, running, await measureRounds(chosen)));
  if (options.keep) {
    const { cores, cpu } = describeMachine({});
    await Bun.write(
      RATIOS,
      `${JSON.stringify({ date: TODAY, machine: `${cores} x ${cpu}`, ratios } satisfies Kept, null, 2)}\n`,
    );
  }
  const kept = (await Bun.file(RATIOS).json()) as Kept;
  const wanted = Object.entries(kept.ratios).filter(([name]) => name.includes(options.only));
  const verdicts = judge(ratios, { ...kept, ratios: Object.fromEntries(wanted) });
  console.log(describeVerdicts(verdicts));
  if (verdicts.some(({ holds }) => !holds)) process.exitCode = 1;
}

/** Round 0 is not counted, nor what comes before it: a just-in-time compiler needs tens of thousands of requests to be done. */
async function measureRounds(chosen: readonly Workload[]): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const samples = new Map<string, Sample[]>();
  for (const contender of running) await measure(contender, shareOf(WARM_UP, contender));
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const workload of chosen) {
      for (const contender of running) {
        if (!contender.kinds.includes(workload.kind)) continue;
        const sample = await measure(contender, shareOf(workload, contender));
        if (round === 0) continue;
        const key = `${workload.name}|${contender.name}`;
        samples.set(key, [...(samples.get(key) ?? []), sample]);
      }
    }
    process.stderr.write(`round ${round} of ${ROUNDS}\n`);
  }
  return samples;
}

function shareOf(workload: Workload, { isSlow }: Contender): Workload {
  if (!isSlow || workload.kind === "paced") return workload;
  const { connections, requests } = workload;
  return { ...workload, requests: Math.max(connections, Math.ceil(requests * PEER_SHARE)) };
}

async function measure({ dialect, pid, port }: Contender, workload: Workload): Promise<Sample> {
  const before = pid === null ? 0 : cpuSeconds(pid);
  answer = Promise.withResolvers();
  load.child.send({ port, workload, dialect } satisfies Order);
  const measured = await answer.promise;
  const after = pid === null ? 0 : cpuSeconds(pid);
  return { ...measured, cpuSeconds: after - before };
}

/** `idle`: before the first request, MB. */
async function measureMemory(idle: readonly number[]): Promise<readonly Memory[]> {
  const all: { name: string; pid: number; idle: number; streaming: number }[] = [];
  for (const [place, contender] of running.entries()) {
    const { kinds, name, pid } = contender;
    if (pid === null) continue;
    let streaming = 0;
    if (kinds.includes("paced")) {
      const streams = measure(contender, MANY_STREAMS);
      const timer = setInterval(() => {
        streaming = Math.max(streaming, memoryMb(pid).now);
      }, 100);
      await streams;
      clearInterval(timer);
    }
    all.push({ name, pid, idle: idle[place] ?? 0, streaming });
  }
  await Bun.sleep(REST_MS);
  return all.map(({ pid, ...memory }) => ({ ...memory, after: memoryMb(pid).now }));
}

async function measureStarts(
  programs: readonly Program[],
): Promise<{ readonly starts: readonly CommandTime[]; readonly firsts: ReadonlyMap<string, number[]> }> {
  const times = new Map<string, number[]>();
  const firsts = new Map<string, number[]>();
  for (let round = 0; round < STARTS; round += 1) {
    for (const program of programs) {
      if (program.name === "direct" || program.name.includes(",")) continue;
      const contender = await program.start();
      times.set(program.name, [...(times.get(program.name) ?? []), contender.listeningMs]);
      firsts.set(program.name, [...(firsts.get(program.name) ?? []), await measureFirst(contender)]);
      await contender.stop();
    }
  }
  return { starts: [...times].map(([name, ms]) => ({ name, ms: medianOf(ms) })), firsts };
}

async function measureDifficultClients(
  firsts: ReadonlyMap<string, number[]>,
): Promise<readonly DifficultClients[]> {
  const all: DifficultClients[] = [];
  for (const contender of running) {
    const { kinds, name, pid } = contender;
    if (pid === null || name.includes(",")) continue;
    const streams = kinds.includes("paced");
    const nextClosed = (): Promise<number> => {
      closed = Promise.withResolvers();
      return closed.promise;
    };
    all.push({
      name,
      leaveMs: streams ? await measureLeaving(contender, nextClosed) : null,
      stalledMb: streams ? await measureStalling(contender) : null,
      firstMs: medianOf(firsts.get(name) ?? []),
    });
  }
  return all;
}

function measureCommands(): readonly CommandTime[] {
  const commands = [
    { name: "ch --version", args: ["--version"] },
    { name: "ch status", args: ["status"] },
    { name: "ch statusline", args: ["statusline", "--claude"] },
    { name: "ch statusline, Chinese", args: ["statusline", "--claude"], language: "zh_CN.UTF-8" },
  ];
  return commands.map(({ name, ...command }) => ({ name, ms: medianOf(timeCommand(command, STARTS)) }));
}
