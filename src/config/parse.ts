// From the text of config.json to what it means, or to one clear error with its position. Shows no values.
// Pure.
import type { JSONPath } from "jsonc-parser";
import type * as z from "zod/mini";
import { UserError } from "../base/errors.ts";
import { isRecord } from "../base/json-value.ts";
import { SERVICES, type Service, mapServices } from "../base/service.ts";
import { type Text, inEnglish, t } from "../base/text.ts";
import { checkUpstreams } from "./check-upstreams.ts";
import { type JsoncSource, describeAt, formatPath, lineOfKey, placeOf, readJsonc, valueOf } from "./jsonc.ts";
import { isConfigName } from "./name.ts";
import { type ProjectRule, readProjects } from "./projects.ts";
import { type UnknownKey, describeUnknownKey, findUnknownKeys } from "./schema-keys.ts";
import { DESCRIBABLE, MISSING, describeFirstIssue } from "./schema-words.ts";
import {
  type ConfigShell,
  type NamedConfigEntry,
  type Has,
  makeConfigFile,
  makeConfigShell,
  makeNamedConfig,
  wholeConfigFile,
} from "./schema.ts";

/** The newest format that this program may write. */
export const CONFIG_VERSION = 1;

export interface NamedConfig {
  readonly name: string;
  readonly alias: string | null;
  readonly entry: NamedConfigEntry;
}

export interface ServiceConfigs {
  readonly active: string | null;
  /** In the order of the file. */
  readonly configs: ReadonlyMap<string, NamedConfig>;
  /** Configs that cannot be used as written, with the reason; the others work. */
  readonly broken: ReadonlyMap<string, Text>;
  /** A mistyped key that probably holds the configs, so that there are none; null where there is no such key. */
  readonly mistyped: Text | null;
}

export interface ParsedConfig {
  readonly services: Readonly<Record<Service, ServiceConfigs>>;
  readonly defaultService: Service | null;
  readonly shell: ConfigShell;
  /** In the order of the file. */
  readonly projects: readonly ProjectRule[];
  /** Written by a newer program: it is read, and never changed. */
  readonly isReadOnly: boolean;
  readonly warnings: readonly Text[];
  /** Keys that nobody reads, each with its line: they are among the warnings, too. */
  readonly unknownKeys: readonly Text[];
}

/** What a missing file means. */
export function makeEmptyConfig(warnings: readonly Text[] = []): ParsedConfig {
  const none: ServiceConfigs = { active: null, configs: new Map(), broken: new Map(), mistyped: null };
  return {
    services: mapServices(() => none),
    defaultService: null,
    shell: {},
    projects: [],
    isReadOnly: false,
    warnings,
    unknownKeys: [],
  };
}

/** `file` is for messages only. Throws UserError with file, line, column and path. */
export function parseConfig(text: string, file: string): ParsedConfig {
  const source = readJsonc(text.replace(/^\ufeff/, ""), file, "ch config edit");
  if (source.root === null) return makeEmptyConfig([t`${file} is empty`]);
  const value = valueOf(source.root);
  const names = namesIn(value);
  const has: Has = (name) => names.has(name);
  const shell = makeConfigShell(has).safeParse(value, DESCRIBABLE);
  const isReadOnly = shell.success && (shell.data.version ?? CONFIG_VERSION) > CONFIG_VERSION;
  // A newer format has more of them.
  const unknown = isReadOnly ? [] : findUnknown(value, has).map((key) => describeKey(source, key));
  if (!shell.success) {
    throw new UserError(describeError(shell.error, { source, unknown }, []), { hint: "ch config edit" });
  }
  const projects = readProjects(shell.data.projects ?? {});
  if ("words" in projects) {
    const words = describeAt(source, ["projects", projects.pattern], projects.words);
    throw new UserError(words, { hint: "ch config edit" });
  }
  const unknownKeys = unknown.map(({ words }) => words);
  const warnings: Text[] = [...unknownKeys];
  const named = makeNamedConfig(has);
  const services = mapServices(({ service }) =>
    readService({ service, shell: shell.data, named, source, warnings, unknown }),
  );
  if (isReadOnly) {
    warnings.push(
      t`${file} has version ${shell.data.version ?? 0}, newer than this program supports: it is read but not changed`,
    );
  }
  const defaultService = shell.data.default_service ?? null;
  return { services, defaultService, shell: shell.data, projects, isReadOnly, warnings, unknownKeys };
}

/**
 * The new version of the file, with each broken config replaced by its last usable version: a failed edit must not end the
 * requests of a running proxy.
 */
export function keepUsable(next: ParsedConfig, before: ParsedConfig | null): ParsedConfig {
  if (before === null || SERVICES.every((service) => next.services[service].broken.size === 0)) return next;
  const keep = (service: Service): ServiceConfigs => {
    const section = next.services[service];
    const earlier = [...section.broken.keys()].flatMap((name) => {
      const named = before.services[service].configs.get(name);
      return named === undefined ? [] : [[name, named] as const];
    });
    return { ...section, configs: new Map([...section.configs, ...earlier]) };
  };
  return { ...next, services: mapServices(({ service }) => keep(service)) };
}

interface ServiceSource {
  readonly service: Service;
  readonly shell: ConfigShell;
  readonly named: ReturnType<typeof makeNamedConfig>;
  readonly source: JsoncSource;
  readonly warnings: Text[];
  readonly unknown: readonly PlacedKey[];
}

interface PlacedKey extends UnknownKey {
  readonly words: Text;
}

