// Reads what cc-switch keeps: its database, which may be in use, or the config.json of versions before 3.8.
// Changes nothing, and leaves no file behind.
import { Database, constants } from "bun:sqlite";
import { closeSync, copyFileSync, existsSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError, errorCode, errorMessage } from "../../base/errors.ts";
import { lookAt, readText } from "../../base/files.ts";
import { findRemedy } from "../../base/permission.ts";
import { type JsonRecord, isRecord, parseRecord, stringOr } from "../../base/json-value.ts";
import { type Text, t } from "../../base/text.ts";
import {
  CC_SWITCH_SERVICES,
  type CcSwitchProvider,
  type CcSwitchService,
  isKept,
  textOf,
} from "./cc-switch-provider.ts";

export interface CcSwitchFiles {
  /** In cc-switch's own order. */
  readonly providers: readonly CcSwitchProvider[];
  /** What was found for programs that we do not serve, and the like. */
  readonly notes: readonly Text[];
  readonly file: string;
}

/** Id of the provider in use; "" where the rows say it themselves. */
type Current = (service: CcSwitchService) => string;

/** The newest layout whose columns are known: PRAGMA user_version of cc-switch 3.20. */
const KNOWN_VERSION = 17;
const BUSY_WAIT_MS = 2000;
/** The columns that are looked for; those that are missing in an older file are left out. */
const COLUMNS = [
  "id",
  "app_type",
  "name",
  "settings_config",
  "category",
  "created_at",
  "sort_index",
  "notes",
  "meta",
  "is_current",
  "in_failover_queue",
  "cost_multiplier",
  "limit_daily_usd",
  "limit_monthly_usd",
  "provider_type",
];

/** Throws UserError where the directory holds nothing of cc-switch's, or it cannot be read. */
export async function readCcSwitch(directory: string): Promise<CcSwitchFiles> {
  const database = join(directory, "cc-switch.db");
  const old = join(directory, "config.json");
  const settings = parseRecord((await readText(join(directory, "settings.json"))) ?? "") ?? {};
  const current = (service: CcSwitchService): string =>
    textOf(settings[`currentProvider${service.charAt(0).toUpperCase()}${service.slice(1)}`]);
  if (existsSync(database)) return readDatabase(database, current);
  const text = await readText(old);
  if (text !== null) {
    const root = parseRecord(text);
    if (root === null) throw new UserError(t`${old} is not valid JSON`);
    return { providers: readOldProviders(root), notes: [], file: old };
  }
  throw new UserError(t`no cc-switch data in ${directory}`, {
    hint: "ch config import --from cc-switch --dir DIR",
  });
}

function readDatabase(file: string, current: Current): CcSwitchFiles {
  try {
    using resources = new DisposableStack();
    // SQLite would wait for a pipe.
    if (lookAt(file)?.isFile() !== true) throw new UserError(t`${file} is not a file`);
    const database = resources.use(openReadOnly(copyIfBroken(file, resources)));
    const tables = namesIn(database, "SELECT name FROM sqlite_master WHERE type = 'table'");
    const present = namesIn(database, "SELECT name FROM pragma_table_info('providers')");
    if (!["id", "app_type", "settings_config"].every((column) => present.includes(column)))
      throw new UserError(t`${file} has no readable table of providers`);
    const columns = COLUMNS.filter((column) => present.includes(column));
    const rows = database.query<JsonRecord, []>(`SELECT ${columns.join(", ")} FROM providers`).all();
    const endpoints = tables.includes("provider_endpoints")
      ? database
          .query<JsonRecord, []>("SELECT provider_id, app_type, url FROM provider_endpoints ORDER BY id")
          .all()
      : [];
    const version = Number(database.query<JsonRecord, []>("PRAGMA user_version").get()?.["user_version"]);
    return {
      providers: readRows(rows, endpoints, current),
      notes: [
        ...(version > KNOWN_VERSION
          ? [t`${file} has version ${version}, newer than ${KNOWN_VERSION}: what is new in it is ignored`]
          : []),
        ...describeOthers(rows),
      ],
      file,
    };
  } catch (error) {
    if (error instanceof UserError) throw error;
    const why = errorCode(error) ?? errorMessage(error);
    throw new UserError(t`cannot read ${file}: ${why}`, {
      hint: /^SQLITE_(?:BUSY|LOCKED)/.test(why) ? t`close cc-switch and try again` : findRemedy(file, error),
      cause: error,
    });
  }
}

