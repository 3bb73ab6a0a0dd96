// config.json as the other machines may know it: which of its configs and upstreams are those of the last sync, however they are
// called now and wherever they stand, and what was changed since.
// Pure.
import { fingerprint } from "../../base/secrets.ts";
import { SERVICES, type Service } from "../../base/service.ts";
import type { ParsedConfig } from "../parse.ts";
import type { UpstreamEntry } from "../schema.ts";
import {
  CONFIG_RULES,
  type Flat,
  type FlatUpstream,
  type IsSecret,
  type Path,
  SETTING_RULES,
  UPSTREAM_RULES,
  type Values,
  flatten,
  flattenUpstream,
  travelOf,
} from "./travel.ts";
import { type Registers, type Seen, canonical, isBelow, knownOf } from "./versions.ts";

/** Of the config itself, beside its values. */
export const EXISTS = "";
export const NAME = "name";
export const ORDER = "upstreams";
export const SETTINGS = "settings";

export const pathOf = (uid: string): Path => `${ORDER}/${uid}`;

/** Of "codex/main"; null for the settings. */
export function serviceOf(id: string): Service | null {
  return SERVICES.find((service) => id.startsWith(`${service}/`)) ?? null;
}

/** "upstreams/UID/timeouts/idle_secs" in its parts; null for what belongs to no upstream. */
export function splitPath(path: Path): { readonly uid: string; readonly rest: Path } | null {
  const [, uid, rest = ""] = /^upstreams\/([^/]+)(?:\/(.*))?$/s.exec(path) ?? [];
  return uid === undefined ? null : { uid, rest };
}

/** What this machine knew of a config when it was synced last. */
export interface Base {
  readonly registers: Registers;
  /** Of each upstream, by which key it was recognized: a fingerprint. */
  readonly marks: Readonly<Record<string, string>>;
}

export type Bases = ReadonlyMap<string, Base>;

export interface LocalUpstream extends FlatUpstream {
  /** Null for one that stays here: its address holds a secret. */
  readonly uid: string | null;
  readonly entry: UpstreamEntry;
  readonly mark: string;
}

export interface LocalConfig extends Flat {
  /** "codex/main": the name that it was made with. SETTINGS for those. */
  readonly id: string;
  /** Null for the settings. */
  readonly service: Service | null;
  readonly name: string;
  readonly upstreams: readonly LocalUpstream[];
}

/** All of config.json that can be read, each with its id. `broken` are left alone. */
export function readLocal(
  config: ParsedConfig,
  bases: Bases,
  isSecret: IsSecret,
): { readonly configs: readonly LocalConfig[]; readonly frozen: ReadonlySet<string> } {
  const settings: LocalConfig = {
    id: SETTINGS,
    service: null,
    name: "",
    upstreams: [],
    ...flatten(config.shell, SETTING_RULES, isSecret),
  };
  const frozen = new Set<string>();
  const configs = SERVICES.flatMap((service) => {
    const { broken, configs: named } = config.services[service];
    const known = [...bases].filter(([id]) => id.startsWith(`${service}/`));
    const nameOf = ({ registers }: Base): unknown =>
      registers.get(EXISTS)?.value === false ? null : registers.get(NAME)?.value;
    for (const [id, base] of known) if (broken.has(String(nameOf(base)))) frozen.add(id);
    const here = [...named.values()].filter(({ name }) => !isSecret(name));
    const ids = identify(
      service,
      here.map(({ entry, name }) => ({ name, addresses: entry.upstreams.map(({ base_url }) => base_url) })),
      known.flatMap(([id, base]) => {
        const name = nameOf(base);
        return typeof name === "string" ? [{ id, name, addresses: addressesOf(base.registers) }] : [];
      }),
    );
    return here.map(({ entry, name }): LocalConfig => {
      const id = ids.get(name) ?? `${service}/${name}`;
      const flats = entry.upstreams.map((one) => ({
        ...flattenUpstream(one, isSecret),
        entry: one,
        mark: fingerprint(canonical([one.auth ?? null, one.headers ?? null, one.query ?? null])),
      }));
      const uids = identifyUpstreams(flats, bases.get(id));
      const upstreams = flats.map((flat, index) => ({ ...flat, uid: uids[index] ?? null }));
      return { id, service, name, upstreams, ...flatten(entry, CONFIG_RULES, isSecret) };
    });
  });
  return { configs: [settings, ...configs], frozen };
}

