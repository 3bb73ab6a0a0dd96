// What cc-switch leaves on a disk: its database in the layouts of its versions, and the file of the times before it.
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { mkdirSync } from "node:fs";

export interface CcSwitchRow {
  readonly id: string;
  readonly app?: string;
  readonly name?: string;
  readonly settings: object;
  readonly category?: string;
  readonly notes?: string;
  readonly meta?: object;
  readonly place?: number;
  readonly isCurrent?: boolean;
  readonly isQueued?: boolean;
  readonly endpoints?: readonly string[];
  /** Columns that only some versions have. */
  readonly columns?: Readonly<Record<string, string>>;
}

/** PRAGMA user_version of the releases 3.8, 3.9, 3.14 and 3.20. */
export const CC_SWITCH_VERSIONS = [1, 3, 10, 17] as const;

export interface CcSwitchOptions {
  readonly version?: number;
  readonly isWal?: boolean;
  /** Brought up from version 1: it has columns that a new one of its version lacks. */
  readonly isMigrated?: boolean;
}

/** Makes `directory` with a database in it, and gives the database, open as cc-switch has it while it runs. */
export function makeCcSwitchDatabase(
  directory: string,
  rows: readonly CcSwitchRow[],
  { version = 17, isWal = false, isMigrated = false }: CcSwitchOptions = {},
): Database {
  mkdirSync(directory, { recursive: true });
  const database = new Database(join(directory, "cc-switch.db"), { create: true });
  if (isWal) database.run("PRAGMA journal_mode = WAL");
  const queue = version >= 2 ? ", in_failover_queue BOOLEAN NOT NULL DEFAULT 0" : "";
  const more = isMigrated
    ? ", cost_multiplier TEXT NOT NULL DEFAULT '1.0', limit_daily_usd TEXT, limit_monthly_usd TEXT, provider_type TEXT"
    : "";
  database.run(
    `CREATE TABLE providers (id TEXT NOT NULL, app_type TEXT NOT NULL, name TEXT NOT NULL, settings_config TEXT NOT NULL,
      website_url TEXT, category TEXT, created_at INTEGER, sort_index INTEGER, notes TEXT, icon TEXT, icon_color TEXT,
      meta TEXT NOT NULL DEFAULT '{}', is_current BOOLEAN NOT NULL DEFAULT 0${queue}${more},
      PRIMARY KEY (id, app_type))`,
  );
  database.run(
    `CREATE TABLE provider_endpoints (id INTEGER PRIMARY KEY AUTOINCREMENT, provider_id TEXT NOT NULL,
      app_type TEXT NOT NULL, url TEXT NOT NULL, added_at INTEGER)`,
  );
  if (version >= 12) database.run("CREATE TABLE profiles (id TEXT PRIMARY KEY, name TEXT)");
  database.run(`PRAGMA user_version = ${version}`);
  for (const [index, row] of rows.entries()) {
    const values: Record<string, string | number | null> = {
      id: row.id,
      app_type: row.app ?? "codex",
      name: row.name ?? row.id,
      settings_config: JSON.stringify(row.settings),
      category: row.category ?? null,
      created_at: 1_700_000_000 + index,
      sort_index: row.place ?? null,
      notes: row.notes ?? null,
      meta: JSON.stringify(row.meta ?? {}),
      is_current: Number(row.isCurrent === true),
      ...(version >= 2 ? { in_failover_queue: Number(row.isQueued === true) } : {}),
      ...(isMigrated ? row.columns : {}),
    };
    const names = Object.keys(values);
    database.run(
      `INSERT INTO providers (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`,
      Object.values(values),
    );
    for (const url of row.endpoints ?? []) {
      database.run("INSERT INTO provider_endpoints (provider_id, app_type, url) VALUES (?, ?, ?)", [
        row.id,
        row.app ?? "codex",
        url,
      ]);
    }
  }
  return database;
}

/** What cc-switch keeps of a Codex provider. */
export function codexSettings(baseUrl: string, key: string | null, more = ""): object {
  return {
    auth: key === null ? {} : { OPENAI_API_KEY: key },
    config: `model_provider = "custom"
model = "gpt-5-codex"
[model_providers.custom]
name = "custom"
base_url = ${JSON.stringify(baseUrl)}
wire_api = "responses"
requires_openai_auth = true
${more}`,
  };
}

/** What it keeps of one for Claude Code. */
export function claudeSettings(env: Readonly<Record<string, string>>): object {
  return { env };
}
