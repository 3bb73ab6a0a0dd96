// Tries a release's programs for other systems on this machine, with what runs them here: Wine, QEMU. One list of steps for all, in
// a home of its own each, with an upstream that pretends.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gunzipSync, unzipSync } from "fflate";
import { unpackTar } from "modern-tar";
import { findRuntime } from "../runtimes.ts";
import { runTool } from "../tool.ts";

const ROOT = join(import.meta.dir, "../..");
const SLOW_MS = 300_000;

interface Runner {
  /** The words before the program. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly home: string;
  /** Wine cannot pass on a Ctrl+C: there the proxy is killed, and what that leaves must be repaired. */
  readonly hasSignals: boolean;
  readonly end: () => void;
}

interface Try {
  readonly name: string;
  readonly archive: string;
  /** Bun for the same system, for tests of the suite. */
  readonly target?: string;
  /** What runs it in this home, or what is missing. */
  readonly prepare: (home: string) => Runner | string;
}

const qemu =
  (machine: string, missing: string, ...roots: readonly string[]) =>
  (home: string): Runner | string => {
    const [program = "", ...options] = machine.split(" ");
    const path = Bun.which(`${program}-static`) ?? Bun.which(program);
    if (path === null) return `${program} is missing: apt-get install qemu-user-static`;
    const root = roots.find((one) => existsSync(one));
    if (roots.length > 0 && root === undefined) return missing;
    const words = [path, ...(root === undefined ? [] : ["-L", root]), ...options];
    return { words, env: {}, home, hasSignals: true, end: () => {} };
  };

const MUSL = process.env["MUSL_ROOT"] ?? "/usr/local/musl-root";
const NO_MUSL = `no root directory with musl and libstdc++ in ${MUSL}/x64 and ${MUSL}/arm64 (MUSL_ROOT names another place)`;

const TRIES: readonly Try[] = [
  {
    name: "windows-x64",
    archive: "codex-helper-windows-x64.zip",
    target: "bun-windows-x64",
    prepare: prepareWine,
  },
  {
    name: "linux-arm64",
    archive: "codex-helper-linux-arm64.tar.gz",
    target: "bun-linux-arm64",
    prepare: qemu(
      "qemu-aarch64",
      "the C library for 64-bit ARM is missing: apt-get install libc6-arm64-cross",
      "/usr/aarch64-linux-gnu",
    ),
  },
  {
    name: "linux-x64-musl",
    archive: "codex-helper-linux-x64-musl.tar.gz",
    prepare: qemu("qemu-x86_64 -E LD_LIBRARY_PATH=/lib:/usr/lib", NO_MUSL, join(MUSL, "x64")),
  },
  {
    name: "linux-arm64-musl",
    archive: "codex-helper-linux-arm64-musl.tar.gz",
    prepare: qemu("qemu-aarch64 -E LD_LIBRARY_PATH=/lib:/usr/lib", NO_MUSL, join(MUSL, "arm64")),
  },
  // The oldest processor that has SSE 4.2.
  { name: "no-avx", archive: "codex-helper-linux-x64.tar.gz", prepare: qemu("qemu-x86_64 -cpu Nehalem", "") },
];

const HELP = `Tries a release's programs for other systems on this machine, as far as there is something to run them.

  bun release/try/emulated.ts [--from DIR] [--suite] [--need] [TRY ...]

  --from DIR      the release, instead of dist/release
  --suite         with tests of the rooms that do without a shell, run by Bun for that system
  --need          fails where something is missing to make a try
  -h, --help      this
  -V, --version   the version
  TRY             ${TRIES.map(({ name }) => name).join(", ")}; all if none is named
`;

const OPTIONS = {
  from: { type: "string", default: join(ROOT, "dist/release") },
  suite: { type: "boolean", default: false },
  need: { type: "boolean", default: false },
} as const;

/** Rooms that pass whole; of others what fails is a matter of the emulation (docs/platforms.md). */
const SUITE: Readonly<Record<string, readonly string[]>> = {
  "windows-x64": ["test/routing", "test/usage", "test/state"],
  "linux-arm64": ["test/routing", "test/usage"],
};

async function tryOne(
  { archive, name, prepare, target }: Try,
  { from, suite, work }: { readonly from: string; readonly suite: boolean; readonly work: string },
): Promise<string | null> {
  const file = join(from, archive);
  if (!existsSync(file)) return `${file} is missing`;
  const runner = prepare(work);
  if (typeof runner === "string") return runner;
  try {
    const program = await unpackProgram(file, work);
    await takeSteps(runner, program);
    const rooms = SUITE[name];
    if (suite && rooms !== undefined && target !== undefined)
      await runRooms(runner, await findRuntime(target), rooms);
    return null;
  } finally {
    runner.end();
  }
}

