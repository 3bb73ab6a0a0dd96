// Writes what was decided of one config into the text of config.json, by the edits that a person would make: comments and whatever
// belongs to this machine stay, and walls of projects follow.
// Pure.
import type { JSONPath } from "jsonc-parser";
import { UserError } from "../../base/errors.ts";
import type { Service } from "../../base/service.ts";
import { t } from "../../base/text.ts";
import { editConfig, planAppend, planMove, planRemove, planRename } from "../edit.ts";
import type { Change } from "../jsonc-edit.ts";
import { formatTarget } from "../name.ts";
import type { UpstreamEntry } from "../schema.ts";
import {
  EXISTS,
  type LocalConfig,
  NAME,
  ORDER,
  SETTINGS,
  arrange,
  pathOf,
  readOrder,
  readValues,
} from "./local.ts";
import {
  CONFIG_RULES,
  type Flat,
  type Path,
  type Rules,
  SETTING_RULES,
  UPSTREAM_RULES,
  keysOfPath,
  travelOf,
  unflatten,
} from "./travel.ts";
import { type Registers, canonical } from "./versions.ts";

export interface Applied {
  readonly service: Service | null;
  readonly local: LocalConfig | undefined;
  readonly next: Registers;
}

/** Throws UserError where config.json cannot hold it; nothing is half done then. */
export function applyDecision(text: string, file: string, { local, next, service }: Applied): string {
  if (local?.id === SETTINGS)
    return editConfig(text, file, () => listChanges([], local, { next, prefix: "", rules: SETTING_RULES }));
  if (service === null) return text;
  const isWanted = next.get(EXISTS)?.value === true;
  if (local === undefined) return isWanted ? addConfig(text, file, { service, next }) : text;
  const { name } = local;
  if (!isWanted) return editConfig(text, file, planRemove(service, { name, position: null }));
  const edited = changeConfig(text, file, { service, local, next });
  const called = next.get(NAME)?.value;
  return typeof called === "string" && called !== name
    ? editConfig(edited, file, planRename(service, name, called))
    : edited;
}

interface Edited {
  readonly service: Service;
  readonly local: LocalConfig;
  readonly next: Registers;
}

function changeConfig(text: string, file: string, { local, next, service }: Edited): string {
  const { name } = local;
  const base = [service, "configs", name];
  const isWanted = (uid: string): boolean => next.get(pathOf(uid))?.value === true;
  const values = editConfig(text, file, () => [
    ...listChanges(base, local, { next, prefix: "", rules: CONFIG_RULES }),
    ...local.upstreams.flatMap((upstream, index) => {
      if (upstream.uid === null || !isWanted(upstream.uid)) return [];
      const flat = upstream.hasOwnKey ? { ...upstream, leftOut: ["auth", ...upstream.leftOut] } : upstream;
      const at = { next, prefix: `${pathOf(upstream.uid)}/`, rules: UPSTREAM_RULES };
      return listChanges([...base, "upstreams", index], flat, at);
    }),
  ]);
  // One that stays here has no id for the others.
  const places = local.upstreams.map(({ uid }, index) => uid ?? `here ${index}`);
  const order = readOrder(next.get(ORDER)?.value);
  const added = listUpstreams(next).filter((uid) => !places.includes(uid));
  const entries = added.map((uid) => upstreamOf(next, uid));
  let result = entries.length === 0 ? values : editConfig(values, file, planAppend(service, name, entries));
  places.push(...added);
  for (let index = places.length - 1; index >= 0; index -= 1) {
    const uid = places[index] ?? "";
    if (uid.startsWith("here ") || isWanted(uid)) continue;
    result = editConfig(result, file, planRemove(service, { name, position: index + 1 }));
    places.splice(index, 1);
  }
  for (const [index, uid] of arrange(order, places).entries()) {
    const from = places.indexOf(uid);
    if (from === index) continue;
    result = editConfig(result, file, planMove(service, { name, position: from + 1 }, index + 1));
    places.splice(index, 0, ...places.splice(from, 1));
  }
  return result;
}

/** It is not used before a person says so. */
function addConfig(
  text: string,
  file: string,
  { next, service }: { readonly service: Service; readonly next: Registers },
): string {
  const name = String(next.get(NAME)?.value);
  const own = new Map([...readValues(next, "")].filter(([path]) => travelOf(CONFIG_RULES, path) !== null));
  const upstreams = listUpstreams(next).map((uid) => upstreamOf(next, uid));
  const value = { ...unflatten(own), needs_activation: true, upstreams };
  return editConfig(text, file, (config) => {
    const { broken, configs } = config.services[service];
    if (configs.has(name) || broken.has(name)) {
      throw new UserError(t`there is another config "${name}" here, which was made separately`, {
        hint: `ch config rename ${name} NEW-NAME`,
      });
    }
    return [{ kind: "set", path: [service, "configs", name], value }];
  });
}

/** Those that are wanted, in their order. */
function listUpstreams(next: Registers): string[] {
  const wanted = [...next].flatMap(([path, { value }]) =>
    value === true && /^upstreams\/[^/]+$/.test(path) ? [path.slice(ORDER.length + 1)] : [],
  );
  return arrange(readOrder(next.get(ORDER)?.value), wanted);
}

function upstreamOf(next: Registers, uid: string): UpstreamEntry {
  const values = [...readValues(next, `${pathOf(uid)}/`)];
  const known = new Map(values.filter(([path]) => travelOf(UPSTREAM_RULES, path) !== null));
  return { base_url: "", ...unflatten(known) };
}

interface Wanted {
  readonly next: Registers;
  readonly prefix: Path;
  readonly rules: Rules;
}

/** From what an object of the file has to what it is to have. */
function listChanges(
  base: JSONPath,
  { leftOut, values }: Pick<Flat, "leftOut" | "values">,
  { next, prefix, rules }: Wanted,
): Change[] {
  const wanted = readValues(next, prefix);
  const paths = new Set([...values.keys(), ...wanted.keys()]);
  return [...paths].flatMap((path): Change[] => {
    const value = wanted.get(path);
    const isOurs = travelOf(rules, path) !== null && !leftOut.includes(path);
    if (!isOurs || canonical(value) === canonical(values.get(path))) return [];
    const at = [...base, ...keysOfPath(path)];
    return [value === undefined ? { kind: "remove", path: at } : { kind: "set", path: at, value }];
  });
}

/** "main#2.timeouts.idle_secs", "main#2", "main" and "routing.open_secs" for a path, as it is typed. */
export function labelOf(local: Pick<LocalConfig, "name" | "upstreams" | "service">, path: Path): string {
  const [, uid, rest = ""] = /^upstreams\/([^/]+)(?:\/(.*))?$/s.exec(path) ?? [];
  const index = local.upstreams.findIndex((one) => one.uid === uid);
  const holder =
    uid === undefined
      ? local.name
      : index === -1
        ? `${local.name}.${ORDER}`
        : formatTarget(local.name, index + 1);
  const key = keysOfPath(uid === undefined ? path : rest).join(".");
  return [holder, key].filter((part) => part !== "").join(".");
}
