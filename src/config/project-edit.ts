// The edits of `projects` in config.json: those that `ch project` makes, and those that follow from an edit of a config, so that a
// wall goes on to mean the same upstreams.
// Pure.
import { UserError } from "../base/errors.ts";
import { SERVICES, type Service } from "../base/service.ts";
import { t } from "../base/text.ts";
import type { Change } from "./jsonc-edit.ts";
import { type Target, formatTarget } from "./name.ts";
import type { ParsedConfig } from "./parse.ts";
import { type ProjectRule, meaningOf } from "./projects.ts";
import type { ProjectEntry } from "./schema.ts";

type Plan = (config: ParsedConfig) => readonly Change[];

/** The rule that means exactly what a pattern does, however it is written. */
export function findRule({ projects }: ParsedConfig, pattern: string): ProjectRule | undefined {
  const meaning = meaningOf(pattern);
  return projects.find((rule) => meaningOf(rule.pattern) === meaning);
}

/** Sets these keys of the rule for a pattern, which is made where there is none. */
export function planSetProject(pattern: string, entry: ProjectEntry): Plan {
  return (config) => {
    const rule = findRule(config, pattern);
    if (rule === undefined) return [{ kind: "set", path: ["projects", pattern], value: entry }];
    return Object.entries(entry).map(([key, value]) => ({
      kind: "set",
      path: ["projects", rule.pattern, key],
      value,
    }));
  };
}

/** Removes the rule for a pattern, or these keys of it. */
export function planUnsetProject(pattern: string, keys: readonly string[]): Plan {
  return (config) => {
    const rule = findRule(config, pattern);
    if (rule === undefined)
      throw new UserError(t`there is no rule for ${pattern}`, { hint: "ch project list" });
    const path = ["projects", rule.pattern];
    if (keys.length === 0) return [{ kind: "remove", path }];
    return keys.map((key) => ({ kind: "remove", path: [...path, key] }));
  };
}

/**
 * What changes in the rules when a config's upstreams get other labels. `next` says which; null for one that is gone. Throws UserError
 * where a rule cannot go on to mean the same.
 */
export function followLabels(
  config: ParsedConfig,
  service: Service,
  next: (target: Target) => Target | null,
): readonly Change[] {
  return config.projects.flatMap((rule): readonly Change[] => {
    const { allow, config: used } = rule.entry;
    const isNamed = (name: string): boolean =>
      SERVICES.some((other) => other !== service && config.services[other].configs.has(name));
    const follow = (text: string): string[] => {
      const target = readTarget(config, service, text);
      const after = target === null ? target : next(target);
      if (target === null) return [text];
      if (after !== null && nameOf(after) === nameOf(target)) return [text];
      if (isNamed(target.name)) {
        throw new UserError(t`project ${rule.name} names ${text}, which both clients have`, {
          hint: `ch project set '${rule.pattern}' --allow NAME`,
        });
      }
      return after === null ? [] : [nameOf(after)];
    };
    const set = (key: string, value: unknown): Change => ({
      kind: "set",
      path: ["projects", rule.pattern, key],
      value,
    });
    const walls = allow?.flatMap(follow);
    const usedAfter = used == null ? undefined : follow(used)[0];
    if (used != null && usedAfter === undefined) {
      throw new UserError(t`project ${rule.name} uses the config "${used}"`, {
        hint: `ch project set '${rule.pattern}' --config NAME`,
      });
    }
    return [
      ...(walls === undefined || walls.join() === allow?.join() ? [] : [set("allow", walls)]),
      ...(usedAfter === undefined || usedAfter === used ? [] : [set("config", usedAfter)]),
    ];
  });
}

function nameOf({ name, position }: Target): string {
  return position === null ? name : formatTarget(name, position);
}

/** Null for what is no config or upstream of the service. */
function readTarget(config: ParsedConfig, service: Service, text: string): Target | null {
  const [, name = "", place] = /^([^#]+)(?:#([1-9]\d{0,3}))?$/.exec(text) ?? [];
  if (!config.services[service].configs.has(name)) return null;
  return { name, position: place === undefined ? null : Number(place) };
}
