// Puts one service's proxy together: server, routing, redaction and log, from the parts it is given.
// Owns no rule; what it starts, `stop` ends.
import type { Service } from "../../base/service.ts";
import type { LogEntry } from "../../log/entry.ts";
import { createConnections } from "../../proxy/connections.ts";
import type { ProxyDeps, RouteState } from "../../proxy/deps.ts";
import { makeAllowedHosts } from "../../proxy/guard.ts";
import { handle } from "../../proxy/handle.ts";
import type { OwnRoutes } from "../../proxy/own-routes.ts";
import { type ProxyServer, startServer } from "../../proxy/server.ts";
import { createSessionMemory } from "../../proxy/session-memory.ts";
import type { Router } from "../../routing/router.ts";

export interface StartProxyOptions {
  readonly service: Service;
  /** 0 for any free port. */
  readonly port: number;
  readonly routeState: () => RouteState;
  readonly router: Router;
  readonly filter: ProxyDeps["filter"];
  readonly record: (entry: LogEntry) => void;
  readonly onBug: (error: unknown) => void;
  /** Default: nobody looks. */
  readonly observeHeaders?: ProxyDeps["observeHeaders"];
  /** Shared by all services of the process. */
  readonly inFlight: { count: number };
  readonly own: Omit<OwnRoutes, "service">;
  /** When a waiting client gets its first sign of life, and how often from then on. Defaults to 240 s and 60 s. */
  readonly heartbeat?: ProxyDeps["heartbeat"];
}

/** Both clients give up on a silent connection after 300 s (Codex's idle timer, Claude Code's stream timer). */
const HEARTBEAT = { afterMs: 240_000, everyMs: 60_000 };

/** Binds and serves. Throws UserError when the port is taken. */
export function startProxy(options: StartProxyOptions): ProxyServer {
  const monotonic = (): number => performance.now();
  const connections = createConnections(monotonic);
  let allowedHosts = makeAllowedHosts(options.port);
  const deps: ProxyDeps = {
    service: options.service,
    instance: crypto.randomUUID(),
    allowedHosts: () => allowedHosts,
    now: Date.now,
    monotonic,
    routeState: options.routeState,
    filter: options.filter,
    router: options.router,
    connections,
    memory: createSessionMemory(),
    own: { ...options.own, service: options.service },
    heartbeat: options.heartbeat ?? HEARTBEAT,
    observeHeaders: options.observeHeaders ?? (() => {}),
    inFlight: options.inFlight,
    record: options.record,
  };
  const server = startServer({
    service: options.service,
    port: options.port,
    handle: (request) => handle(request, deps),
    onBug: options.onBug,
  });
  allowedHosts = makeAllowedHosts(server.port);
  return {
    port: server.port,
    async stop(graceMs) {
      await server.stop(graceMs);
      connections.close();
    },
  };
}
