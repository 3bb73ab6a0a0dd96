// The current config.json and the route that follows from it: reloaded when a file changes, with the last good version in
// force while the file is broken.
import { type Env, readVariable } from "../base/env.ts";
import type { Paths } from "../base/paths.ts";
import type { Service } from "../base/service.ts";
import type { Text } from "../base/text.ts";
import type { Upstream } from "../base/upstream.ts";
import { type ConfigState, createConfigStore } from "../config/file.ts";
import type { ParsedConfig } from "../config/parse.ts";
import { chooseConfig, listUpstreams, resolveConfig } from "../config/resolve.ts";
import { type Settings, resolveSettings } from "../config/settings.ts";
import type { RouteState } from "../proxy/deps.ts";
import { createClientSecrets } from "./client-secrets.ts";
import { createKeys } from "./keys/keys.ts";

export type LiveConfig = ReturnType<typeof createLiveConfig>;

export type LiveRoute = ReturnType<LiveConfig["routeOf"]>;

export interface ListedConfig {
  readonly configName: string;
  readonly entries: readonly { readonly upstream: Upstream; readonly isEnabled: boolean }[];
}

export interface LiveConfigOptions {
  readonly paths: Paths;
  readonly env: Env;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** See ResolveContext. */
  readonly holder?: () => Text;
  /** See KeysOptions. */
  readonly onTrouble?: (words: Text) => void;
}

/** A key in the client's own files may change, and `disabled_until` may pass, without config.json changing. */
const RESOLVE_AGAIN_MS = 250;

export function createLiveConfig({ paths, env, now, holder, onTrouble }: LiveConfigOptions) {
  const store = createConfigStore(paths.config, now);
  const secrets = createClientSecrets(paths, now);
  const listed = new Map<Service, { read: ConfigState; at: number; entries: ListedConfig["entries"] }>();
  const keys = createKeys({ env, now, onTrouble });
  let settings: { of: ParsedConfig; value: Settings } | null = null;
  return {
    /** The config in force and, when the file is broken, what is wrong with it. */
    current: store.current,
    /** The same, looked at now. */
    refresh: store.refresh,
    /** Those that commands print. */
    keys,
    /** Routing, limits and timeouts in force. */
    settings(): Settings {
      const { config } = store.current();
      if (settings?.of !== config) settings = { of: config, value: resolveSettings(config) };
      return settings.value;
    },
    /** The upstreams of all configs of a service, the disabled ones too. */
    listAll(service: Service): ListedConfig["entries"] {
      const read = store.current();
      const known = listed.get(service);
      if (known?.read === read && Math.abs(now() - known.at) < RESOLVE_AGAIN_MS) return known.entries;
      const { config } = read;
      const clientSecret = (name: string) => secrets.read(service, name);
      const context = { env, clientSecret, now: now(), keyProblem: keys.problemOf };
      const entries = [...config.services[service].configs.values()].flatMap((named) =>
        listUpstreams(config, service, named, context),
      );
      listed.set(service, { read, at: now(), entries });
      return entries;
    },
    /** The variables that its configs name, by name alone, and whether this process has them. */
    variablesOf(service: Service) {
      const { configs } = store.current().config.services[service];
      const auths = [...configs.values()].flatMap(({ entry }) => entry.upstreams.map(({ auth }) => auth));
      const names = auths.flatMap((auth) => auth?.auth_token_env?.trim() ?? auth?.api_key_env?.trim() ?? []);
      return [...new Set(names)].map((name) => ({
        name,
        is_set: ((readVariable(env, name) ?? secrets.read(service, name))?.trim() ?? "") !== "",
      }));
    },
    /** The route of a service, by the config of that name, or else by whichever is active when it is asked. */
    routeOf(service: Service, configName?: string) {
      let known: { read: ConfigState; at: number; state: RouteState } | null = null;
      const makeContext = () => ({
        env,
        clientSecret: (name: string) => secrets.read(service, name),
        now: now(),
        holder,
        keyProblem: keys.problemOf,
        configName,
      });
      const state = (): RouteState => {
        const read = store.current();
        if (known?.read === read && Math.abs(now() - known.at) < RESOLVE_AGAIN_MS) return known.state;
        const { config, problem, isKnown } = read;
        const next =
          problem !== null && !isKnown
            ? ({ kind: "unset", message: problem.text, hint: problem.hint ?? "ch config edit" } as const)
            : makeRouteState(config, service, makeContext());
        known = { read, at: now(), state: next };
        return next;
      };
      return {
        service,
        /** The one asked for; absent for the active one. */
        configName,
        /** Where requests go now. */
        state,
        /** The enabled upstreams; none where it leads nowhere. */
        upstreams(): readonly Upstream[] {
          const current = state();
          return current.kind === "ready" ? current.route.upstreams : [];
        },
        /** All upstreams of the config, the disabled ones too; null where there is no such config. */
        listUpstreams(): ListedConfig | null {
          const { config } = store.current();
          const chosen = chooseConfig(config.services[service], service, configName);
          if ("kind" in chosen) return null;
          return {
            configName: chosen.name,
            entries: listUpstreams(config, service, chosen, makeContext()),
          };
        },
      };
    },
  };
}

function makeRouteState(
  config: ParsedConfig,
  service: Service,
  context: Parameters<typeof resolveConfig>[2],
): RouteState {
  const resolved = resolveConfig(config, service, context);
  if (resolved.kind === "unset") return resolved;
  const { configName, models, onExhausted, upstreams, waitMs } = resolved;
  const { firstByteTotalMs, maxBodyBytes: maxBytes, routing, uploadIdleMs } = resolveSettings(config);
  const ownedHeaders = listOwnedHeaders(config, service);
  const limits = { maxBytes, uploadIdleMs };
  return {
    kind: "ready",
    route: {
      configName,
      upstreams,
      ownedHeaders,
      routing,
      onExhausted,
      models,
      waitMs,
      firstByteTotalMs,
      limits,
    },
  };
}

/** Names that any upstream of the service sets, of whatever config: a client's own value must not pass for ours. */
function listOwnedHeaders(config: ParsedConfig, service: Service): ReadonlySet<string> {
  const configs = [...config.services[service].configs.values()];
  const names = configs.flatMap(({ entry }) =>
    entry.upstreams.flatMap(({ headers }) => Object.keys(headers ?? {})),
  );
  return new Set(names.map((name) => name.toLowerCase()));
}
