// How soon the compiled program is there: its short commands, and `ch serve` until it listens and until it has said so, beside
// `bun --version` and programs of one line. Interleaved rounds, medians; processor time is the steadier one.  bun bench/start.ts
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "../build.ts";
import { freePort } from "../test/helpers/free-port.ts";

const ROUNDS = 25;
const MIB = 2 ** 20;
const BETWEEN_MS = 0.3;
const MOST_TRIES = 10_000;

interface Contender {
  readonly name: string;
  readonly command: readonly string[];
  /** Ends the measurement at this text on stderr, or when this port accepts a connection, instead of at the program's end. */
  readonly until?: string | number;
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
  await (typeof until === "number" ? accepts(until) : says(child.stderr, until));
  const wallMs = performance.now() - start;
  child.kill("SIGKILL");
  await child.exited;
  return { wallMs, cpuMs: cpuMs() };
}

async function says(stream: ReadableStream<Uint8Array>, wanted: string): Promise<void> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes(wanted)) return;
  }
  throw new Error(`it ended without "${wanted}":\n${text}`);
}

async function accepts(port: number): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      (await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } })).end();
      return;
    } catch (error) {
      if (tries > MOST_TRIES) throw error;
      await Bun.sleep(BETWEEN_MS);
    }
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

try {
  build(null, home);
  const compile = (name: string, text: string): string => {
    const file = join(home, name);
    writeFileSync(`${file}.ts`, text);
    Bun.spawnSync([process.execPath, "build", "--compile", "--bytecode", `${file}.ts`, `--outfile=${file}`]);
    return file;
  };
  const hello = compile("hello", 'console.log("hello");\n');
  const server = compile(
    "server",
    'Bun.serve({ hostname: "127.0.0.1", port: Number(process.argv[2]), fetch: () => new Response() });\n',
  );
  const [barePort, port] = [freePort(), freePort()];
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
    { name: "Bun.serve alone, listening", command: [server, String(barePort)], until: barePort },
    { name: "ch --version", command: [ch, "--version"] },
    { name: "ch statusline", command: [ch, "statusline"] },
    { name: "ch completion names", command: [ch, "completion", "names", "targets"] },
    { name: "ch config list", command: [ch, "config", "list"] },
    { name: "ch status", command: [ch, "status"] },
    {
      name: "ch serve, listening",
      command: [ch, "serve", "--no-switch", "--port", String(port)],
      until: port,
    },
    {
      name: "ch serve, says so",
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
  process.stdout.write(`${"".padEnd(28)}${"wall ms".padStart(10)}${"cpu ms".padStart(10)}\n`);
  for (const [name, samples] of times) {
    const cells = [samples.map(({ wallMs }) => wallMs), samples.map(({ cpuMs }) => cpuMs)].map(median);
    process.stdout.write(`${name.padEnd(28)}${cells.map((ms) => ms.toFixed(1).padStart(10)).join("")}\n`);
  }
  for (const [name, file] of [
    ["hello", hello],
    ["codex-helper", ch],
  ] as const) {
    process.stdout.write(`${name.padEnd(28)}${(statSync(file).size / MIB).toFixed(1).padStart(10)} MiB\n`);
  }
} finally {
  rmSync(home, { recursive: true });
}
