// The real proxy in a home of its own: config.json, log and all, on free ports.
import { inEnglish } from "../../src/base/text.ts";
import { existsSync, readFileSync } from "node:fs";
import { serve } from "../../src/app/serve/serve.ts";
import { type Service, mapServices } from "../../src/base/service.ts";
import type { LogEntry } from "../../src/log/entry.ts";
import type { FakeUpstream } from "./fake-upstream.ts";
import { makeTempHome, type TempHome } from "./temp-home.ts";
import { waitUntil } from "./wait.ts";

/** An upstream with a key of its own, a base URL, or the whole entry of config.json. */
export type UpstreamSource = FakeUpstream | string | Readonly<Record<string, unknown>>;

export interface ProxyOptions {
  readonly codex?: readonly UpstreamSource[];
  readonly claude?: readonly UpstreamSource[];
  /** Further top-level keys of config.json: routing, timeouts, limits ... */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** The content of filter.json. */
  readonly filter?: unknown;
  /** The content of usage_providers.json. */
  readonly usageProviders?: unknown;
  /** The content of prices.json. */
  readonly prices?: unknown;
}

export interface RunningProxy extends AsyncDisposable {
  readonly home: TempHome;
  /** The port of each service that was given upstreams. */
  readonly ports: Readonly<Record<Service, number>>;
  /** What Codex would be given. */
  readonly codexUrl: string;
  /** What Claude Code would be given. */
  readonly claudeUrl: string;
  /** What the user was warned of. */
  readonly troubles: readonly string[];
  /** The lines of requests.jsonl, once there are so many. */
  logged(count?: number): Promise<LogEntry[]>;
  stop(graceMs?: number): Promise<void>;
}

/** The key that the n-th upstream (1 is the first) is configured with. */
export function keyOf(place: number): string {
  return `sk-test-upstream-${place}`;
}

export async function startConfiguredProxy(options: ProxyOptions): Promise<RunningProxy> {
  const home = makeTempHome();
  const services: Service[] = [];
  const sections: Partial<Record<Service, unknown>> = {};
  for (const service of ["codex", "claude"] as const) {
    const upstreams = options[service];
    if (upstreams === undefined) continue;
    services.push(service);
    sections[service] = { active: "main", configs: { main: { upstreams: upstreams.map(makeEntry) } } };
  }
  home.write(".codex-helper/config.json", {
    version: 1,
    ...sections,
    ...options.settings,
    routing: { jitter: 0, ...asRecord(options.settings?.["routing"]) },
  });
  if (options.filter !== undefined) home.write(".codex-helper/filter.json", options.filter);
  if (options.usageProviders !== undefined) {
    home.write(".codex-helper/usage_providers.json", options.usageProviders);
  }
  if (options.prices !== undefined) home.write(".codex-helper/prices.json", options.prices);
  const troubles: string[] = [];
  const serving = await serve({
    paths: home.paths,
    env: home.env,
    services,
    port: 0,
    // What a test makes unusable may be all there is.
    startsUnusable: true,
    onRequest: () => {},
    onTrouble: (words) => troubles.push(inEnglish(words)),
  });
  const ports: Record<Service, number> = { ...mapServices(() => 0) };
  for (const { port, service } of serving.served) ports[service] = port;
  const readLog = (): LogEntry[] => {
    if (!existsSync(home.paths.requestsLog)) return [];
    const lines = readFileSync(home.paths.requestsLog, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as LogEntry);
  };
  return {
    home,
    ports,
    codexUrl: `http://127.0.0.1:${ports.codex}/v1`,
    claudeUrl: `http://127.0.0.1:${ports.claude}`,
    troubles,
    logged: (count = 1) =>
      waitUntil(() => (readLog().length >= count ? readLog() : null), { what: `${count} lines in the log` }),
    stop: (graceMs = 0) => serving.stop(graceMs),
    async [Symbol.asyncDispose]() {
      await serving.stop(0);
      home[Symbol.dispose]();
    },
  };
}

function makeEntry(source: UpstreamSource, index: number): Readonly<Record<string, unknown>> {
  const auth = { auth_token: keyOf(index + 1) };
  if (typeof source === "string") return { base_url: source, auth };
  return "baseUrl" in source ? { base_url: source.baseUrl, auth } : { auth, ...source };
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
