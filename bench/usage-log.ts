// What a summary of a large log costs, next to jq doing one group-by on the same file, and what it costs with models whose
// prices depend on the size of a request, its date or its hour, next to flat ones: time, CPU and peak memory.
// bun bench/usage-log.ts [LINES]   (jq must be installed; writes 2 KB a line into a temporary directory)
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LogEntry, makeLogLine } from "../src/log/entry.ts";
import { memoryMb } from "./process-cost.ts";

const LINES = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = 5;
const LOOK_EVERY_MS = 10;
const MAIN = join(import.meta.dir, "../src/main.ts");
const JQ_GROUP_BY =
  'reduce inputs as $r ({}; .[$r.config_name // "-"] |= (.requests += 1 | .total += ($r.usage.total_tokens // 0)))';

const RELAYS = ["https://relay.example/v1", "https://backup.example/api/v1", "https://中转.example/v1"];
const MODELS = {
  mixed: ["gpt-6-sol", "gpt-6-luna", "gpt-5.5-codex-high", "claude-opus-5-5", "relay-own-model"],
  flat: ["gpt-5", "gpt-5-mini", "gpt-5.1"],
  tiered: ["gpt-5.4", "gpt-5.5", "gpt-5.6"],
  hourly: ["deepseek-v4-pro"],
} as const;

/** What a log contains after a year: both services, failovers, errors, other requests. */
function makeEntry(index: number, models: readonly string[]): LogEntry {
  const isClaude = index % 3 === 0;
  const hasFailed = index % 17 === 0;
  const upstream = RELAYS[index % RELAYS.length] ?? "";
  const input = 1000 + ((index * 7919) % 380_000);
  const output = 50 + ((index * 104_729) % 4000);
  const cached = isClaude ? input * 4 : Math.floor(input * 0.8);
  return {
    timestamp_ms: Date.UTC(2026, 0) + index * 30_000,
    service: isClaude ? "claude" : "codex",
    method: "POST",
    path: isClaude ? "/v1/messages" : "/v1/responses",
    status_code: hasFailed ? 503 : 200,
    duration_ms: 4000 + ((index * 31) % 60_000),
    config_name: ["main", "work", "backup"][index % 3] ?? null,
    upstream_base_url: upstream,
    ...(hasFailed
      ? {}
      : {
          usage: {
            input_tokens: input,
            output_tokens: output,
            reasoning_tokens: Math.floor(output / 3),
            total_tokens: input + output + (isClaude ? cached : 0),
            cached_input_tokens: cached,
          },
        }),
    id: `m${index.toString(36).padStart(14, "0")}`,
    model: models[(index * 13) % models.length] ?? "",
    session_id: `0198a7c1-7b1e-7000-8000-${String(Math.floor(index / 200)).padStart(12, "0")}`,
    ttfb_ms: 300 + ((index * 17) % 5000),
    stream: true,
    outcome: hasFailed ? "error" : "ok",
    ...(hasFailed || index % 23 === 0
      ? {
          attempts: [
            {
              upstream_base_url: "https://first.example/v1",
              status_code: 503,
              error: 'the relay said: {"error":{"message":"no channel is available for this model"}}',
              verdict: "no-channel",
              duration_ms: 210,
            },
            { upstream_base_url: upstream, status_code: 200, verdict: "ok", duration_ms: 4000 },
          ],
        }
      : {}),
    ...(hasFailed ? { error: "all upstreams failed: first.example (503), relay.example (503)" } : {}),
  };
}

function writeLog(path: string, models: readonly string[]): void {
  const fd = openSync(path, "w", 0o600);
  let lines: string[] = [];
  for (let index = 0; index < LINES; index += 1) {
    lines.push(makeLogLine(makeEntry(index, models)));
    if (lines.length < 10_000 && index < LINES - 1) continue;
    writeSync(fd, lines.join(""));
    lines = [];
  }
  closeSync(fd);
}

interface Command {
  readonly name: string;
  readonly command: readonly string[];
  readonly home: string;
}

interface Run {
  readonly secs: number;
  readonly cpuSecs: number;
  readonly peakMb: number;
}

