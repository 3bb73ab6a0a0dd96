// What a person means by NAME or NAME#N: the upstreams, and the keys under which their state is kept.
import type { Service } from "../../base/service.ts";
import type { Upstream } from "../../base/upstream.ts";
import { parseTarget } from "../../config/name.ts";
import { proxyKey } from "../../routing/records.ts";
import type { LiveConfig } from "../live-config.ts";

/** The upstreams that NAME or NAME#N means, the disabled ones too. */
export function listTargets(live: LiveConfig, service: Service, text: string): readonly Upstream[] {
  const { name, position } = parseTarget(text);
  return (live.routeOf(service, name).listUpstreams()?.entries ?? [])
    .map(({ upstream }) => upstream)
    .filter((upstream) => position === null || upstream.position === position);
}

/** The keys of these and of the outbound proxies before them; null for all. */
export function listKeys(live: LiveConfig, service: Service, text: string | null): string[] | null {
  if (text === null) return null;
  const all = listTargets(live, service, text);
  return [...all.map(({ key }) => key), ...all.flatMap((upstream) => proxyKey(upstream) ?? [])];
}
