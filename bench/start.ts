// How soon the compiled program is there: `ch --version`, and `ch serve` until it listens, beside `bun --version` and a
// program of one line. Interleaved rounds, medians; processor time is the steadier one.  bun bench/start.ts
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "../build.ts";
import { freePort } from "../test/helpers/free-port.ts";

const ROUNDS = 25;
const MIB = 2 ** 20;

interface Contender {
  readonly name: string;
  readonly command: readonly string[];
  /** Ends the measurement at this text on stderr instead of at the program's end. */
  readonly until?: string;
}

const home = mkdtempSync(join(tmpdir(), "codex-helper-start-"));
const env = { HOME: home, PATH: process.env["PATH"] ?? "" };

interface Sample {
  readonly wallMs: number;
  /** Of the whole process, which for a server is a little more than it took to listen. */
  readonly cpuMs: number;
}

async function measure({ command, until }: Contender): Promise<Sample> {
  const start = performance.now();
  const child = Bun.spawn([...command], {
    cwd: home,
    env,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const cpuMs = (): number => Number(child.resourceUsage()?.cpuTime.total ?? 0n) / 1_000;
  if (until === undefined) {
    await child.exited;
    return { wallMs: performance.now() - start, cpuMs: cpuMs() };
  }
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stderr) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes(until)) break;
  }
  const wallMs = performance.now() - start;
  child.kill("SIGKILL");
  await child.exited;
  if (!text.includes(until)) throw new Error(`it ended without "${until}":\n${text}`);
  return { wallMs, cpuMs: cpuMs() };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

try {
  build(null, home);
  const hello = join(home, "hello");
  writeFileSync(`${hello}.ts`, 'console.log("hello");\n');
  Bun.spawnSync([process.execPath, "build", "--compile", `${hello}.ts`, `--outfile=${hello}`]);
  const ch = join(home, "codex-helper");
  const add = [
    "config",
    "add",
    "main",
    "--base-url",
    "https://relay.example/v1",
    "--auth-token",
    "sk-nobody",
  ];
  Bun.spawnSync([ch, ...add], { env });
  const contenders: readonly Contender[] = [
    { name: "bun --version", command: [process.execPath, "--version"] },
    { name: "a program of one line", command: [hello] },
    { name: "ch --version", command: [ch, "--version"] },
    { name: "ch config list", command: [ch, "config", "list"] },
    { name: "ch status", command: [ch, "status"] },
    {
      name: "ch serve, listening",
      command: [ch, "serve", "--no-switch", "--port", String(freePort())],
      until: "on http://",
    },
  ];
  const times = new Map(contenders.map(({ name }) => [name, [] as Sample[]]));
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const contender of contenders) {
      const sample = await measure(contender);
      // The first one warms up.
      if (round > 0) times.get(contender.name)?.push(sample);
    }
  }
  process.stdout.write(`${"".padEnd(24)}${"wall ms".padStart(10)}${"cpu ms".padStart(10)}\n`);
  for (const [name, samples] of times) {
    const cells = [samples.map(({ wallMs }) => wallMs), samples.map(({ cpuMs }) => cpuMs)].map(median);
    process.stdout.write(`${name.padEnd(24)}${cells.map((ms) => ms.toFixed(1).padStart(10)).join("")}\n`);
  }
  for (const [name, file] of [
    ["hello", hello],
    ["codex-helper", ch],
  ] as const) {
    process.stdout.write(`${name.padEnd(24)}${(statSync(file).size / MIB).toFixed(1).padStart(10)} MiB\n`);
  }
} finally {
  rmSync(home, { recursive: true });
}
