// Runs the proxies of one process: one for each service asked for, sharing the log, the request budget and the clock.
// Prints nothing; tells what happens through callbacks.
import type { Env } from "../base/env.ts";
import { UserError, errorMessage } from "../base/errors.ts";
import { ensurePrivateDirectory } from "../base/files.ts";
import type { Paths } from "../base/paths.ts";
import { DEFAULT_PORT, type Service } from "../base/service.ts";
import type { Upstream } from "../base/upstream.ts";
import { PRODUCT, VERSION } from "../base/version.ts";
import type { LogEntry } from "../log/entry.ts";
import { createLogWriter } from "../log/writer.ts";
import type { ProxyServer } from "../proxy/server.ts";
import { createRouter } from "../routing/router.ts";
import { createFilter } from "./filter.ts";
import { createLiveConfig } from "./live-config.ts";
import { findPortOwner } from "./port-owner.ts";
import { startProxy } from "./start-proxy.ts";

export interface ServeOptions {
  readonly paths: Paths;
  readonly env: Env;
  readonly services: readonly Service[];
  /** Instead of the service's default; 0 for any free port. */
  readonly port?: number | undefined;
  /** Instead of the active config. */
  readonly configName?: string | undefined;
  /** Sees each finished request after it was logged. */
  readonly onRequest: (entry: LogEntry) => void;
  /** Something that the user should know of and that no request can tell. Holds no secret. */
  readonly onTrouble: (words: string) => void;
}

export interface Served {
  readonly service: Service;
  readonly port: number;
  readonly configName: string;
  readonly upstreams: readonly Upstream[];
}

export interface Serving {
  readonly served: readonly Served[];
  /** Lets open answers finish for at most `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/** Checks the configs, binds, serves. Throws UserError, with nothing left running, when a service cannot be served. */
export async function serve(options: ServeOptions): Promise<Serving> {
  const { paths, env } = options;
  const now = Date.now;
  ensurePrivateDirectory(paths.home);
  const live = createLiveConfig({ paths, env, now });
  const filter = createFilter({ path: paths.filter, now });
  const log = createLogWriter(paths.requestsLog, { onTrouble: options.onTrouble });
  const inFlight = { count: 0 };
  const proxies: ProxyServer[] = [];
  const served: Served[] = [];
  try {
    for (const service of options.services) {
      const state = live.routeState(service, options.configName);
      if (state.kind === "unset") throw new UserError(state.message, { hint: state.hint });
      const routeState = () => live.routeState(service, options.configName);
      let port = options.port ?? DEFAULT_PORT[service];
      const proxy = await bind(port, () =>
        startProxy({
          service,
          port,
          routeState,
          router: createRouter({ settings: () => settingsOf(live), now, random: Math.random }),
          filter: filter.forService(service),
          record: (entry) => {
            log.append(entry);
            options.onRequest(entry);
          },
          onBug: (error) => options.onTrouble(`a request failed inside codex-helper: ${errorMessage(error)}`),
          inFlight,
          own: {
            token: crypto.randomUUID(),
            read: { health: () => ({ name: PRODUCT, version: VERSION, pid: process.pid, service, port }) },
            act: {},
          },
        }),
      );
      port = proxy.port;
      proxies.push(proxy);
      served.push({ service, port, configName: state.route.configName, upstreams: state.route.upstreams });
    }
  } catch (error) {
    await Promise.all(proxies.map((proxy) => proxy.stop(0)));
    log.close();
    throw error;
  }
  return {
    served,
    async stop(graceMs) {
      await Promise.all(proxies.map((proxy) => proxy.stop(graceMs)));
      log.close();
    },
  };
}

function settingsOf(live: ReturnType<typeof createLiveConfig>) {
  return live.settings().routing;
}

/** Adds to a taken port's error who has taken it, and what to type. */
async function bind(port: number, start: () => ProxyServer): Promise<ProxyServer> {
  try {
    return start();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const owner = await findPortOwner(port);
    const hint = `ch serve --port ${port + 10}`;
    if (owner.kind === "ours") {
      throw new UserError(
        `port ${port} is taken by another codex-helper (pid ${owner.pid}, serving ${owner.service})`,
        { hint, cause: error },
      );
    }
    if (owner.kind === "program") {
      throw new UserError(`port ${port} is taken by ${owner.name} (pid ${owner.pid})`, {
        hint,
        cause: error,
      });
    }
    throw new UserError(error.message, { hint, cause: error });
  }
}
