// Lets the proxy live through hours of a bad day in minutes: upstreams that fail in every way, clients that leave, read
// slowly or stop half-way, files that change. Watches memory, handles and the log.  bun run soak [MINUTES] [--seconds N]
import { mkdtempSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ignoreSystemError } from "../src/base/errors.ts";
import { type LogMark, readLogSince } from "../src/log/marks.ts";
import { freePort } from "../test/helpers/free-port.ts";
import { cpuSeconds, memoryMb } from "./process-cost.ts";
import { clientsOfABadDay } from "./soak-clients.ts";
import { startBadUpstream } from "./soak-upstream.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string" }, program: { type: "string" } },
});
if (process.platform !== "linux") throw new Error("the soak reads /proc: it needs Linux");

const SECONDS = Number(values.seconds ?? Number(positionals[0] ?? 10) * 60);
const CLIENTS = 24;
const CHANGE_MS = 1_500;
/** Once after work, memory is given back. */
const REST_MS = 2_500;
/** In a long run all kept-alive connections are gone before the last look; in a short one they are not. */
const IDLE_MS = Math.min(30_000, SECONDS * 200);
/** The heap breathes, and a young one grows; what counts is where it is going in the long run. */
const GROWTH_MB = SECONDS < 60 ? 60 : 15;
/** At 2,400 requests a second, 72 MB of bodies come in a second, and lie about until the next collection. */
const LARGEST_MB = 350;
const FD_SLACK = IDLE_MS < 25_000 ? 4 * CLIENTS : 6;
/** Idle means idle: a forgotten interval would show. */
const IDLE_CPU_SHARE = 0.03;
const MAIN = join(import.meta.dir, "../src/main.ts");

interface Sample {
  readonly seconds: number;
  readonly rssMb: number;
  readonly fds: number;
}

const home = mkdtempSync(join(tmpdir(), "codex-helper-soak-"));
const own = join(home, "own");
mkdirSync(own, { mode: 0o700 });
const upstreams = [startBadUpstream(0.5), startBadUpstream(0.2), startBadUpstream(0)];
const write = (name: string, content: object): void =>
  writeFileSync(join(own, name), JSON.stringify(content), { mode: 0o600 });

/** The order changes, a rule comes and goes. Idle times are short, so that the silent upstreams are met often. */
function changeFiles(turn: number): void {
  const urls = upstreams.map(({ port }) => `http://127.0.0.1:${port}/v1`);
  const turned = [...urls.slice(turn % 3), ...urls.slice(0, turn % 3)];
  const entries = turned.map((url) => ({ base_url: url, auth: { auth_token: "sk-soak" } }));
  write("config.json", {
    version: 1,
    codex: { active: "soak", configs: { soak: { upstreams: entries } } },
    routing: { open_secs: 0.2, open_max_secs: 1, last_usable_open_secs: 0.1, last_usable_open_max_secs: 0.2 },
    timeouts: { idle_secs: 1, first_byte_secs: 1, first_byte_total_secs: 3, non_stream_secs: 2 },
  });
  write("filter.json", turn % 2 === 0 ? [] : [{ op: "replace", source: "secret-host", target: "[HOST]" }]);
}

changeFiles(0);
/** As often as a relay may be asked: the first time at the start. */
write("usage_providers.json", {
  providers: [
    {
      id: "soak",
      kind: "json_path",
      domains: ["127.0.0.1"],
      endpoint: `http://127.0.0.1:${upstreams[0]?.port}/left`,
      paths: { remaining: "left" },
      poll_interval_secs: 60,
    },
  ],
});
const program = values.program ?? MAIN;
const command = program.endsWith(".ts")
  ? [process.execPath, "--max-http-header-size=65536", program]
  : [program];
const port = freePort();
const child = Bun.spawn([...command, "serve", "--no-switch", "--port", `${port}`], {
  cwd: home,
  env: { HOME: home, CODEX_HELPER_HOME: own, PATH: process.env["PATH"] ?? "" },
  stdio: ["ignore", "ignore", "ignore"],
});