/**
 * A database in WAL mode that no program has open would get two files beside it, even from a reader: it is opened as one that
 * does not change. Any other is opened with SQLite's own locks, so that what cc-switch writes meanwhile does no harm.
 */
function openReadOnly(file: string): Database {
  const isQuiet = isInWalMode(file) && !existsSync(`${file}-wal`);
  const database = isQuiet
    ? new Database(
        `file:${encodeURI(file).replaceAll("?", "%3f").replaceAll("#", "%23")}?immutable=1`,
        constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI,
      )
    : new Database(file, { readonly: true });
  database.run(`PRAGMA busy_timeout = ${BUSY_WAIT_MS}`);
  return database;
}

/** What a crash or a copy left without its index is read elsewhere: SQLite would make the index beside it. */
function copyIfBroken(file: string, resources: DisposableStack): string {
  if (!isInWalMode(file) || lookAt(`${file}-wal`)?.isFile() !== true || existsSync(`${file}-shm`))
    return file;
  const directory = mkdtempSync(join(tmpdir(), "codex-helper-"));
  resources.defer(() => rmSync(directory, { recursive: true, force: true }));
  const copy = join(directory, "cc-switch.db");
  for (const end of ["", "-wal"]) copyFileSync(file + end, copy + end);
  return copy;
}

/** Byte 18 of the header, https://sqlite.org/fileformat.html. */
function isInWalMode(file: string): boolean {
  const fd = openSync(file, "r");
  try {
    const header = Buffer.alloc(20);
    readSync(fd, header, 0, 20, 0);
    return header[18] === 2;
  } finally {
    closeSync(fd);
  }
}

function namesIn(database: Database, sql: string): string[] {
  return database
    .query<{ name: string }, []>(sql)
    .all()
    .map(({ name }) => name);
}

/** `rows` and `endpoints` are of the tables `providers` and `provider_endpoints`, with the columns that there are. */
function readRows(
  rows: readonly JsonRecord[],
  endpoints: readonly JsonRecord[],
  current: Current,
): CcSwitchProvider[] {
  return rows.toSorted(compareRows).flatMap((row) => {
    const service = row["app_type"];
    if (!isKept(service)) return [];
    const id = String(row["id"]);
    const meta = parseRecord(stringOr(row["meta"], "")) ?? {};
    const isCurrent = current(service) === "" ? Boolean(row["is_current"]) : current(service) === id;
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
function readOldProviders(root: JsonRecord): CcSwitchProvider[] {
  return CC_SWITCH_SERVICES.flatMap((service) => {
    const section = isRecord(root[service]) ? root[service] : {};
    const entries = isRecord(section["providers"]) ? Object.entries(section["providers"]) : [];
    const rows = entries.flatMap(([id, entry]) => (isRecord(entry) ? [rowOf(entry, id, service)] : []));
    const endpoints = entries.flatMap(([id, entry]) => endpointsOf(entry, id, service));
    return readRows(rows, endpoints, () => textOf(section["current"]));
  });
}

/** What there is for programs that we do not serve. */
function describeOthers(rows: readonly JsonRecord[]): Text[] {
  const others = rows.map((row) => String(row["app_type"])).filter((app) => !isKept(app));
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

function rowOf(entry: JsonRecord, id: string, service: CcSwitchService): JsonRecord {
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

function endpointsOf(entry: unknown, id: string, service: CcSwitchService): JsonRecord[] {
  const meta = isRecord(entry) && isRecord(entry["meta"]) ? entry["meta"] : {};
  const known = isRecord(meta["custom_endpoints"]) ? meta["custom_endpoints"] : {};
  return Object.keys(known).map((url) => ({ provider_id: id, app_type: service, url }));
}