function prepareWine(work: string): Runner | string {
  const wine = ["/usr/lib/wine/wine64", Bun.which("wine64") ?? "", Bun.which("wine") ?? ""].find(
    (path) => path !== "" && existsSync(path),
  );
  if (wine === undefined) return "Wine is missing: apt-get install wine64 (10 or later)";
  const prefix = join(work, "prefix");
  const env = { WINEPREFIX: prefix, WINEDEBUG: "-all", XDG_RUNTIME_DIR: work };
  Bun.spawnSync([wine, "wineboot", "-i"], { env: { ...process.env, ...env }, stderr: "ignore" });
  const users = join(prefix, "drive_c/users");
  const user = existsSync(users) ? readdirSync(users).find((name) => name !== "Public") : undefined;
  if (user === undefined) return "Wine does not start";
  const home = join(users, user);
  const end = (): void => {
    const server = Bun.which("wineserver") ?? "/usr/lib/wine/wineserver64";
    if (existsSync(server)) Bun.spawnSync([server, "-k"], { env: { ...process.env, ...env } });
  };
  return { words: [wine], env, home, hasSignals: false, end };
}

async function unpackProgram(file: string, work: string): Promise<string> {
  const bytes = readFileSync(file);
  const isOurs = (name: string): boolean => /\/codex-helper(?:\.exe)?$/.test(name);
  const entries = file.endsWith(".zip")
    ? Object.entries(unzipSync(bytes, { filter: ({ name }) => isOurs(name) }))
    : (await unpackTar(gunzipSync(bytes))).map(({ data, header }) => [header.name, data] as const);
  const [name, data] = entries.find(([one]) => isOurs(one)) ?? [];
  if (name === undefined || data === undefined) throw new Error(`${file} holds no program`);
  const path = join(work, name.slice(name.lastIndexOf("/") + 1));
  writeFileSync(path, data, { mode: 0o755 });
  return path;
}

const CODEX_FILE =
  'model = "m"\r\n# kept\r\nmodel_provider = "r"\r\n[model_providers.r]\r\nname = "r"\r\nbase_url = "https://r.example/v1"\r\n';
const CLAUDE_FILE = '{\r\n  "env": { "ANTHROPIC_BASE_URL": "https://a.example" }\r\n}\r\n';

/** What a new user does; throws where anything of it is not as it should be. */
async function takeSteps(runner: Runner, program: string): Promise<void> {
  const { hasSignals, home } = runner;
  const files = { codex: join(home, ".codex/config.toml"), claude: join(home, ".claude/settings.json") };
  for (const path of Object.values(files)) mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(files.codex, CODEX_FILE);
  writeFileSync(files.claude, CLAUDE_FILE);
  const areRestored = (): boolean =>
    readFileSync(files.codex, "utf8") === CODEX_FILE && readFileSync(files.claude, "utf8") === CLAUDE_FILE;
  const ch = (...args: readonly string[]): string => runToEnd(runner, [program, ...args]);

  const port = findFreePort();
  using upstream = startUpstream();
  must(ch("--version").startsWith("codex-helper "), "--version says another name");
  ch("demo");
  ch(
    "config",
    "add",
    "main",
    "--base-url",
    `http://127.0.0.1:${upstream.port}/v1`,
    "--auth-token",
    "sk-nobody",
  );
  must(ch("config", "list").includes("main"), "config list does not have what was added");
  // In Wine every port seems to be in use: there only `serve` can switch.
  for (const service of hasSignals ? (["codex", "claude"] as const) : []) {
    const before = readFileSync(files[service], "utf8");
    ch("switch", "on", `--${service}`, "--port", String(port));
    must(readFileSync(files[service], "utf8") !== before, `${service} was not switched`);
    ch("switch", "off", `--${service}`);
  }
  must(areRestored(), "switch off does not restore the bytes");

  const isUp = (): Promise<boolean> => isListening(port);
  await using serve = start(runner, [program, "serve", "--codex", "--port", String(port)]);
  await waitFor(isUp, "the proxy does not start");
  const answer = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "m", stream: true, input: [] }),
    signal: AbortSignal.timeout(SLOW_MS),
  });
  must((await answer.text()).includes("response.completed"), "no answer came through the proxy");
  await waitFor(async () => !areRestored(), "serve does not switch the client");
  serve.kill(hasSignals ? "SIGINT" : "SIGKILL");
  const code = await serve.exited;
  if (hasSignals) must(code === 130, `serve ended with ${code}`);
  else {
    await waitFor(() => isUp().then((is) => !is), "the proxy does not end");
    // Wine gives the next program the process id of the last one, which is how a proxy is known there.
    const status = ch("status");
    must(
      /ended unexpectedly|does not answer/.test(status),
      `status does not say that the proxy is gone:\n${status}`,
    );
    ch("doctor", "--fix");
  }
  must(areRestored(), "the client is not restored");
  must(ch("usage", "summary").includes("main"), "usage does not count the request");
  const log = readFileSync(join(home, ".codex-helper/logs/requests.jsonl"), "utf8");
  must(log.includes('"outcome":"ok"'), "the request is not logged as answered");
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