async function run(command: readonly string[], home: string): Promise<Run> {
  const start = performance.now();
  const child = Bun.spawn([...command], {
    env: { ...process.env, CODEX_HELPER_HOME: home },
    stdout: "ignore",
    stderr: "inherit",
  });
  let peakMb = 0;
  const looking = setInterval(() => (peakMb = Math.max(peakMb, peakOf(child.pid))), LOOK_EVERY_MS);
  const code = await child.exited;
  clearInterval(looking);
  if (code !== 0) throw new Error(`${command[0]} failed`);
  const secs = (performance.now() - start) / 1000;
  return { secs, cpuSecs: Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1e6, peakMb };
}

/** The system's own figure for an ended child counts its parent's memory, too. */
function peakOf(pid: number): number {
  try {
    return memoryMb(pid).peak;
  } catch {
    return 0;
  }
}

interface Measured extends Run {
  readonly name: string;
}

/** Medians, and the highest peak, of runs that take turns: all of them see the same machine. */
async function measure(commands: readonly Command[]): Promise<Measured[]> {
  const runs = commands.map((): Run[] => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, { command, home }] of commands.entries()) runs[index]?.push(await run(command, home));
  }
  return commands.map(({ name }, index) => {
    const own = runs[index] ?? [];
    const median = (read: (one: Run) => number): number =>
      own.map(read).toSorted((a, b) => a - b)[own.length >> 1] ?? 0;
    return {
      name,
      secs: median(({ secs }) => secs),
      cpuSecs: median(({ cpuSecs }) => cpuSecs),
      peakMb: Math.max(...own.map(({ peakMb }) => peakMb)),
    };
  });
}

function show(measured: readonly Measured[], ratio: (one: Measured) => string): void {
  for (const one of measured) {
    console.log(
      `${one.name.padEnd(36)} ${one.secs.toFixed(2).padStart(6)} s  ${one.cpuSecs.toFixed(2).padStart(6)} s CPU  ` +
        `${Math.round(one.peakMb).toString().padStart(4)} MB  ${ratio(one)}`,
    );
  }
}

/** What all runs of one took, over what the first of them took. */
const ratioTo = (first: Measured | undefined, of: (one: Run) => number) => (one: Measured) =>
  first === undefined ? 0 : of(one) / of(first);

const summary = (by: string): string[] => [process.execPath, MAIN, "usage", "summary", "--by", by, "--json"];

const root = mkdtempSync(join(tmpdir(), "codex-helper-usage-log-"));
try {
  const homes = Object.entries(MODELS).map(([kind, models]) => {
    const home = join(root, kind);
    mkdirSync(join(home, "logs"), { recursive: true });
    writeLog(join(home, "logs/requests.jsonl"), models);
    return { kind, home };
  });
  const [mixed] = homes;
  const home = mixed?.home ?? root;
  const log = join(home, "logs/requests.jsonl");
  console.log(`${LINES} lines, ${Math.round(statSync(log).size / 1e6)} MB, medians of ${ROUNDS} runs\n`);
  const byGroup = await measure([
    { name: "jq, requests and tokens by config", command: ["jq", "-n", "-c", JQ_GROUP_BY, log], home },
    ...["config", "model", "day", "session"].map((by) => ({
      name: `ch usage summary --by ${by}`,
      command: summary(by),
      home,
    })),
  ]);
  const [jq] = byGroup;
  show(byGroup, (one) => `${(1 / ratioTo(jq, ({ secs }) => secs)(one)).toFixed(1).padStart(5)} x jq`);
  console.log("\nhow prices change the time; wanted: tiered at most 1.3 x flat, hourly 1.5 x, 100 MB\n");
  const byPrice = await measure(
    homes
      .slice(1)
      .map(({ kind, home: own }) => ({ name: `${kind} prices`, command: summary("config"), home: own })),
  );
  const [flat] = byPrice;
  show(byPrice, (one) => {
    const [secs, cpu] = [ratioTo(flat, (run) => run.secs)(one), ratioTo(flat, (run) => run.cpuSecs)(one)];
    return `${secs.toFixed(2)} x flat, ${cpu.toFixed(2)} x its CPU`;
  });
} finally {
  rmSync(root, { recursive: true, force: true });
}