try {
  await listens(port);
  const atFirst = look(0);
  const clients = clientsOfABadDay({ port, count: CLIENTS });
  const samples: Sample[] = [];
  const countLines = lineCounter(join(own, "logs/requests.jsonl"));
  const startedAt = performance.now();
  for (let turn = 1; performance.now() - startedAt < SECONDS * 1_000; turn += 1) {
    await Bun.sleep(Math.min(CHANGE_MS, SECONDS * 100));
    changeFiles(turn);
    await countLines();
    samples.push(look((performance.now() - startedAt) / 1_000));
  }
  const counts = await clients.stop();
  await Bun.sleep(REST_MS);
  const cpuBefore = cpuSeconds(child.pid);
  await Bun.sleep(IDLE_MS);
  const idleShare = (cpuSeconds(child.pid) - cpuBefore) / (IDLE_MS / 1_000);
  const atLast = look(SECONDS);
  const later = samples.slice(Math.floor(samples.length / 2));
  const grownMb = slope(later) * ((later.at(-1)?.seconds ?? 0) - (later[0]?.seconds ?? 0));
  const lines = await countLines();
  const peakMb = Math.max(...samples.map(({ rssMb }) => rssMb));
  const polls = upstreams.reduce((sum, upstream) => sum + upstream.polls(), 0);
  const mostFds = Math.max(...samples.map(({ fds }) => fds));
  const checks: readonly (readonly [string, string, boolean])[] = [
    [
      "requests",
      Object.entries(counts.byEnd)
        .map(([end, count]) => `${count} ${end}`)
        .join(", "),
      true,
    ],
    ["lines in the log", `${lines} for ${counts.started} requests`, lines === counts.started],
    ["balances asked for", `${polls}`, polls > 0],
    [
      "memory",
      `${atFirst.rssMb} MB, at most ${peakMb}, ${atLast.rssMb} when idle again`,
      peakMb <= LARGEST_MB,
    ],
    ["growth in the second half", `${grownMb.toFixed(1)} MB`, grownMb <= GROWTH_MB],
    [
      "file handles",
      Number.isNaN(mostFds)
        ? "shown to root only"
        : `${atFirst.fds}, at most ${mostFds}, ${atLast.fds} when idle again`,
      Number.isNaN(mostFds) || atLast.fds <= atFirst.fds + FD_SLACK,
    ],
    ["CPU when idle again", `${(idleShare * 100).toFixed(1)} %`, idleShare <= IDLE_CPU_SHARE],
    [
      "still running",
      child.exitCode === null ? "yes" : `ended with ${child.exitCode}`,
      child.exitCode === null,
    ],
  ];
  for (const [what, figure, holds] of checks) console.log(`${holds ? "ok  " : "FAIL"} ${what}: ${figure}`);
  process.exitCode = checks.every(([, , holds]) => holds) ? 0 : 1;
} finally {
  child.kill("SIGTERM");
  await child.exited;
  for (const upstream of upstreams) upstream.stop();
  rmSync(home, { recursive: true, force: true });
}

function look(seconds: number): Sample {
  // The proxy keeps them from everybody but root, with its memory.
  const fds = ignoreSystemError(() => readdirSync(`/proc/${child.pid}/fd`).length, Number.NaN);
  return { seconds, rssMb: memoryMb(child.pid).now, fds };
}

/** MB a second: the median of the slopes between all pairs (Theil and Sen), which a few peaks do not move. */
function slope(samples: readonly Sample[]): number {
  const slopes = samples.flatMap((one, place) =>
    samples.slice(place + 1).map((other) => (other.rssMb - one.rssMb) / (other.seconds - one.seconds)),
  );
  return slopes.toSorted((one, other) => one - other)[Math.floor(slopes.length / 2)] ?? 0;
}

/** Asked again and again it counts all lines that were ever written: of a long day's log only the last files are kept. */
function lineCounter(path: string): () => Promise<number> {
  let marks: readonly LogMark[] = [];
  let lines = 0;
  return async () => {
    const read = await readLogSince(path, marks, { readAt: null, onLine: () => (lines += 1) });
    marks = read ?? marks;
    return lines;
  };
}

async function listens(at: number): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      (await Bun.connect({ hostname: "127.0.0.1", port: at, socket: { data() {} } })).end();
      return;
    } catch (error) {
      if (tries > 1_000) throw error;
      await Bun.sleep(10);
    }
  }
}