function envOf({ env, home }: Runner): Record<string, string> {
  const own = { HOME: home, PATH: process.env["PATH"] ?? "", LANG: "C.UTF-8", NO_COLOR: "1" };
  return { ...own, ...env };
}

function start(runner: Runner, command: readonly string[]) {
  return Bun.spawn([...runner.words, ...command], {
    env: envOf(runner),
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
}

function runToEnd(runner: Runner, command: readonly string[]): string {
  const { exitCode, stderr, stdout } = Bun.spawnSync([...runner.words, ...command], {
    env: envOf(runner),
    stdin: "ignore",
    timeout: SLOW_MS,
  });
  const isDoctor = command.includes("doctor");
  if (exitCode !== 0 && !(isDoctor && exitCode === 1))
    throw new Error(`${command.slice(1).join(" ")} ended with ${exitCode}: ${stderr.toString().trim()}`);
  return stdout.toString() + stderr.toString();
}

async function runRooms(runner: Runner, bun: string, rooms: readonly string[]): Promise<void> {
  const command = [bun, "--max-http-header-size=65536", "test", "--timeout", "120000", ...rooms];
  const { exited, stderr } = Bun.spawn([...runner.words, ...command], {
    cwd: ROOT,
    env: envOf(runner),
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const said = await new Response(stderr).text();
  const failed = [...said.matchAll(/^\(fail\) .*$/gm)].map(([line]) => line);
  const passed = /^ *(\d+) pass$/m.exec(said)?.[1] ?? "0";
  if ((await exited) !== 0 || passed === "0")
    throw new Error([`tests: ${passed} passed`, ...failed].join("\n"));
  process.stdout.write(`  ${passed} tests of ${rooms.join(", ")} passed\n`);
}

/** Answers every request as a Responses API does, in three events. */
function startUpstream() {
  const message = {
    type: "message",
    id: "m1",
    role: "assistant",
    content: [{ type: "output_text", text: "hi" }],
  };
  const usage = { input_tokens: 11, output_tokens: 5, total_tokens: 16 };
  const events = [
    { type: "response.created", response: { id: "r1", status: "in_progress" } },
    { type: "response.output_item.done", output_index: 0, item: message },
    { type: "response.completed", response: { id: "r1", status: "completed", usage } },
  ];
  const body = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response(body, { headers: { "content-type": "text/event-stream" } }),
  });
  return { port: server.port, [Symbol.dispose]: () => void server.stop(true) };
}

function findFreePort(): number {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const { port = 0 } = server;
  void server.stop(true);
  return port;
}

async function isListening(port: number): Promise<boolean> {
  const url = `http://127.0.0.1:${port}/__codex-helper/health`;
  return await fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function waitFor(holds: () => Promise<boolean>, otherwise: string): Promise<void> {
  const until = Date.now() + SLOW_MS;
  while (!(await holds())) {
    if (Date.now() > until) throw new Error(otherwise);
    await Bun.sleep(250);
  }
}

await runTool(HELP, OPTIONS, async ({ positionals, values }) => {
  const unknown = positionals.find((name) => TRIES.every((one) => one.name !== name));
  if (unknown !== undefined) throw new Error(`no try is called ${unknown}`);
  const chosen = TRIES.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const wrong: string[] = [];
  for (const one of chosen) {
    const work = mkdtempSync(join(tmpdir(), "try-release-"));
    try {
      const missing = await tryOne(one, { from: resolve(values.from), suite: values.suite, work });
      if (missing !== null && values.need) wrong.push(one.name);
      process.stdout.write(missing === null ? `${one.name}: ok\n` : `${one.name}: not tried: ${missing}\n`);
    } catch (error) {
      wrong.push(one.name);
      process.stdout.write(`${one.name}: ${error instanceof Error ? error.message : String(error)}\n`);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  if (wrong.length > 0) throw new Error(`failed: ${wrong.join(", ")}`);
});
