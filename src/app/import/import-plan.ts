// From configs that were found elsewhere to the change of config.json: which are new, under which names, and what they
// come to. Overwrites nothing.
// Pure.
import { inEnglish } from "../../base/text.ts";
import { SERVICES, type Service } from "../../base/service.ts";
import type { ImportedConfig } from "../../clients/imported-config.ts";
import { type Plan, planSetActive } from "../../config/edit.ts";
import type { Change } from "../../config/jsonc-edit.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import { hasUsable } from "../../config/resolve.ts";

export interface PlacedImport extends ImportedConfig {
  /** The name that it would have had, where that is taken; null where it is free. */
  readonly takenName: string | null;
}

export type Placement = Readonly<ReturnType<typeof placeImports>>;

/** Which of them config.json does not have yet, and names for them that are free there. */
export function placeImports(configs: readonly ImportedConfig[], config: ParsedConfig) {
  const taken = new Set(
    SERVICES.flatMap((service) => namesOf(config, service).map((name) => keyOf(service, name))),
  );
  const present = new Map(
    SERVICES.flatMap((service) =>
      [...config.services[service].configs.values()].map(({ name, entry }) => [
        identify(service, entry.upstreams),
        name,
      ]),
    ),
  );
  const added: PlacedImport[] = [];
  /** Those that are there already, by the name they have here. */
  const known: { service: Service; name: string; as: string }[] = [];
  for (const one of configs) {
    const { service } = one;
    const identity = identify(service, one.upstreams);
    const as = present.get(identity);
    if (as !== undefined) {
      known.push({ service, name: one.name, as });
      continue;
    }
    let name = one.name;
    for (let number = 2; taken.has(keyOf(service, name)); number += 1)
      name = `${one.name.slice(0, 60)}-${number}`;
    taken.add(keyOf(service, name));
    present.set(identity, name);
    added.push({ ...one, name, takenName: name === one.name ? null : one.name });
  }
  return { added, known };
}

/**
 * Which configs come into use: the first of a service that has none ("first", for what this machine is set up with already),
 * the first of each service ("now", where the user says so), or none ("never", for what a stranger may have made).
 */
export type Activation = "first" | "now" | "never";

/** The names that become active, by service. */
export function listActivated(
  configs: readonly ImportedConfig[],
  config: ParsedConfig,
  activation: Activation,
): ReadonlyMap<Service, string> {
  const { added, known } = placeImports(configs, config);
  const isWanted = (service: Service): boolean =>
    activation === "now" || (activation === "first" && !hasUsable(config.services[service]));
  return new Map(
    SERVICES.filter(isWanted).flatMap((service) => {
      const first = configs.find((one) => one.service === service)?.name;
      const name =
        known.find((one) => one.service === service && one.name === first)?.as ??
        added.find((one) => one.service === service && (one.takenName ?? one.name) === first)?.name;
      return name === undefined ? [] : [[service, name] as const];
    }),
  );
}

/** Adds them. One that does not come into use waits for its activation, also where it is or becomes the only one. */
export function planImport(configs: readonly ImportedConfig[], activation: Activation): Plan {
  return (config) => {
    const { added } = placeImports(configs, config);
    const active = listActivated(configs, config, activation);
    const sets = added.map(({ service, name, alias, extra, upstreams }): Change => {
      const { needs_activation: _, ...others } = extra ?? {};
      const isWaiting =
        active.get(service) !== name &&
        (activation === "never" || (!active.has(service) && config.services[service].active === null));
      const value = {
        ...(alias === undefined ? {} : { alias: inEnglish(alias) }),
        ...(isWaiting ? { needs_activation: true } : {}),
        ...others,
        upstreams,
      };
      return { kind: "set", path: [service, "configs", name], value };
    });
    const activations = [...active].flatMap(([service, name]) =>
      added.some((one) => one.service === service && one.name === name)
        ? [{ kind: "set", path: [service, "active"], value: name } satisfies Change]
        : planSetActive(service, name)(config),
    );
    return [...activations, ...sets];
  };
}

/** What the client asks is the same; tags are words for people. */
function identify(service: Service, upstreams: ImportedConfig["upstreams"]): string {
  const facts = upstreams.map(({ base_url, auth, headers, query }) => [
    base_url.replace(/\/+$/, ""),
    auth ?? {},
    headers ?? {},
    query ?? {},
  ]);
  return JSON.stringify([service, facts]);
}

function namesOf(config: ParsedConfig, service: Service): string[] {
  const { configs, broken } = config.services[service];
  return [...configs.keys(), ...broken.keys()];
}

function keyOf(service: Service, name: string): string {
  return `${service} ${name.toLowerCase()}`;
}