/** Every key at any depth. */
function namesIn(value: unknown, names = new Set<string>()): ReadonlySet<string> {
  if (Array.isArray(value)) for (const one of value) namesIn(one, names);
  else if (isRecord(value))
    for (const [name, one] of Object.entries(value)) {
      names.add(name);
      namesIn(one, names);
    }
  return names;
}

/** What the schema of these names does not know, the whole one does not either; it has what was meant. */
function findUnknown(value: unknown, has: Has): readonly UnknownKey[] {
  if (findUnknownKeys(makeConfigFile(has), value).length === 0) return [];
  return findUnknownKeys(wholeConfigFile(), value);
}

/** `config.json line 12: unknown key "upstraems" (did you mean "upstreams"?)` */
function describeKey(source: JsoncSource, key: UnknownKey): PlacedKey {
  const line = lineOfKey(source, key.path);
  const words = describeUnknownKey(String(key.path.at(-1)), key);
  return { ...key, words: t`${source.file} line ${line}: ${words}` };
}

/** The unknown key that stands for a known one in the same object. */
function findMistyped(unknown: readonly PlacedKey[], path: JSONPath): Text | null {
  const wanted = String(path.at(-1));
  const holder = formatPath(path.slice(0, -1));
  const found = unknown.find(
    (one) => formatPath(one.path.slice(0, -1)) === holder && one.near.includes(wanted),
  );
  return found?.words ?? null;
}

function readService({ named, service, shell, source, unknown, warnings }: ServiceSource): ServiceConfigs {
  const section = shell[service] ?? {};
  const configs = new Map<string, NamedConfig>();
  const broken = new Map<string, Text>();
  for (const name of listNames(source, service)) {
    const entry = readEntry(name, { named, service, shell, source, unknown, warnings });
    if ("problem" in entry) broken.set(name, entry.problem);
    else configs.set(name, { name, alias: entry.value.alias ?? null, entry: entry.value });
  }
  const told = new Set(warnings.map(inEnglish));
  warnings.push(...[...broken.values()].filter((problem) => !told.has(inEnglish(problem))));
  const names = [...configs.keys(), ...broken.keys()];
  for (const [first, second] of findCaseDuplicates(names)) {
    warnings.push(t`${service}: the names "${first}" and "${second}" differ only in case`);
  }
  const active = section.active ?? null;
  if (active !== null && !names.includes(active)) {
    warnings.push(t`${service}.active is "${active}", but there is no such config`);
  }
  // The name may have been there before the config was imported: whoever activates it removes that mark.
  const isWaiting = configs.get(active ?? "")?.entry.needs_activation === true;
  const mistyped = findMistyped(unknown, [service, "configs"]) ?? findMistyped(unknown, [service]);
  return { active: isWaiting ? null : active, configs, broken, mistyped: names.length > 0 ? null : mistyped };
}

/** From the text, not the value: the value cannot hold a key `__proto__`, and numbers would come first in it. */
function listNames(source: JsoncSource, service: Service): string[] {
  const section = source.root?.children?.find(({ children }) => children?.[0]?.value === service);
  const configs = section?.children?.[1]?.children?.find(
    ({ children }) => children?.[0]?.value === "configs",
  );
  return (configs?.children?.[1]?.children ?? []).map(({ children }) => String(children?.[0]?.value));
}

/** The config, or why it cannot be used. */
function readEntry(
  name: string,
  { named, service, shell, source, unknown, warnings }: ServiceSource,
): { readonly value: NamedConfigEntry } | { readonly problem: Text } {
  const at = [service, "configs", name];
  if (!isConfigName(name)) {
    const shown = name.length > 64 ? `${name.slice(0, 64)}...` : name;
    const words = t`"${shown}" cannot name a config: 1 to 64 letters, digits, ".", "_" or "-"`;
    return { problem: t`${placeOf(source, at)}: ${words}` };
  }
  const parsed = named.safeParse(shell[service]?.configs?.[name], DESCRIBABLE);
  if (!parsed.success) return { problem: describeError(parsed.error, { source, unknown }, at) };
  if (parsed.data.name != null && parsed.data.name !== name) {
    warnings.push(describeAt(source, [...at, "name"], t`differs from the key and is ignored`));
  }
  const found = checkUpstreams(parsed.data.upstreams, service);
  const say = ({ path, words }: { path: JSONPath; words: Text }): Text =>
    describeAt(source, [...at, "upstreams", ...path], words);
  warnings.push(...found.warnings.map(say));
  return found.problem === null ? { value: parsed.data } : { problem: say(found.problem) };
}

function findCaseDuplicates(names: readonly string[]): [string, string][] {
  const lowered = new Map<string, string>();
  return names.flatMap((name) => {
    const twin = lowered.get(name.toLowerCase());
    lowered.set(name.toLowerCase(), name);
    return twin === undefined ? [] : [[twin, name] as [string, string]];
  });
}

/** Where something is missing and its name is there with a typing error, that is what is wrong. */
function describeError(
  error: z.core.$ZodError,
  { source, unknown }: Pick<ServiceSource, "source" | "unknown">,
  at: readonly string[],
): Text {
  const { path, words } = describeFirstIssue(error);
  const isMissing = error.issues[0]?.message === MISSING;
  const mistyped = isMissing ? findMistyped(unknown, [...at, ...path]) : null;
  if (mistyped !== null) return mistyped;
  const more = error.issues.length > 1 ? t` (and ${error.issues.length - 1} more)` : "";
  return describeAt(source, [...at, ...path], t`${words}${more}`);
}
