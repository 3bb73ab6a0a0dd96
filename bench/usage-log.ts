// What a summary of a large log costs, next to jq doing one group-by on the same file: time and peak memory.
// bun bench/usage-log.ts [LINES]   (jq must be installed; writes 500 bytes a line into a temporary directory)
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LogEntry, makeLogLine } from "../src/log/entry.ts";
import { memoryMb } from "./process-cost.ts";

const LINES = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = 3;
const LOOK_EVERY_MS = 10;
const MAIN = join(import.meta.dir, "../src/main.ts");
const JQ_GROUP_BY =
  'reduce inputs as $r ({}; .[$r.config_name // "-"] |= (.requests += 1 | .total += ($r.usage.total_tokens // 0)))';

const RELAYS = ["https://relay.example/v1", "https://backup.example/api/v1", "https://中转.example/v1"];
const MODELS = ["gpt-6-sol", "gpt-6-luna", "gpt-5.5-codex-high", "claude-opus-5-5", "relay-own-model"];

/** A spread of what a log holds in a year: both services, failovers, errors, other requests. */
function makeEntry(index: number): LogEntry {
  const isClaude = index % 3 === 0;
  const hasFailed = index % 17 === 0;
  const upstream = RELAYS[index % RELAYS.length] ?? "";
  const input = 1000 + ((index * 7919) % 180_000);
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
    model: MODELS[(index * 13) % MODELS.length] ?? "",
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

function writeLog(path: string): void {
  const fd = openSync(path, "w", 0o600);
  let lines: string[] = [];
  for (let index = 0; index < LINES; index += 1) {
    lines.push(makeLogLine(makeEntry(index)));
    if (lines.length < 10_000 && index < LINES - 1) continue;
    writeSync(fd, lines.join(""));
    lines = [];
  }
  closeSync(fd);
}

interface Run {
  readonly secs: number;
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
  return { secs: (performance.now() - start) / 1000, peakMb };
}

/** The system's own figure for an ended child counts its parent's memory, too. */
function peakOf(pid: number): number {
  try {
    return memoryMb(pid).peak;
  } catch {
    return 0;
  }
}

/** The fastest time and the highest peak of some runs. */
async function measure(command: readonly string[], home: string): Promise<Run> {
  const runs: Run[] = [];
  for (let round = 0; round < ROUNDS; round += 1) runs.push(await run(command, home));
  return {
    secs: Math.min(...runs.map(({ secs }) => secs)),
    peakMb: Math.max(...runs.map((one) => one.peakMb)),
  };
}

const home = mkdtempSync(join(tmpdir(), "codex-helper-usage-log-"));
try {
  const path = join(home, "logs/requests.jsonl");
  mkdirSync(join(home, "logs"));
  writeLog(path);
  console.log(`${LINES} lines, ${Math.round(statSync(path).size / 1e6)} MB, the best of ${ROUNDS} runs\n`);
  const jq = await measure(["jq", "-n", "-c", JQ_GROUP_BY, path], home);
  const show = (name: string, { secs, peakMb }: Run): void =>
    console.log(
      `${name.padEnd(36)} ${secs.toFixed(2).padStart(6)} s  ${Math.round(peakMb).toString().padStart(4)} MB  ` +
        `${(jq.secs / secs).toFixed(1).padStart(5)} x jq`,
    );
  show("jq, requests and tokens by config", jq);
  for (const by of ["config", "model", "day", "session"]) {
    const command = [process.execPath, MAIN, "usage", "summary", "--by", by, "--json"];
    show(`ch usage summary --by ${by}`, await measure(command, home));
  }
} finally {
  rmSync(home, { recursive: true, force: true });
}
