// What a person put together from what was found and typed, before it is written: a new config, or more upstreams behind
// those of the config in use.
// Pure.
import type { Service } from "../../base/service.ts";
import { DEFAULT_SERVICE, SERVICES } from "../../base/service.ts";
import { type Plan, planAdd, planAppend } from "../../config/edit.ts";
import type { Change } from "../../config/jsonc-edit.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import type { UpstreamEntry } from "../../config/schema.ts";

export interface Draft {
  readonly service: Service;
  /** Of a new config, which comes into use; or of the one to whose end they go. */
  readonly name: string;
  readonly isAppended: boolean;
  readonly upstreams: readonly UpstreamEntry[];
}

export function planDraft({ isAppended, name, service, upstreams }: Draft): Plan {
  return (config) => {
    if (isAppended) return planAppend(service, name, upstreams)(config);
    const added = planAdd({ service, name, alias: undefined, upstreams, isReplacing: false })(config);
    const active: Change = { kind: "set", path: [service, "active"], value: name };
    const isSet = added.some(({ path }) => path.join(".") === active.path.join("."));
    return [...added, ...(isSet ? [] : [active]), ...planDefault(config, service)];
  };
}

/** Plain `ch` serves what was set up first, not what it usually serves. */
function planDefault(config: ParsedConfig, service: Service): Change[] {
  const isFirst = SERVICES.every((one) => config.services[one].configs.size === 0);
  return isFirst && config.defaultService === null && service !== DEFAULT_SERVICE
    ? [{ kind: "set", path: ["default_service"], value: service }]
    : [];
}

/** `wanted`, or the first "wanted-2" that is free. */
export function freeName(config: ParsedConfig, service: Service, wanted: string): string {
  const { broken, configs } = config.services[service];
  const taken = new Set([...configs.keys(), ...broken.keys()].map((name) => name.toLowerCase()));
  let name = wanted;
  for (let number = 2; taken.has(name.toLowerCase()); number += 1) name = `${wanted.slice(0, 60)}-${number}`;
  return name;
}
