// One lock between processes, held on an SQLite file: the system drops it 3 ms after its holder is gone, kill -9
// included, and nothing stale has to be recognised. Knows nothing of what is done under it.
import { Database, SQLiteError } from "bun:sqlite";
import { closeSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { UserError, errorCode } from "./errors.ts";
import { PRIVATE_FILE, describe, ensurePrivateDirectory } from "./files.ts";
import { refusedBy } from "./permission.ts";
import { t } from "./text.ts";

const DEFAULT_TIMEOUT_MS = 10_000;
const LEAST_WAIT_MS = 2;
const MOST_WAIT_MS = 20;

export interface LockOptions {
  /** How long to wait for the present holder, ms. Default 10,000. */
  readonly timeoutMs?: number;
}

/**
 * Runs `work` while no other process, and no other caller of this one, holds the lock at `path` (a file of its own,
 * made 0600 with its directory). Waits without blocking. Not reentrant.
 * Throws UserError when the lock stays held or cannot be used; whatever `work` throws passes through.
 */
export async function withLock<T>(
  path: string,
  work: () => T | Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const database = open(path);
  try {
    const deadline = performance.now() + (options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    while (!tryAcquire(database, path)) {
      if (performance.now() >= deadline) throw held(path);
      await Bun.sleep(LEAST_WAIT_MS + Math.random() * (MOST_WAIT_MS - LEAST_WAIT_MS));
    }
    return await work();
  } finally {
    database.close();
  }
}

/** As `withLock`, blocking the thread while it waits: for short work where nothing may be awaited. */
export function withLockSync<T>(path: string, work: () => T, options: LockOptions = {}): T {
  const database = open(path);
  try {
    database.run(`PRAGMA busy_timeout = ${Math.ceil(options.timeoutMs ?? DEFAULT_TIMEOUT_MS)}`);
    if (!tryAcquire(database, path)) throw held(path);
    return work();
  } finally {
    database.close();
  }
}

/** Closing the connection ends the transaction, and with it the lock. */
function open(path: string): Database {
  try {
    ensurePrivateDirectory(dirname(path));
    createOnce(path);
    return new Database(path, { readwrite: true, create: false });
  } catch (error) {
    throw unusable(path, error);
  }
}

/**
 * SQLite would make the file 0644. Only ever opened exclusively: closing any descriptor of an existing lock file would
 * drop the POSIX locks that another caller of this process holds on it.
 */
function createOnce(path: string): void {
  try {
    closeSync(openSync(path, "wx", PRIVATE_FILE));
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  }
}

function tryAcquire(database: Database, path: string): boolean {
  try {
    // The default journal is a file: beginning would fail on a full disk, just when files have to be restored.
    database.run("PRAGMA journal_mode = MEMORY");
    database.run("BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if (error instanceof SQLiteError && error.code === "SQLITE_BUSY") return false;
    throw unusable(path, error);
  }
}

function held(path: string): UserError {
  return new UserError(t`another codex-helper is holding the lock ${path}`, {
    hint: t`wait for it to finish, or stop it; then try again`,
  });
}

function unusable(path: string, error: unknown): UserError {
  if (error instanceof UserError) return error;
  return refusedBy(error, t`cannot use the lock ${path}: ${describe(error)}`, path);
}
