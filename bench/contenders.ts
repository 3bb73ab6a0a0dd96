// Starts what the bench compares, each as one process of its own.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";

const ROOT = join(import.meta.dir, "..");

export interface Contender {
  readonly name: string;
  readonly port: number;
  /** The process that does the work; null for none in between. */
  readonly pid: number | null;
  stop(): Promise<void>;
}

/** Everything that can be started here, in the order of the report. `missing` says what cannot. */
export async function startContenders(
  upstreamPort: number,
): Promise<{ contenders: readonly Contender[]; missing: readonly string[] }> {
  const origin = `http://127.0.0.1:${upstreamPort}`;
  const contenders: Contender[] = [
    { name: "direct", port: upstreamPort, pid: null, stop: async () => {} },
    await startMinimal(origin),
  ];
  const missing: string[] = [];
  const nginx = Bun.which("nginx", { PATH: `${process.env["PATH"]}:/usr/sbin` });
  if (nginx === null) missing.push("nginx: not installed");
  else contenders.push(await startNginx(nginx, upstreamPort));
  contenders.push(
    await startHelper("ch", origin, [
      process.execPath,
      "--max-http-header-size=65536",
      join(ROOT, "src/main.ts"),
    ]),
  );
  const compiled = join(ROOT, "dist/codex-helper");
  if (existsSync(compiled)) contenders.push(await startHelper("ch compiled", origin, [compiled]));
  else missing.push("ch compiled: not built (bun run build)");
  return { contenders, missing };
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

async function startMinimal(origin: string): Promise<Contender> {
  const { child, ready } = await startScript<{ port: number }>("minimal-proxy.ts", [origin]);
  return { name: "minimal Bun", port: ready.port, pid: child.pid, stop: () => end(child) };
}

async function startNginx(nginx: string, upstreamPort: number): Promise<Contender> {
  const home = mkdtempSync(join(tmpdir(), "codex-helper-bench-nginx-"));
  const port = await freePort();
  const config = join(home, "nginx.conf");
  writeFileSync(
    config,
    `daemon off; master_process off; worker_processes 1; pid ${home}/pid; error_log ${home}/error.log;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000;
  client_body_temp_path ${home}/body; proxy_temp_path ${home}/proxy;
  fastcgi_temp_path ${home}/f; uwsgi_temp_path ${home}/u; scgi_temp_path ${home}/s;
  upstream relay { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests 1000000; }
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
  const child = Bun.spawn([nginx, "-p", home, "-c", config], { stdio: ["ignore", "ignore", "ignore"] });
  await accepts(port);
  return {
    name: "nginx",
    port,
    pid: child.pid,
    async stop() {
      await end(child);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function startHelper(name: string, origin: string, program: readonly string[]): Promise<Contender> {
  const home = mkdtempSync(join(tmpdir(), "codex-helper-bench-home-"));
  const port = await freePort();
  const own = join(home, "own");
  mkdirSync(own, { mode: 0o700 });
  const upstreams = [{ base_url: `${origin}/v1`, auth: { auth_token: "sk-bench" } }];
  writeFileSync(
    join(own, "config.json"),
    JSON.stringify({ version: 1, codex: { active: "bench", configs: { bench: { upstreams } } } }),
    { mode: 0o600 },
  );
  const child = Bun.spawn([...program, "serve", "--no-switch", "--port", `${port}`], {
    cwd: home,
    env: { HOME: home, CODEX_HELPER_HOME: own, PATH: process.env["PATH"] ?? "" },
    stdio: ["ignore", "ignore", "ignore"],
  });
  await accepts(port);
  return {
    name,
    port,
    pid: child.pid,
    async stop() {
      await end(child);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function end(child: Subprocess): Promise<void> {
  child.kill("SIGTERM");
  await child.exited;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<number>();
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
  });
  return await promise;
}

const START_MS = 10_000;

/** Waits until something listens on the port. */
async function accepts(port: number): Promise<void> {
  const deadline = performance.now() + START_MS;
  for (;;) {
    try {
      const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
      socket.end();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await Bun.sleep(10);
    }
  }
}
