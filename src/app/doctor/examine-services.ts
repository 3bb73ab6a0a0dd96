// Looks at each service for `doctor`: its route, its upstreams' keys and ways, its client's switch, its port.
import type { Env } from "../../base/env.ts";
import { DEFAULT_PORT, type Service } from "../../base/service.ts";
import type { Upstream } from "../../base/upstream.ts";
import { chooseOutboundProxy } from "../../config/outbound-proxy.ts";
import { listUpstreams } from "../../config/resolve.ts";
import type { UpstreamEntry } from "../../config/schema.ts";
import type { ExamineOptions, ServiceFacts, UpstreamFacts } from "../../doctor/facts.ts";
import { createClientSecrets } from "../client-secrets.ts";
import { findClient, lookAtPort, nameForeignProxy } from "./examine-machine.ts";
import type { LiveConfig } from "../live-config.ts";
import { makeSwitchReport } from "../status/switch-report.ts";

export async function collectServiceFacts(
  service: Service,
  live: LiveConfig,
  options: ExamineOptions,
): Promise<ServiceFacts> {
  const { env, ports = DEFAULT_PORT } = options;
  const state = live.routeOf(service).state();
  const section = live.current().config.services[service];
  const [report, port] = await Promise.all([
    makeSwitchReport({ ...options, service }),
    lookAtPort(ports[service]),
  ]);
  const enabled = listEnabled(service, live, options);
  const rival = report.overrides.find((override) => override.rival !== undefined)?.rival;
  return {
    service,
    routeProblem: state.kind === "unset" ? { message: state.message, hint: state.hint } : null,
    isUnused: section.configs.size + section.broken.size === 0,
    configName: state.kind === "ready" ? state.route.configName : null,
    upstreams: enabled.map((one) => makeUpstreamFacts(one, env)),
    switch: report.status,
    isProxyThere: report.isListening === true,
    overrides: report.overrides,
    foreignProxy: rival === undefined ? null : await nameForeignProxy(rival.port),
    client: findClient(service, env),
    port: { number: ports[service], state: port },
  };
}

export interface EnabledUpstream {
  readonly upstream: Upstream;
  readonly entry: UpstreamEntry;
}

/** The upstreams that requests of the service use; none where it has no route. */
export function listEnabled(
  service: Service,
  live: LiveConfig,
  { env, now, paths }: ExamineOptions,
): EnabledUpstream[] {
  const state = live.routeOf(service).state();
  const { config } = live.current();
  const named =
    state.kind === "ready" ? config.services[service].configs.get(state.route.configName) : undefined;
  if (named === undefined) return [];
  const secrets = createClientSecrets(paths, now);
  const context = { env, now: now(), clientSecret: (name: string) => secrets.read(service, name) };
  return listUpstreams(config, service, named, context).filter(({ isEnabled }) => isEnabled);
}

function makeUpstreamFacts({ entry, upstream }: EnabledUpstream, env: Env): UpstreamFacts {
  const outbound = chooseOutboundProxy(upstream.baseUrl, entry.proxy ?? undefined, env);
  return {
    label: upstream.label,
    unusable: upstream.credential.kind === "unusable" ? upstream.credential.why : null,
    hasLiteralKey: entry.auth?.auth_token != null || entry.auth?.api_key != null,
    // The address may hold a password: the host alone is shown.
    outbound:
      outbound.kind === "proxy" ? { host: new URL(outbound.url).host, source: outbound.source } : null,
  };
}
