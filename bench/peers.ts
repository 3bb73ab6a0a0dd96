// The gateways of others, from npm: installed into a cache of their own, never as dependencies of this project.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Launch } from "./contenders.ts";

export interface Peer {
  readonly name: string;
  launch(at: { readonly port: number; readonly home: string; readonly origin: string }): Launch;
}

/** Versions of a package's own dependencies matter: 1.15.2 streams only with @hono/node-server 1.13.5. */
const PACKAGES = [
  "@portkey-ai/gateway@1.15.2",
  "@hono/node-server@1.13.5",
  "@musistudio/claude-code-router@2.0.0",
];
const CACHE = join(tmpdir(), "codex-helper-bench-peers");

/** What a peer's package is called with its version, as the report tells it. */
export const PEER_VERSIONS = PACKAGES;

/** Installs what is not there yet. A peer that cannot be installed, or run without node, is in `missing`. */
export async function installPeers(): Promise<{
  readonly installed: readonly Peer[];
  readonly missing: readonly string[];
}> {
  mkdirSync(CACHE, { recursive: true });
  const manifest = join(CACHE, "package.json");
  if (!existsSync(manifest)) writeFileSync(manifest, '{ "private": true }\n');
  if (!PEERS.every(({ script }) => existsSync(join(CACHE, script)))) {
    const child = Bun.spawn([process.execPath, "add", "--exact", ...PACKAGES], {
      cwd: CACHE,
      stdio: ["ignore", "ignore", "ignore"],
    });
    await child.exited;
  }
  const installed: Peer[] = [];
  const missing: string[] = [];
  const node = Bun.which("node");
  for (const { name, script, setup } of PEERS) {
    const path = join(CACHE, script);
    if (node === null) missing.push(`${name}: needs node, which is not installed`);
    else if (!existsSync(path)) missing.push(`${name}: could not be installed from npm`);
    else installed.push({ name, launch: (at) => setup([node, path], at) });
  }
  return { installed, missing };
}

interface Recipe {
  readonly name: string;
  readonly script: string;
  readonly setup: (command: readonly string[], at: Parameters<Peer["launch"]>[0]) => Launch;
}

const PEERS: readonly Recipe[] = [
  {
    name: "Portkey",
    script: "node_modules/@portkey-ai/gateway/build/start-server.js",
    setup: (command, { origin, port }) => ({
      command: [...command, "--headless", `--port=${port}`],
      dialect: {
        format: "responses",
        headers: ["x-portkey-provider: openai", `x-portkey-custom-host: ${origin}/v1`],
        hasSession: true,
      },
      isSlow: true,
    }),
  },
  {
    // Speaks Anthropic's format to the client and translates; only the JSON workloads compare.
    name: "claude-code-router",
    script: "node_modules/@musistudio/claude-code-router/dist/cli.js",
    setup: (command, { home, origin, port }) => {
      const directory = join(home, ".claude-code-router");
      mkdirSync(directory);
      const provider = {
        name: "bench",
        api_base_url: `${origin}/chat/completions`,
        api_key: "sk-bench",
        models: ["gpt"],
      };
      const config = {
        PORT: port,
        HOST: "127.0.0.1",
        LOG: false,
        NON_INTERACTIVE_MODE: true,
        Providers: [provider],
        Router: { default: "bench,gpt" },
      };
      writeFileSync(join(directory, "config.json"), JSON.stringify(config));
      return {
        command: [...command, "start"],
        dialect: { format: "messages", headers: ["anthropic-version: 2023-06-01"], hasSession: true },
        kinds: ["json"],
        isSlow: true,
      };
    },
  },
];
