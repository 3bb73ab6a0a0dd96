// How long `ch session` takes on years of history, beside `ls -R` on the same tree: `bun bench/sessions.ts [SESSIONS]`.
// Makes about 1 GB of session files in a temporary directory and removes them. Needs `bun run build` before.
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  makeRollout,
  makeSessionId,
  makeTranscript,
  rolloutPath,
  type SessionShape,
  transcriptPath,
} from "../test/helpers/session-files.ts";
import { memoryMb } from "./process-cost.ts";

const PROGRAM = join(import.meta.dir, "../dist/codex-helper");
const SESSIONS = Number(process.argv[2] ?? 50_000);
const DAYS = 3 * 365;
const PROJECTS = 20;
const DAY_MS = 86_400_000;
const HUGE_BYTES = 500 * 1024 * 1024;
const HUGE = 5;
const RUNS = 7;
/** Said in one session of a hundred. */
const RARE = "a rare word: rhododendron";

const root = mkdtempSync(join(tmpdir(), "codex-helper-sessions-"));
const codexHome = join(root, "codex");
const claudeHome = join(root, "claude");
const projects = Array.from({ length: PROJECTS }, (_, n) => join(root, "code", `project-${n}`));
const env = {
  PATH: process.env["PATH"] ?? "",
  HOME: root,
  CODEX_HOME: codexHome,
  CLAUDE_CONFIG_DIR: claudeHome,
};

/** The same tree every time. */
let seed = 1;
function random(): number {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return seed / 2_147_483_648;
}

function makeTree(): number {
  const end = Date.now() - 60_000;
  let bytes = 0;
  const made = new Set<string>();
  for (const project of projects) mkdirSync(project, { recursive: true });
  mkdirSync(join(root, "code/empty"));
  for (let n = 0; n < SESSIONS; n += 1) {
    const at = Math.round(end - ((SESSIONS - n) / SESSIONS) * DAYS * DAY_MS);
    // Half of all sessions lie in the four busiest projects.
    const project = Math.floor(random() ** 2 * PROJECTS);
    const turns = 1 + Math.floor(random() * 4);
    const shape: SessionShape = {
      id: makeSessionId(at, n),
      at,
      cwd: projects[project] ?? root,
      prompts: Array.from({ length: turns }, (_, turn) => `turn ${turn} of session ${n}`),
      answer:
        (n % 100 === 0 ? `${RARE} ` : "") + "some words of an answer ".repeat(Math.floor(random() * 80)),
      // A real one has 22 KB; with it alone no median could be 20 KB.
      instructions: "You are Codex. ".repeat(Math.floor(random() * 1_500)),
      branch: "main",
      ...(random() < 0.02 ? { laterCwd: projects[Math.floor(random() * PROJECTS)] ?? root } : {}),
      ...(random() < 0.1 ? { meta: { source: { subagent: {} }, thread_source: "subagent" } } : {}),
    };
    const isClaude = n % 11 === 10;
    const path = isClaude ? transcriptPath(claudeHome, shape) : rolloutPath(codexHome, shape);
    const directory = dirname(path);
    if (!made.has(directory)) mkdirSync(directory, { recursive: true });
    made.add(directory);
    const isHuge = n >= SESSIONS - 10 * HUGE && n % 10 === 0;
    const text = isClaude ? makeTranscript(shape) : makeRollout(shape);
    bytes += text.length;
    // A few are gone on with long after.
    const changedAt = (random() < 0.03 ? at + random() * (end - at) : at + 600_000 * random()) / 1000;
    put(path, text, isHuge);
    utimesSync(path, changedAt, changedAt);
  }
  return bytes;
}

function put(path: string, text: string, isHuge: boolean): void {
  const fd = openSync(path, "w");
  writeSync(fd, text);
  if (isHuge) {
    ftruncateSync(fd, HUGE_BYTES);
    writeSync(fd, `\n${text.slice(text.indexOf("\n") + 1)}`, HUGE_BYTES);
  }
  closeSync(fd);
}

interface Run {
  readonly ms: number;
  readonly firstMs: number;
  readonly peakMb: number;
}

/** The child's own: what the kernel counts for an ended one begins with our memory. */
function peakOf(pid: number): number {
  try {
    return memoryMb(pid).peak;
  } catch {
    return 0;
  }
}

async function run(command: readonly string[], cwd: string): Promise<Run> {
  const begin = performance.now();
  const child = Bun.spawn([...command], { cwd, env, stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  let firstMs: number | null = null;
  let peakMb = 0;
  const watching = setInterval(() => (peakMb = Math.max(peakMb, peakOf(child.pid))), 5);
  for await (const _ of child.stdout) firstMs ??= performance.now() - begin;
  await child.exited;
  clearInterval(watching);
  const ms = performance.now() - begin;
  return { ms, firstMs: firstMs ?? ms, peakMb };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

async function report(command: readonly string[], cwd: string, times = RUNS): Promise<void> {
  const runs: Run[] = [];
  for (let n = 0; n < times; n += 1) runs.push(await run(command, cwd));
  const cells = [
    `${median(runs.map(({ ms }) => ms)).toFixed(0)} ms`.padStart(9),
    `${median(runs.map(({ firstMs }) => firstMs)).toFixed(0)} ms`.padStart(9),
    `${Math.max(...runs.map(({ peakMb }) => peakMb)).toFixed(0)} MB`.padStart(7),
    command.slice(1).join(" ").replace(root, "…"),
  ];
  console.log(cells.join("  "));
}

try {
  const begin = performance.now();
  const bytes = makeTree();
  console.log(
    `${SESSIONS} sessions, ${(bytes / 1e6).toFixed(0)} MB and ${HUGE} of 500 MB, made in ${((performance.now() - begin) / 1000).toFixed(0)} s\n`,
  );
  console.log("   median      first      peak  command");
  const here = projects[3] ?? root;
  const ch = (...args: string[]): string[] => [PROGRAM, "session", ...args];
  await report(["/bin/ls", "-R", codexHome], here);
  await report(ch("last"), here);
  await report(ch("last", "--claude"), here);
  await report(ch("last", "--all-services"), here);
  await report(ch("list"), here);
  await report(ch("list", "--limit", "20"), here);
  await report(ch("list", "--claude"), here);
  await report(ch("list", "--all", "--all-services"), here);
  await report(ch("search", "RHODODENDRON", "--limit", "3"), here);
  await report(ch("search", "words of an answer", "--all"), here);
  await report(ch("list"), join(root, "code/empty"), 2);
  await report(ch("search", "nobody said this", "--all", "--since", "180d"), here, 1);
} finally {
  rmSync(root, { recursive: true, force: true });
}
