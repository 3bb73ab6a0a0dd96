// Which upstreams a wall leaves, by their keys: the same address with the same key is one upstream in every config.
import type { Service } from "../../base/service.ts";
import type { Upstream } from "../../base/upstream.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import { type ProjectTerms, listAllowed } from "../../config/projects.ts";
import type { LiveConfig } from "../live-config.ts";

/** What is configured may change without a change of the file. */
const LOOK_AGAIN_MS = 250;

/** `now`: wall clock, ms. */
export function createAllowed(service: Service, live: LiveConfig, now: () => number) {
  let seen: ParsedConfig | null = null;
  let readAt = 0;
  let all: ReturnType<LiveConfig["listAll"]> = [];
  let version = 0;
  let keys = new Map<readonly string[], ReadonlySet<string>>();
  const look = (): void => {
    const { config } = live.current();
    if (config === seen && Math.abs(now() - readAt) < LOOK_AGAIN_MS) return;
    const next = live.listAll(service);
    const isSame =
      config === seen &&
      next.length === all.length &&
      next.every(({ upstream: { key } }, at) => key === all[at]?.upstream.key);
    seen = config;
    readAt = now();
    all = next;
    if (isSame) return;
    version += 1;
    keys = new Map();
  };
  return {
    version: () => (look(), version),
    keysOf(allow: readonly string[]): ReadonlySet<string> {
      look();
      const known = keys.get(allow);
      if (known !== undefined) return known;
      const found = new Set(
        listAllowed(
          allow,
          all.map(({ upstream }) => upstream),
        ).map(({ key }) => key),
      );
      keys.set(allow, found);
      return found;
    },
    enabledOf(terms: ProjectTerms | null): readonly Upstream[] {
      look();
      const enabled = all.filter(({ isEnabled }) => isEnabled).map(({ upstream }) => upstream);
      return [...new Map(listAllowed(terms?.allow ?? [], enabled).map((one) => [one.key, one])).values()];
    },
  };
}