function addressesOf(registers: Registers): unknown[] {
  const order = registers.get(ORDER)?.value;
  return Array.isArray(order)
    ? order.map((uid) => registers.get(`${pathOf(String(uid))}/base_url`)?.value)
    : [];
}

interface Named {
  readonly name: string;
  readonly addresses: readonly unknown[];
}

/** Of the same name, else one that was renamed: the only one with most of its addresses. */
function identify(
  service: Service,
  here: readonly Named[],
  known: readonly (Named & { readonly id: string })[],
): ReadonlyMap<string, string> {
  const ids = new Map<string, string>();
  for (const { name } of here) {
    const same = known.find((one) => one.name === name);
    if (same !== undefined) ids.set(name, same.id);
  }
  const left = known.filter(({ id }) => ![...ids.values()].includes(id));
  const fresh = here.filter(({ name }) => !ids.has(name));
  for (const { addresses, name } of fresh) {
    const isAlike = (one: Named): boolean => {
      const same = addresses.filter((address) => one.addresses.includes(address)).length;
      return same > 0 && 2 * same >= Math.max(addresses.length, one.addresses.length);
    };
    const [renamed, second] = left.filter(isAlike);
    if (renamed !== undefined && second === undefined && fresh.filter(isAlike).length === 1)
      ids.set(name, renamed.id);
  }
  const taken = new Set(ids.values());
  for (const { name } of fresh) {
    if (ids.has(name)) continue;
    let id = `${service}/${name}`;
    for (
      let number = 2;
      taken.has(id) || known.some((one) => one.id === id && one.name !== name);
      number += 1
    )
      id = `${service}/${name}~${number}`;
    ids.set(name, id);
    taken.add(id);
  }
  return ids;
}

type Flats = readonly (FlatUpstream & Pick<LocalUpstream, "entry" | "mark">)[];

/** By address and key, by address, by key; else it is a new one, called so on every machine that adds the same. */
function identifyUpstreams(flats: Flats, base: Base | undefined): readonly (string | null)[] {
  const known = [...(base?.registers ?? [])].flatMap(([path, { value }]) => {
    const part = splitPath(path);
    if (part === null || part.rest !== "" || value !== true) return [];
    const address = base?.registers.get(`${path}/base_url`)?.value;
    return [{ uid: part.uid, address, mark: base?.marks[part.uid] }];
  });
  const uids: (string | null)[] = flats.map(() => null);
  const taken = new Set<string>();
  const travels = (flat: Flats[number]): boolean => flat.values.has("base_url");
  const passes: ((flat: Flats[number], one: (typeof known)[number]) => boolean)[] = [
    (flat, one) => one.address === flat.values.get("base_url") && one.mark === flat.mark,
    (flat, one) => one.address === flat.values.get("base_url"),
    (flat, one) => one.mark === flat.mark && flat.entry.auth != null,
  ];
  for (const isSame of passes)
    for (const [index, flat] of flats.entries()) {
      if (uids[index] !== null || !travels(flat)) continue;
      const found = known.find((one) => !taken.has(one.uid) && isSame(flat, one));
      if (found === undefined) continue;
      uids[index] = found.uid;
      taken.add(found.uid);
    }
  for (const [index, flat] of flats.entries()) {
    if (uids[index] !== null || !travels(flat)) continue;
    const address = fingerprint(String(flat.values.get("base_url"))).slice(0, 8);
    let number = 1;
    while (taken.has(`${address}-${number}`) || known.some(({ uid }) => uid === `${address}-${number}`))
      number += 1;
    uids[index] = `${address}-${number}`;
    taken.add(`${address}-${number}`);
  }
  return uids;
}

export interface LocalChange {
  readonly path: Path;
  readonly before: unknown;
  readonly after: unknown;
}

