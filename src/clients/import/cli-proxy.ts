// From cli_proxy's files to configs of ours: by weight one config with all entries in their order, otherwise one config
// for each entry. Model mappings go along where they have a counterpart. Changes none of those files.
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { readText } from "../../base/files.ts";
import { type JsonRecord, isRecord, parseRecord, stringOr } from "../../base/json-value.ts";
import { type Text, t } from "../../base/text.ts";
import { SERVICES, type Service } from "../../base/service.ts";
import { isOnThisMachine } from "../../config/base-url.ts";
import type { UpstreamEntry } from "../../config/schema.ts";
import { type Import, type ImportedConfig, nameConfig, problemOfUpstream } from "../imported-config.ts";

/** What its files hold; null for a file that is not there. */
export interface CliProxyFiles {
  readonly services: Readonly<Partial<Record<Service, JsonRecord | null | undefined>>>;
  /** data/lb_config.json */
  readonly balancing: JsonRecord | null;
  /** data/model_router_config.json */
  readonly models: JsonRecord | null;
  /** filter.json has rules. */
  readonly hasFilter: boolean;
}

interface Entry {
  readonly name: string;
  readonly weight: number;
  readonly isActive: boolean;
  readonly upstream: UpstreamEntry;
}

/** Throws UserError where the directory has neither codex.json nor claude.json, or one of the files is not JSON. */
export async function readCliProxy(directory: string): Promise<CliProxyFiles> {
  const [balancing, models, ...sections] = await Promise.all(
    [
      "data/lb_config.json",
      "data/model_router_config.json",
      ...SERVICES.map((service) => `${service}.json`),
    ].map((name) => readObject(join(directory, name))),
  );
  if (sections.every((section) => section === null)) {
    throw new UserError(t`no cli_proxy data in ${directory}`, {
      hint: "ch config import --from cli_proxy --dir DIR",
    });
  }
  const filter = (await readText(join(directory, "filter.json"))) ?? "";
  return {
    services: Object.fromEntries(SERVICES.map((service, index) => [service, sections[index]])),
    balancing: balancing ?? null,
    models: models ?? null,
    hasFilter: /"source"\s*:\s*"[^"]/.test(filter),
  };
}

export function importCliProxy(files: CliProxyFiles): Import {
  const skipped: (Text | string)[] = [];
  const isByWeight = files.balancing?.["mode"] === "weight-based";
  const configs = SERVICES.flatMap((service) => {
    const entries = readEntries(files, service, skipped);
    skipped.push(...describeUnused(files, service, entries));
    return isByWeight ? joinEntries(entries, service) : splitEntries(entries, service);
  });
  if (files.hasFilter) {
    skipped.push(t`filter.json: copy it to ~/.codex-helper, then ch filter check`);
  }
  return { configs, skipped };
}

function readEntries(files: CliProxyFiles, service: Service, skipped: (Text | string)[]): Entry[] {
  return Object.entries(files.services[service] ?? {}).flatMap(([name, value]) => {
    const skip = (why: Text): Entry[] => {
      skipped.push(t`"${name}" (${service}): ${why}`);
      return [];
    };
    if (!isRecord(value)) return skip(t`it is not an object`);
    const baseUrl = stringOr(value["base_url"], "").trim().replace(/\/+$/, "");
    if (isOnThisMachine(baseUrl)) return skip(t`its address is on this machine`);
    const token = stringOr(value["auth_token"], "").trim();
    const key = stringOr(value["api_key"], "").trim();
    if (token === "" && key === "") return skip(t`it has no key`);
    const models = modelsFor(files.models, service, name);
    const upstream: UpstreamEntry = {
      base_url: baseUrl,
      auth: token === "" ? { api_key: key } : { auth_token: token },
      // It sends both headers where it has both keys.
      ...(token !== "" && key !== "" ? { headers: { "x-api-key": key } } : {}),
      ...(Object.keys(models).length === 0 ? {} : { models }),
      tags: { ...foreignTags(value), provider_id: name, imported_from: "cli_proxy" },
    };
    const problem = problemOfUpstream(upstream, service);
    if (problem !== null) return skip(problem);
    return [{ name, weight: Number(value["weight"]) || 0, isActive: value["active"] === true, upstream }];
  });
}

/** By weight, the greatest first; equal ones by name. That is the order in which cli_proxy asks them. */
function joinEntries(entries: readonly Entry[], service: Service): ImportedConfig[] {
  if (entries.length < 2) return splitEntries(entries, service);
  const ordered = entries.toSorted(
    (one, other) => other.weight - one.weight || (one.name < other.name ? -1 : 1),
  );
  const from = t`cli_proxy's entries by weight`;
  return [{ service, name: "cli_proxy", upstreams: ordered.map(({ upstream }) => upstream), from }];
}

function splitEntries(entries: readonly Entry[], service: Service): ImportedConfig[] {
  return entries
    .toSorted((one, other) => Number(other.isActive) - Number(one.isActive))
    .map(({ name, upstream }) => ({
      service,
      ...nameConfig(name),
      upstreams: [upstream],
      from: t`cli_proxy's "${name}"`,
    }));
}

/** A mapping of a model counts for every entry, one of a config for that entry whatever the model. */
function modelsFor(router: JsonRecord | null, service: Service, name: string): Record<string, string> {
  if (router?.["mode"] !== "model-mapping") return {};
  const pairs = listAt(router["modelMappings"], service).flatMap((mapping) => {
    const source = stringOr(mapping["source"], "").trim();
    const target = stringOr(mapping["target"], "").trim();
    if (source === "" || target === "") return [];
    const isOfConfig = mapping["source_type"] === "config";
    if (isOfConfig) return source === name ? [["*", target] as const] : [];
    return [[source, target] as const];
  });
  // The first that fits counts.
  return Object.fromEntries(pairs.toReversed());
}

function describeUnused(files: CliProxyFiles, service: Service, entries: readonly Entry[]): Text[] {
  if (entries.length === 0) return [];
  const { models, balancing } = files;
  const routed = listAt(models?.["configMappings"], service).length;
  const services = isRecord(balancing?.["services"]) ? balancing["services"] : {};
  const section = isRecord(services[service]) ? services[service] : {};
  const threshold = section["failureThreshold"];
  return [
    ...(models?.["mode"] === "config-mapping" && routed > 0
      ? [t`choosing an entry by model (${service}): upstreams are tried in order`]
      : []),
    ...(typeof threshold === "number" && threshold !== 3
      ? [t`failureThreshold ${threshold} (${service}): here it is routing.failure_threshold, for all configs`]
      : []),
  ];
}

function foreignTags(value: JsonRecord): JsonRecord {
  const known = new Set(["base_url", "auth_token", "api_key", "active"]);
  return Object.fromEntries(
    Object.entries(value).filter(
      ([key, one]) =>
        !known.has(key) &&
        !/key|token|secret|password/i.test(key) &&
        ["string", "number", "boolean"].includes(typeof one),
    ),
  );
}

function listAt(value: unknown, service: Service): JsonRecord[] {
  const list: unknown = isRecord(value) ? value[service] : [];
  return Array.isArray(list) ? list.filter(isRecord) : [];
}

async function readObject(path: string): Promise<JsonRecord | null> {
  const text = await readText(path);
  if (text === null) return null;
  const record = parseRecord(text);
  if (record === null) throw new UserError(t`${path} is not valid JSON`);
  return record;
}
