// The edits of config.json that commands make, each as a list of changes, and their application to the text.
// Pure.
import type { JSONPath } from "jsonc-parser";
import { UserError } from "../base/errors.ts";
import { CLIENT_NAME, SERVICES, type Service } from "../base/service.ts";
import { t } from "../base/text.ts";
import { type Change, applyChanges } from "./jsonc-edit.ts";
import { type Target, formatTarget, isConfigName } from "./name.ts";
import { followLabels } from "./project-edit.ts";
import { CONFIG_VERSION, type ParsedConfig, type ServiceConfigs, parseConfig } from "./parse.ts";
import { chooseConfig } from "./resolve.ts";
import type { UpstreamEntry } from "./schema.ts";

/** Decides from the present config what to change. Throws UserError where that makes no sense. */
export type Plan = (config: ParsedConfig) => readonly Change[];

/**
 * The text with a plan applied; comments, unknown keys and a BOM stay. "" means a missing file.
 * Throws UserError where the text does not parse, is of a newer version, or a config would be broken afterwards.
 */
export function editConfig(text: string, file: string, plan: Plan): string {
  const bom = text.startsWith("\ufeff") ? "\ufeff" : "";
  const before = parseConfig(text, file);
  if (before.isReadOnly) {
    throw new UserError(
      t`${file} was written by a newer version of codex-helper; this version does not change it`,
    );
  }
  const changes = plan(before);
  if (changes.length === 0) return text;
  const isNew = text.trim() === "";
  const first: Change[] = isNew ? [{ kind: "set", path: ["version"], value: CONFIG_VERSION }] : [];
  const result = applyChanges(text.slice(bom.length), file, [...first, ...changes]);
  refuseNewlyBroken(before, parseConfig(result, file));
  return bom + result;
}

export interface Addition {
  readonly service: Service;
  readonly name: string;
  readonly alias: string | undefined;
  readonly upstreams: readonly UpstreamEntry[];
  /** Replaces a config of that name. */
  readonly isReplacing: boolean;
}

/** The first config of a service becomes the active one; later ones change nothing. */
export function planAdd({ service, name, alias, upstreams, isReplacing }: Addition): Plan {
  return (config) => {
    const section = config.services[service];
    requireName(name);
    if (hasName(section, name) && !isReplacing) {
      throw new UserError(t`the config "${name}" already exists`, {
        hint: t`--append adds a backup upstream to it, --force replaces it`,
      });
    }
    const value = { ...(alias === undefined ? {} : { alias }), upstreams };
    const isFirst = section.configs.size + section.broken.size === 0;
    // One that is in use for being the only one stays so beside another.
    const chosen = chooseConfig(section, service);
    const used = isFirst ? name : "kind" in chosen || chosen.name === section.active ? null : chosen.name;
    return [
      ...(used === null ? [] : [setActive(service, used)]),
      { kind: "set", path: [service, "configs", name], value },
    ];
  };
}

/** Adds backup upstreams to the end of a config. */
export function planAppend(service: Service, name: string, upstreams: readonly UpstreamEntry[]): Plan {
  return (config) => {
    requireUpstreams(config, service, { name, position: null });
    const path = [service, "configs", name, "upstreams"];
    return upstreams.map((value) => ({ kind: "append", path, value }));
  };
}

/** Removes a config, or one upstream of it. A removed config is no longer active. */
export function planRemove(service: Service, target: Target): Plan {
  return (config) => {
    const section = config.services[service];
    const path = [service, "configs", target.name];
    if (target.position === null) {
      requireConfig(config, service, target.name);
      const isActive = section.active === target.name;
      // A wall that names it allows nothing by that, until there is another of that name.
      const followed = followLabels(config, service, (one) =>
        one.name === target.name && one.position !== null ? null : one,
      );
      refuseUsed(config, service, target.name);
      return [...followed, { kind: "remove", path }, ...(isActive ? [setActive(service, null)] : [])];
    }
    requireUpstreams(config, service, target);
    if (section.configs.get(target.name)?.entry.upstreams.length === 1) {
      throw new UserError(t`${formatTarget(target.name, 1)} is the only upstream of its config`, {
        hint: `ch config remove ${target.name}`,
      });
    }
    const { position } = target;
    const followed = followLabels(config, service, (one) => {
      if (one.name !== target.name || one.position === null || one.position < position) return one;
      return one.position === position ? null : { ...one, position: one.position - 1 };
    });
    return [...followed, { kind: "remove", path: [...path, "upstreams", position - 1] }];
  };
}

/** Gives a config another name; it stays active if it was. */
export function planRename(service: Service, from: string, to: string): Plan {
  return (config) => {
    const section = config.services[service];
    requireName(to);
    requireConfig(config, service, from);
    if (from === to) {
      throw new UserError(t`it is already named "${from}"`, { hint: `ch config rename ${from} NEW-NAME` });
    }
    if (hasName(section, to)) {
      throw new UserError(t`the config "${to}" already exists`, {
        hint: `ch config rename ${from} NEW-NAME`,
      });
    }
    const path = [service, "configs", from];
    const hasInnerName = section.configs.get(from)?.entry.name != null;
    return [
      ...(hasInnerName ? [setKey(path, "name", to)] : []),
      { kind: "rename", path, to },
      ...followLabels(config, service, (one) => (one.name === from ? { ...one, name: to } : one)),
      ...(section.active === from ? [setActive(service, to)] : []),
    ];
  };
}