export interface Observed {
  readonly registers: Registers;
  readonly changes: readonly LocalChange[];
}

/** Marks a write of this machine. */
export type Stamp = (seen: Seen) => Seen;

/** What the machine knew, brought up to what its file says now. `local`: undefined for a config that was removed. */
export function observe(local: LocalConfig | undefined, base: Registers, stamp: Stamp): Observed {
  const registers = new Map(base);
  const changes: LocalChange[] = [];
  const write = (path: Path, after: unknown, seen: Seen): void => {
    const before = registers.get(path)?.value;
    changes.push({ path, before, after });
    registers.set(path, after === undefined ? { seen: stamp(seen) } : { value: after, seen: stamp(seen) });
  };
  const exists = base.get(EXISTS)?.value === true;
  const remove = (path: Path): void => {
    write(path, false, knownOf(registers, path));
    for (const one of registers.keys()) if (isBelow(one, path)) registers.delete(one);
  };
  const compare = (
    prefix: Path,
    flat: Pick<Flat, "values" | "leftOut">,
    rules: typeof CONFIG_RULES,
  ): void => {
    for (const [path, value] of flat.values) {
      const known = registers.get(prefix + path);
      if (canonical(known?.value) !== canonical(value)) write(prefix + path, value, known?.seen ?? {});
    }
    for (const [path, { seen, value }] of registers) {
      const own = path.startsWith(prefix) ? path.slice(prefix.length) : null;
      if (own === null || value === undefined || travelOf(rules, own) === null) continue;
      // What has become a secret stays with the others as it was.
      if (!flat.values.has(own) && !flat.leftOut.includes(own)) write(path, undefined, seen);
    }
  };
  if (local === undefined) {
    if (exists) remove(EXISTS);
    return { registers, changes };
  }
  if (local.id === SETTINGS) {
    compare("", local, SETTING_RULES);
    return { registers, changes };
  }
  if (!exists) write(EXISTS, true, base.get(EXISTS)?.seen ?? {});
  if (base.get(NAME)?.value !== local.name) write(NAME, local.name, base.get(NAME)?.seen ?? {});
  compare("", local, CONFIG_RULES);
  const uids = local.upstreams.flatMap(({ uid }) => uid ?? []);
  for (const [path, { value }] of registers) {
    const part = splitPath(path);
    if (part !== null && part.rest === "" && value === true && !uids.includes(part.uid)) remove(path);
  }
  for (const upstream of local.upstreams) {
    if (upstream.uid === null) continue;
    const path = pathOf(upstream.uid);
    const known = registers.get(path);
    if (known?.value !== true) write(path, true, known?.seen ?? {});
    const leftOut = upstream.hasOwnKey ? ["auth", ...upstream.leftOut] : upstream.leftOut;
    compare(`${path}/`, { values: upstream.values, leftOut }, UPSTREAM_RULES);
  }
  const order = registers.get(ORDER);
  const known = readOrder(order?.value);
  const isArranged =
    uids.every((uid) => known.includes(uid)) && canonical(arrange(known, uids)) === canonical(uids);
  if (!isArranged) write(ORDER, uids, order?.seen ?? {});
  return { registers, changes };
}

export function readOrder(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((uid): uid is string => typeof uid === "string") : [];
}

/** These in the order that is given; the ones that it does not have stay behind those before them. */
export function arrange(order: readonly string[], here: readonly string[]): string[] {
  const arranged = order.filter((uid, index) => here.includes(uid) && order.indexOf(uid) === index);
  for (const [index, uid] of here.entries()) {
    if (arranged.includes(uid)) continue;
    const before = here[index - 1];
    arranged.splice(before === undefined ? 0 : arranged.indexOf(before) + 1, 0, uid);
  }
  return arranged;
}

export function readValues(registers: Registers, prefix: Path): Values {
  return new Map(
    [...registers].flatMap(([path, { value }]): [Path, unknown][] =>
      path.startsWith(prefix) && value !== undefined ? [[path.slice(prefix.length), value]] : [],
    ),
  );
}
