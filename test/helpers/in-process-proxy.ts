import { createMemoryBudget } from "../../src/base/memory-budget.ts";
import type { Service } from "../../src/base/service.ts";
import type { Upstream } from "../../src/base/upstream.ts";
import { makeEmptyConfig } from "../../src/config/parse.ts";
import { resolveSettings } from "../../src/config/settings.ts";
import type { LogEntry } from "../../src/log/entry.ts";
import type { Route } from "../../src/proxy/deps.ts";
import { createLaneDoor, type LaneDoor } from "../../src/proxy/lane-door.ts";
import { createRefusals } from "../../src/proxy/refusals.ts";
import { type ProxyOptions, type ProxyServer, startProxy } from "../../src/proxy/server.ts";
import { createUploads } from "../../src/proxy/uploads.ts";
import { createRouter, type Router } from "../../src/routing/router.ts";
import type { RouterEvent, RoutingSettings } from "../../src/routing/types.ts";
import { makeUpstream } from "./upstream.ts";
import { waitUntil } from "./wait.ts";

export interface TestProxy extends AsyncDisposable {
  readonly port: number;
  /** "http://127.0.0.1:PORT" */
  readonly origin: string;
  readonly router: Router;
  readonly lanes: LaneDoor;
  readonly upstreams: readonly Upstream[];
  /** Those that wait for a reset. */
  readonly waits: ProxyServer["waits"];
  /** Log lines so far. */
  readonly entries: readonly LogEntry[];
  /** The n-th log line (1 is the first), as soon as it is written. */
  entry(n?: number): Promise<LogEntry>;
  /** Asks as a client would; the answer may be read as it comes. */
  ask(path: string, body: unknown, init?: RequestInit): Promise<Response>;
  /** Requests that are open. */
  readonly inFlight: { readonly count: number };
  /** What all of them hold in memory. */
  readonly heldBytes: () => number;
  stop(graceMs: number): Promise<void>;
}

export interface TestProxyOptions extends Partial<
  Pick<ProxyOptions, "clientToken" | "filter" | "heartbeat" | "isForOneUser">
> {
  readonly service?: Service;
  /** Base URLs, or whole upstreams where more than the address matters. In order. */
  readonly upstreams: readonly (string | Partial<Upstream>)[];
  readonly routing?: Partial<RoutingSettings>;
  readonly route?: Partial<Route>;
  /** The config as it is when it is asked for. Default: what `route` says. */
  readonly routeNow?: (route: Route) => Route;
  readonly memoryMib?: number;
  /** Sees the headers of each answer. */
  readonly observeHeaders?: () => void;
  /** A bug of ours is passed on to this. Default: it fails the test. */
  readonly onBug?: (error: unknown) => void;
  /** The wall clock. Default: the real one. */
  readonly now?: () => number;
  /** Default: one of its own. */
  readonly lanes?: LaneDoor;
  readonly onEvent?: (event: RouterEvent) => void;
}

/** The real proxy in this process, between a test's client and its scripted upstreams. */
export function startTestProxy(options: TestProxyOptions): TestProxy {
  const service = options.service ?? "codex";
  const upstreams = options.upstreams.map((given, index) => {
    const parts = typeof given === "string" ? { baseUrl: given } : given;
    const position = index + 1;
    return makeUpstream({
      service,
      position,
      label: `main#${position}`,
      key: `${service}|${parts.baseUrl}|${position}`,
      ...parts,
    });
  });
  const settings = resolveSettings(makeEmptyConfig());
  const routing = { ...settings.routing, ...options.routing };
  const route: Route = {
    configName: "main",
    upstreams,
    ownedHeaders: new Set(upstreams.flatMap((upstream) => Object.keys(upstream.headers))),
    routing,
    onExhausted: "continue",
    firstByteTotalMs: settings.firstByteTotalMs,
    limits: { maxBytes: settings.maxBodyBytes, uploadIdleMs: settings.uploadIdleMs },
    ...options.route,
  };
  const entries: LogEntry[] = [];
  const record = (entry: LogEntry): void => void entries.push(entry);
  const { now = Date.now } = options;
  const router = createRouter({ settings: () => routing, now, random: () => 0.5 });
  const { onEvent } = options;
  const lanes = options.lanes ?? createLaneDoor({ now, onEvent });
  const inFlight = { count: 0 };
  const budget = createMemoryBudget(() => options.memoryMib ?? null);
  const proxy = startProxy({
    service,
    port: 0,
    lanes,
    routeState: () => ({ kind: "ready", route: options.routeNow?.(route) ?? route }),
    router,
    now,
    filter: options.filter ?? ((body) => ({ kind: "filtered", body, headers: {}, redactions: 0 })),
    record,
    refusals: createRefusals({ service, now: Date.now, record }),
    clientToken: options.clientToken ?? null,
    isForOneUser: options.isForOneUser ?? false,
    onBug:
      options.onBug ??
      ((error) => {
        throw error;
      }),
    ...(options.observeHeaders === undefined ? {} : { observeHeaders: options.observeHeaders }),
    inFlight,
    uploads: createUploads(budget, () => performance.now()),
    own: {
      token: "test-token",
      read: { health: () => ({ name: "codex-helper" }) },
      follow: {},
      act: { reset: () => Promise.resolve({}) },
    },
    ...(options.heartbeat === undefined ? {} : { heartbeat: options.heartbeat }),
  });
  const origin = `http://127.0.0.1:${proxy.port}`;
  return {
    port: proxy.port,
    origin,
    router,
    lanes,
    upstreams,
    waits: proxy.waits,
    entries,
    entry: (n = 1) => waitUntil(() => entries[n - 1], { what: `log line ${n}` }),
    ask: (path, body, init) =>
      fetch(origin + path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
        ...init,
      }),
    inFlight,
    heldBytes: budget.heldBytes,
    stop: (graceMs) => proxy.stop(graceMs),
    async [Symbol.asyncDispose]() {
      await proxy.stop(0);
    },
  };
}
