// What has to be right before clients can connect, and no more: the configs can be used, and the ports are ours. Whatever else a
// proxy needs is loaded behind its open doors.
import type { Env } from "../../base/env.ts";
import { UserError } from "../../base/errors.ts";
import { describeProcess, findTerminal } from "../../base/process-identity.ts";
import { CLIENT_NAME, DEFAULT_PORT, type Service } from "../../base/service.ts";
import { type Text, t } from "../../base/text.ts";
import type { Paths } from "../../base/paths.ts";
import { type Door, openDoor } from "../../proxy/door.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import type { Instance } from "../../state/instances.ts";
import { type LiveRoute, createLiveConfig } from "../live-config.ts";
import { requireRoute } from "./setup.ts";

export interface DoorOptions {
  readonly paths: Paths;
  readonly env: Env;
  /** Read already. */
  readonly config?: ServingConfig;
  readonly services: readonly Service[];
  /** Instead of the service's default; 0 for any free port. */
  readonly port?: number | undefined;
  /** Instead of the active config. */
  readonly configName?: string | undefined;
  /** Also where no upstream can be asked as things are set up. Default: that is an error. */
  readonly startsUnusable?: boolean;
  /** Which command asks, for those that look at what is running. Default "serve". */
  readonly command?: Instance["command"];
}

/** A service whose clients can connect. */
export interface OpenService {
  readonly service: Service;
  readonly route: LiveRoute;
  readonly door: Door;
}

export interface Doors {
  readonly config: ServingConfig;
  readonly services: readonly OpenService[];
  /** Nothing will be served. */
  close(): Promise<void>;
}

export const nameThis = (): Text => describeProcess({ pid: process.pid, terminal: findTerminal() });

export type ServingConfig = ReturnType<typeof openConfig>;

/** What config.json says now and from now on, in the words of a process that serves. */
export function openConfig({ env, paths }: Pick<DoorOptions, "env" | "paths">) {
  let report = (_words: Text): void => {};
  const onTrouble = (words: Text): void => report(words);
  const live = createLiveConfig({ paths, env, now: Date.now, holder: nameThis, onTrouble });
  return {
    live,
    /** As it is now. Throws UserError with the place of a mistake. */
    read(): ParsedConfig {
      const { config, problem } = live.refresh();
      if (problem !== null) throw problem;
      return config;
    },
    /** Who is told of a key that cannot be had: nobody before. */
    reportTo(onReport: typeof report): void {
      report = onReport;
    },
  };
}

/** Throws UserError, with no door left open, when a service cannot be served. */
export async function openDoors(options: DoorOptions): Promise<Doors> {
  const { config = openConfig(options), configName } = options;
  const { live } = config;
  // It may have been written since it was read.
  live.refresh();
  const routes = options.services.map((service) => live.routeOf(service, configName));
  for (const route of routes) await requireRoute(route, { ...options, now: Date.now });
  const services: OpenService[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(services.map(({ door }) => door.close()));
  };
  try {
    for (const route of routes) {
      const { service } = route;
      services.push({ service, route, door: await open(service, options) });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { config, services, close };
}

/** Adds to the error of a port in use who listens there, and what to type. */
async function open(
  service: Service,
  { command = "serve", paths, port = DEFAULT_PORT[service] }: DoorOptions,
): Promise<Door> {
  try {
    return openDoor(port);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { describeStranger, findPortOwner } = await import("../port-owner.ts");
    const owner = await findPortOwner(port, paths.run);
    const other = `ch serve --${service} --port ${port + 10}`;
    const hint = command === "run" ? t`without --port, ch run uses any free port` : other;
    const message =
      owner.kind === "ours"
        ? t`port ${port} is in use by another codex-helper (pid ${owner.pid}, serving ${CLIENT_NAME[owner.service]})`
        : owner.program === null && owner.user === null
          ? error.text
          : t`port ${port} is in use by ${describeStranger(owner)}`;
    throw new UserError(message, { hint, cause: error });
  }
}
