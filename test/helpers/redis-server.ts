// A real redis-server (Debian's package; .ci/run installs it) on a port of its own, without a disk, ended with the test.
import { RedisClient } from "bun";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { waitUntil } from "./wait.ts";

export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** One command of the test's own. */
  send(command: string, ...words: string[]): Promise<unknown>;
  signal(signal: "SIGSTOP" | "SIGCONT" | "SIGKILL"): void;
  /** The same, empty. */
  restart(): Promise<void>;
}

export interface RedisOptions {
  readonly args?: readonly string[];
  /** How the test itself gets in. Default: the port on loopback. */
  readonly url?: (port: number) => string;
  readonly ca?: string;
}

export async function startRedis({ args = [], ca, url = plainUrl }: RedisOptions = {}): Promise<RedisServer> {
  if (Bun.which("redis-server") === null)
    throw new Error("redis-server is missing: apt-get install --no-install-recommends redis-server");
  const directory = mkdtempSync(join(tmpdir(), "redis-"));
  const port = freePort();
  const ports = args.includes("--tls-port") ? ["--port", "0"] : ["--port", String(port)];
  const rest = args.map((word) => (word === "PORT" ? String(port) : word));
  const start = () =>
    Bun.spawn(
      [
        "redis-server",
        ...ports,
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        directory,
        ...rest,
      ],
      { stdout: "ignore", stderr: "ignore" },
    );
  const open = () =>
    new RedisClient(url(port), {
      autoReconnect: false,
      enableOfflineQueue: false,
      ...(ca === undefined ? {} : { tls: { ca } }),
    });
  const send = async (command: string, ...words: string[]): Promise<unknown> => {
    const client = open();
    try {
      await client.connect();
      return await client.send(command, words);
    } finally {
      client.close();
    }
  };
  const isUp = () => waitUntil(() => send("PING").catch(() => null), { what: "redis-server" });
  let child = start();
  await isUp();
  return {
    port,
    url: url(port),
    send,
    signal: (signal) => child.kill(signal),
    async restart() {
      child.kill("SIGKILL");
      await child.exited;
      child = start();
      await isUp();
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function plainUrl(port: number): string {
  return `redis://127.0.0.1:${port}`;
}
