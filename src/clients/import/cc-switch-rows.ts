// From the rows of cc-switch's table, or the entries of its older config.json, to its providers in its own order.
// Pure.
import { type JsonRecord, isRecord, parseRecord, stringOr } from "../../base/json-value.ts";
import { t } from "../../base/language.ts";
import { SERVICES, type Service } from "../../base/service.ts";
import { type CcSwitchProvider, textOf } from "./cc-switch-provider.ts";

/** Id of the provider in use; "" where the rows say it themselves. */
export type Current = Readonly<Record<Service, string>>;

/** `rows` and `endpoints` are of the tables `providers` and `provider_endpoints`, with the columns that there are. */
export function readRows(
  rows: readonly JsonRecord[],
  endpoints: readonly JsonRecord[],
  current: Current,
): CcSwitchProvider[] {
  return rows.toSorted(compareRows).flatMap((row) => {
    const service = SERVICES.find((one) => one === row["app_type"]);
    if (service === undefined) return [];
    const id = String(row["id"]);
    const meta = parseRecord(stringOr(row["meta"], "")) ?? {};
    const isCurrent = current[service] === "" ? Boolean(row["is_current"]) : current[service] === id;
    return [
      {
        id,
        service,
        name: textOf(row["name"], id),
        settings: parseRecord(stringOr(row["settings_config"], "")) ?? {},
        category: textOf(row["category"]),
        notes: textOf(row["notes"]),
        meta: { ...columnsAsMeta(row), ...meta },
        endpoints: endpoints
          .filter((one) => one["provider_id"] === row["id"] && one["app_type"] === service)
          .map(({ url }) => textOf(url))
          .filter((url) => url !== ""),
        isQueued: Boolean(row["in_failover_queue"]),
        isCurrent,
      },
    ];
  });
}

/** Before 3.8: {version: 2, codex: {providers: {id: Provider}, current}, claude: ...}, keys in camel case. */
export function readOldProviders(root: JsonRecord): CcSwitchProvider[] {
  return SERVICES.flatMap((service) => {
    const section = isRecord(root[service]) ? root[service] : {};
    const entries = isRecord(section["providers"]) ? Object.entries(section["providers"]) : [];
    const rows = entries.flatMap(([id, entry]) => (isRecord(entry) ? [rowOf(entry, id, service)] : []));
    const endpoints = entries.flatMap(([id, entry]) => endpointsOf(entry, id, service));
    return readRows(rows, endpoints, { codex: "", claude: "", [service]: textOf(section["current"]) });
  });
}

/** What there is for programs that we do not serve. */
export function describeOthers(rows: readonly JsonRecord[]): string[] {
  const others = rows
    .map((row) => String(row["app_type"]))
    .filter((app) => !SERVICES.some((service) => service === app));
  const count = others.length;
  const apps = [...new Set(others)].join(", ");
  return count === 0 ? [] : [t`${count} for other programs (${apps})`];
}

/** Databases that were brought up from version 1 have these as columns too. */
function columnsAsMeta(row: JsonRecord): JsonRecord {
  return {
    costMultiplier: row["cost_multiplier"],
    limitDailyUsd: row["limit_daily_usd"],
    limitMonthlyUsd: row["limit_monthly_usd"],
    providerType: row["provider_type"],
  };
}

/** cc-switch's order: by place, then by age, then by id; those without a place come last. */
function compareRows(one: JsonRecord, other: JsonRecord): number {
  const placeOf = (row: JsonRecord): number => Number(row["sort_index"] ?? Number.MAX_SAFE_INTEGER);
  const ageOf = (row: JsonRecord): number => Number(row["created_at"] ?? 0);
  return (
    placeOf(one) - placeOf(other) ||
    ageOf(one) - ageOf(other) ||
    (String(one["id"]) < String(other["id"]) ? -1 : 1)
  );
}

function rowOf(entry: JsonRecord, id: string, service: Service): JsonRecord {
  return {
    id,
    app_type: service,
    name: entry["name"],
    settings_config: JSON.stringify(entry["settingsConfig"] ?? {}),
    category: entry["category"],
    created_at: entry["createdAt"],
    sort_index: entry["sortIndex"],
    notes: entry["notes"],
    meta: JSON.stringify(entry["meta"] ?? {}),
  };
}

function endpointsOf(entry: unknown, id: string, service: Service): JsonRecord[] {
  const meta = isRecord(entry) && isRecord(entry["meta"]) ? entry["meta"] : {};
  const known = isRecord(meta["custom_endpoints"]) ? meta["custom_endpoints"] : {};
  return Object.keys(known).map((url) => ({ provider_id: id, app_type: service, url }));
}