/** Moves an upstream to another place, counted from 1. */
export function planMove(service: Service, target: Target & { readonly position: number }, to: number): Plan {
  return (config) => {
    requireUpstreams(config, service, target);
    const count = requireUpstreams(config, service, { name: target.name, position: null }).length;
    if (to > count) {
      throw new UserError(t`"${target.name}" has no position ${to}: the last one is ${count}`, {
        hint: `ch config move ${formatTarget(target.name, target.position)} --to ${count}`,
      });
    }
    if (to === target.position) return [];
    const path = [service, "configs", target.name, "upstreams"];
    const followed = followLabels(config, service, (one) =>
      one.name === target.name && one.position !== null
        ? { ...one, position: movedTo(one.position, target.position, to) }
        : one,
    );
    return [...followed, { kind: "move", path, from: target.position - 1, to: to - 1 }];
  };
}

/** Where the upstream at a place is after another one was moved. */
function movedTo(place: number, from: number, to: number): number {
  if (place === from) return to;
  if (place > from && place <= to) return place - 1;
  return place < from && place >= to ? place + 1 : place;
}

/** Enables an upstream, or all of a config. */
export function planEnable(service: Service, target: Target): Plan {
  return (config) =>
    requireUpstreams(config, service, target).flatMap(({ path, entry }) => [
      ...(entry.enabled === false ? [setKey(path, "enabled", true)] : []),
      ...(entry.disabled_until == null ? [] : [removeKey(path, "disabled_until")]),
    ]);
}

/** Disables an upstream, or all of a config: until a time (ISO 8601 with offset), or for good with null. */
export function planDisable(service: Service, target: Target, until: string | null): Plan {
  return (config) =>
    requireUpstreams(config, service, target).flatMap(({ path, entry }) => {
      if (until !== null) {
        const enable = entry.enabled === false ? [setKey(path, "enabled", true)] : [];
        return [...enable, setKey(path, "disabled_until", until)];
      }
      const clear = entry.disabled_until == null ? [] : [removeKey(path, "disabled_until")];
      return entry.enabled === false ? clear : [...clear, setKey(path, "enabled", false)];
    });
}

export function planSetActive(service: Service, name: string): Plan {
  return (config) => {
    requireUpstreams(config, service, { name, position: null });
    const { active, configs } = config.services[service];
    const path = [service, "configs", name];
    return [
      ...(active === name ? [] : [setActive(service, name)]),
      ...(configs.get(name)?.entry.needs_activation == null ? [] : [removeKey(path, "needs_activation")]),
    ];
  };
}

export function planSetDefaultService(service: Service): Plan {
  return (config) =>
    config.defaultService === service ? [] : [{ kind: "set", path: ["default_service"], value: service }];
}

function setActive(service: Service, name: string | null): Change {
  return { kind: "set", path: [service, "active"], value: name };
}

function setKey(path: JSONPath, key: string, value: unknown): Change {
  return { kind: "set", path: [...path, key], value };
}

function removeKey(path: JSONPath, key: string): Change {
  return { kind: "remove", path: [...path, key] };
}

function hasName(section: ServiceConfigs, name: string): boolean {
  return section.configs.has(name) || section.broken.has(name);
}

function requireName(name: string): void {
  if (isConfigName(name)) return;
  throw new UserError(t`"${name}" cannot name a config: 1 to 64 letters, digits, ".", "_" or "-"`);
}

function requireConfig(config: ParsedConfig, service: Service, name: string): void {
  if (!hasName(config.services[service], name)) throw unknownConfig(service, name);
}

/** The upstreams that a target means, which must be there. */
function requireUpstreams(config: ParsedConfig, service: Service, target: Target) {
  const { configs, broken } = config.services[service];
  const named = configs.get(target.name);
  if (named === undefined) {
    const problem = broken.get(target.name);
    throw problem === undefined
      ? unknownConfig(service, target.name)
      : new UserError(problem, { hint: "ch config edit" });
  }
  const placed = named.entry.upstreams.map((entry, index) => ({
    path: [service, "configs", target.name, "upstreams", index],
    entry,
  }));
  if (target.position === null) return placed;
  const one = placed[target.position - 1];
  if (one === undefined) throw noSuchPosition(target.name, target.position, placed.length);
  return [one];
}

/** For an upstream that a config does not have; `count` is how many it has, `flag` the service's in the hint. */
export function noSuchPosition(name: string, position: number, count: number, flag = ""): UserError {
  const message =
    count === 1
      ? t`"${name}" has 1 upstream; there is no number ${position}`
      : t`"${name}" has ${count} upstreams; there is no number ${position}`;
  return new UserError(message, { hint: `ch config show ${name}${flag}` });
}

function unknownConfig(service: Service, name: string): UserError {
  const client = CLIENT_NAME[service];
  const hint = `ch config list --${service}`;
  return new UserError(t`there is no config "${name}" for ${client}`, { hint });
}

/** A project whose config is gone would have to go somewhere else. */
function refuseUsed(config: ParsedConfig, service: Service, name: string): void {
  const others = SERVICES.some((other) => other !== service && config.services[other].configs.has(name));
  const user = others ? undefined : config.projects.find(({ entry }) => entry.config === name);
  if (user === undefined) return;
  throw new UserError(t`project ${user.name} uses the config "${name}"`, {
    hint: `ch project set '${user.pattern}' --config NAME`,
  });
}

function refuseNewlyBroken(before: ParsedConfig, after: ParsedConfig): void {
  for (const service of SERVICES) {
    for (const [name, problem] of after.services[service].broken) {
      if (!before.services[service].broken.has(name)) throw new UserError(problem);
    }
  }
}
