// Starts what the bench compares, each as one process of its own.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { freePort } from "../test/helpers/free-port.ts";
import { installPeers, type Peer } from "./peers.ts";
import { type Dialect, type Kind, RESPONSES } from "./wire.ts";

const ROOT = join(import.meta.dir, "..");
/** The release binary; `bun run bench` builds it. */
const BINARY = join(ROOT, "dist/codex-helper");

export interface Contender {
  readonly name: string;
  readonly port: number;
  /** The process that does the work; null for none in between. */
  readonly pid: number | null;
  /** From exec to the first connection that is taken. */
  readonly listeningMs: number;
  readonly dialect: Dialect;
  readonly kinds: readonly Kind[];
  /** So much slower than a proxy that a tenth of the requests must do. */
  readonly isSlow: boolean;
  stop(): Promise<void>;
}

/** A program that the bench can start as often as it likes. */
export interface Program {
  readonly name: string;
  start(): Promise<Contender>;
}

export interface Field {
  /** In the order of the report. */
  readonly programs: readonly Program[];
  /** What cannot be started here, and why. */
  readonly missing: readonly string[];
}

/** What is compared: by default everything; `own` alone is us and the least a Bun proxy can do. `given`: by a command. */
export interface Wanted {
  readonly isOwnOnly: boolean;
  readonly given: readonly Peer[];
}

/** Everything that can be compared here, not started yet. Installs the peers from npm where they are not. */
export async function findPrograms(upstreamPort: number, { given, isOwnOnly }: Wanted): Promise<Field> {
  const origin = `http://127.0.0.1:${upstreamPort}`;
  const missing: string[] = [];
  const programs: Program[] = [
    { name: "direct", start: () => Promise.resolve(makeContender("direct", upstreamPort)) },
    {
      name: "minimal Bun",
      start: () =>
        launch("minimal Bun", (port) => ({
          command: [process.execPath, join(import.meta.dir, "minimal-proxy.ts"), origin, `${port}`],
        })),
    },
  ];
  const helper = (name: string, setup: HelperSetup): Program => ({
    name,
    start: () => launch(name, (port, home) => codexHelper(port, home, { origin, ...setup })),
  });
  if (isOwnOnly) return { programs: [...programs, helper("ch", {})], missing };
  const system = (name: string, makeConfig: (port: number, home: string) => Launch): void => {
    const path = Bun.which(name, { PATH: `${process.env["PATH"]}:/usr/sbin` });
    if (path === null) missing.push(`${name}: not installed (apt install ${name})`);
    else programs.push({ name, start: () => launch(name, makeConfig) });
  };
  system("nginx", (port, home) => nginx(port, home, upstreamPort));
  system("haproxy", (port, home) => haproxy(port, home, upstreamPort));
  programs.push(
    helper("ch", {}),
    helper("ch, 20 rules", { rules: 20 }),
    helper("ch, 5 of 20 rules restore", { rules: 20, restoring: 5 }),
    helper("ch, budgets and a project", { isRuled: true }),
    helper("ch, failing over", { firstFails: true }),
  );
  const peers = await installPeers();
  missing.push(...peers.missing);
  for (const peer of [...peers.installed, ...given]) {
    programs.push({
      name: peer.name,
      start: () => launch(peer.name, (port, home) => peer.launch({ port, home, origin })),
    });
  }
  return { programs, missing };
}

interface TimedCommand {
  readonly args: readonly string[];
  /** As LANG has it. */
  readonly language?: string;
}

/** How long each of several runs of a command of the release binary takes, ms, in a home with one upstream. */
export function timeCommand({ args, language = "C.UTF-8" }: TimedCommand, runs: number): number[] {
  const home = mkdtempSync(join(tmpdir(), "codex-helper-bench-"));
  const { env } = codexHelper(0, home, { origin: "http://127.0.0.1:9" });
  const times = Array.from({ length: runs }, () => {
    const startedAt = performance.now();
    Bun.spawnSync([BINARY, ...args], {
      cwd: home,
      env: { HOME: home, PATH: process.env["PATH"] ?? "", LANG: language, ...env },
      stdio: ["ignore", "ignore", "ignore"],
    });
    return performance.now() - startedAt;
  });
  rmSync(home, { recursive: true, force: true });
  return times;
}

