// Reads what cc-switch keeps: its database, which may be in use, or the config.json of versions before 3.8.
// Changes nothing, and leaves no file behind.
import { Database, constants } from "bun:sqlite";
import { closeSync, copyFileSync, existsSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError, errorCode, errorMessage } from "../../base/errors.ts";
import { readText } from "../../base/files.ts";
import { type JsonRecord, parseRecord } from "../../base/json-value.ts";
import { t } from "../../base/language.ts";
import { type CcSwitchProvider, textOf } from "./cc-switch-provider.ts";
import { type Current, describeOthers, readOldProviders, readRows } from "./cc-switch-rows.ts";

export interface CcSwitchFiles {
  /** In cc-switch's own order. */
  readonly providers: readonly CcSwitchProvider[];
  /** What was found for programs that we do not serve, and the like. */
  readonly notes: readonly string[];
  readonly file: string;
}

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
  const current = {
    codex: textOf(settings["currentProviderCodex"]),
    claude: textOf(settings["currentProviderClaude"]),
  };
  if (existsSync(database)) return readDatabase(database, current);
  const text = await readText(old);
  if (text !== null) {
    const root = parseRecord(text);
    if (root === null) throw new UserError(t`${old} is not valid JSON`);
    return { providers: readOldProviders(root), notes: [], file: old };
  }
  throw new UserError(t`there is nothing of cc-switch in ${directory}`, {
    hint: "ch config import --from cc-switch --dir DIR",
  });
}

function readDatabase(file: string, current: Current): CcSwitchFiles {
  try {
    using resources = new DisposableStack();
    const database = resources.use(openReadOnly(copyIfBroken(file, resources)));
    const tables = namesIn(database, "SELECT name FROM sqlite_master WHERE type = 'table'");
    const present = namesIn(database, "SELECT name FROM pragma_table_info('providers')");
    if (!["id", "app_type", "settings_config"].every((column) => present.includes(column)))
      throw new UserError(t`${file} has no table of providers that could be read`);
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
          ? [t`${file} is of version ${version}, newer than ${KNOWN_VERSION}: what it adds is not looked at`]
          : []),
        ...describeOthers(rows),
      ],
      file,
    };
  } catch (error) {
    if (error instanceof UserError) throw error;
    const why = errorCode(error) ?? errorMessage(error);
    throw new UserError(t`cannot read ${file}: ${why}`, {
      hint: t`close cc-switch and try again`,
      cause: error,
    });
  }
}

/**
 * A database in WAL mode that nobody has open would get two files beside it, even from a reader: it is opened as one that
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
  if (!isInWalMode(file) || !existsSync(`${file}-wal`) || existsSync(`${file}-shm`)) return file;
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