/** Starts one of the bench's own scripts and waits for the message that it is ready. */
export async function startScript<Ready>(
  script: string,
  args: readonly string[],
  onMessage: (message: unknown) => void = () => {},
): Promise<{ child: Subprocess; ready: Ready }> {
  const ready = Promise.withResolvers<Ready>();
  let isReady = false;
  const child = Bun.spawn([process.execPath, join(import.meta.dir, script), ...args], {
    stdio: ["ignore", "inherit", "inherit"],
    ipc(message: unknown) {
      if (isReady) return onMessage(message);
      isReady = true;
      ready.resolve(message as Ready);
    },
  });
  return { child, ready: await ready.promise };
}

/** How one process is started, and what it has to be asked with. */
export interface Launch {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly dialect?: Dialect;
  /** Default: all. */
  readonly kinds?: readonly Kind[];
  readonly isSlow?: boolean;
}

function makeContender(name: string, port: number): Contender {
  return {
    name,
    port,
    pid: null,
    listeningMs: 0,
    dialect: RESPONSES,
    kinds: ["json", "sse", "paced"],
    isSlow: false,
    stop: () => Promise.resolve(),
  };
}

async function launch(name: string, makeLaunch: (port: number, home: string) => Launch): Promise<Contender> {
  const home = mkdtempSync(join(tmpdir(), "codex-helper-bench-"));
  const port = freePort();
  const { command, dialect, env, isSlow = false, kinds } = makeLaunch(port, home);
  const startedAt = performance.now();
  const child = Bun.spawn([...command], {
    cwd: home,
    env: { HOME: home, PATH: process.env["PATH"] ?? "", PORT: `${port}`, ...env },
    stdio: ["ignore", "ignore", "ignore"],
  });
  await accepts(port, child, name);
  return {
    ...makeContender(name, port),
    pid: child.pid,
    listeningMs: performance.now() - startedAt,
    isSlow,
    ...(dialect === undefined ? {} : { dialect }),
    ...(kinds === undefined ? {} : { kinds }),
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function nginx(port: number, home: string, upstreamPort: number): Launch {
  const config = join(home, "nginx.conf");
  writeFileSync(
    config,
    `daemon off; master_process off; worker_processes 1; pid ${home}/pid; error_log ${home}/error.log;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000;
  client_body_temp_path ${home}/body; proxy_temp_path ${home}/proxy;
  fastcgi_temp_path ${home}/f; uwsgi_temp_path ${home}/u; scgi_temp_path ${home}/s;
  upstream relay { server 127.0.0.1:${upstreamPort}; keepalive 256; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    client_max_body_size 0;
    location / {
      proxy_pass http://relay; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_request_buffering off; proxy_read_timeout 600s;
    }
  }
}
`,
  );
  return { command: ["/usr/sbin/nginx", "-p", home, "-c", config] };
}

function haproxy(port: number, home: string, upstreamPort: number): Launch {
  const config = join(home, "haproxy.cfg");
  writeFileSync(
    config,
    `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  option http-no-delay
  http-reuse always
frontend clients
  bind 127.0.0.1:${port}
  default_backend relay
backend relay
  server one 127.0.0.1:${upstreamPort}
`,
  );
  return { command: ["/usr/sbin/haproxy", "-db", "-f", config] };
}

/** How one `ch` is set up; by default with one upstream and nothing else. */
export interface HelperSetup {
  /** Redaction rules; none matches but in the workload that is about them. */
  readonly rules?: number;
  /** So many of them restore, among them the one that matches. */
  readonly restoring?: number;
  /** A first upstream that refuses every second request; the breaker never trips. */
  readonly firstFails?: boolean;
  /** Budgets that are far from spent, and a project with a wall, from which the requests are. */
  readonly isRuled?: boolean;
  /** So many upstreams, of which the first answers: as many in its config as it takes, the rest in others. */
  readonly upstreams?: number;
  /** So many upstreams before it that always refuse: their breakers are open soon. */
  readonly broken?: number;
  /** What requests.jsonl holds already. */
  readonly log?: string;
}

/** Starts a `ch` that is compared with none but its own kind. */
export function startHelper(upstreamPort: number, setup: HelperSetup): Promise<Contender> {
  const origin = `http://127.0.0.1:${upstreamPort}`;
  return launch("ch", (port, home) => codexHelper(port, home, { origin, ...setup }));
}

function codexHelper(
  port: number,
  home: string,
  {
    broken: brokenBefore = 0,
    firstFails = false,
    isRuled = false,
    log,
    origin,
    restoring = 0,
    rules = 0,
    upstreams: count = 1,
  }: HelperSetup & { readonly origin: string },
): Launch {
  const own = join(home, "own");
  mkdirSync(own, { mode: 0o700 });
  const write = (name: string, content: object): void =>
    writeFileSync(join(own, name), JSON.stringify(content), { mode: 0o600 });
  const upstream = (baseUrl: string): object => ({ base_url: baseUrl, auth: { auth_token: "sk-bench" } });
  const upstreams = [...(firstFails ? [upstream(`${origin}/failing/v1`)] : []), upstream(`${origin}/v1`)];
  const more = Array.from({ length: count - 1 }, (_, n) => upstream(`${origin}/more-${n}/v1`));
  const broken = Array.from({ length: brokenBefore }, (_, n) => upstream(`${origin}/broken/${n}/v1`));
  upstreams.unshift(...broken);
  upstreams.push(...more.splice(0, MOST_OF_CONFIG - upstreams.length));
  const others = Object.fromEntries(
    Array.from({ length: Math.ceil(more.length / MOST_OF_CONFIG) }, (_, n) => [
      `others-${n}`,
      { upstreams: more.slice(n * MOST_OF_CONFIG, (n + 1) * MOST_OF_CONFIG) },
    ]),
  );
  const budget = { usd: 1_000_000, per: "day" };
  const never = { failure_threshold: 100, window_min_requests: 10_000, window_failure_share: 1 };
  write("config.json", {
    version: 1,
    codex: { active: "bench", configs: { bench: { upstreams }, ...others } },
    ...(firstFails ? { routing: never } : {}),
    ...(isRuled ? { budget, projects: { [home]: { allow: ["bench"], budget } } } : {}),
  });
  if (log !== undefined) {
    mkdirSync(join(own, "logs"), { mode: 0o700 });
    writeFileSync(join(own, "logs/requests.jsonl"), log, { mode: 0o600 });
  }
  if (rules > 0) {
    const list = Array.from({ length: rules }, (_, n) => ({
      op: "replace",
      source: `host-${n}.your-company.com`,
      target: "[HOST]",
      ...(n < restoring ? { restore: true } : {}),
    }));
    write("filter.json", list);
  }
  return {
    command: [BINARY, "serve", "--no-switch", "--port", `${port}`],
    env: { CODEX_HELPER_HOME: own },
    ...(rules > 0 ? { kinds: restoring > 0 ? ["echo"] : ["json", "sse", "paced", "echo"] } : {}),
    dialect: { ...RESPONSES, hasSession: !firstFails, ...(isRuled ? { cwd: home } : {}) },
  };
}

const MOST_OF_CONFIG = 64;
const START_MS = 20_000;

/** Waits until something listens on the port. Throws where nothing does in time, or the program has ended. */
async function accepts(port: number, child: Subprocess, name: string): Promise<void> {
  const deadline = performance.now() + START_MS;
  for (;;) {
    if (child.exitCode !== null)
      throw new Error(`${name} ended with ${child.exitCode} instead of listening on ${port}`);
    try {
      const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
      socket.end();
      return;
    } catch (error) {
      if (performance.now() > deadline)
        throw new Error(`${name} does not listen on ${port} within ${START_MS / 1_000} s`, { cause: error });
      await Bun.sleep(1);
    }
  }
}
