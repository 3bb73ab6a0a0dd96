// The records of running proxies, one file for each process and service, so that other commands can find them, recognise
// the dead, and talk to the running with the token of their run.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod/mini";
import { UserError, errorCode } from "../base/errors.ts";
import {
  PRIVATE_FILE,
  describe,
  ensurePrivateDirectory,
  readText,
  removeFile,
  writeFileAtomic,
} from "../base/files.ts";
import { parseJson } from "../base/json-value.ts";
import { later } from "../base/later.ts";
import { removeLeftovers } from "../base/leftovers.ts";
import { isRunning } from "../base/process-identity.ts";
import { SERVICES } from "../base/service.ts";
import { t } from "../base/text.ts";

const instanceSchema = later(() =>
  z.looseObject({
    pid: z.int(),
    /** See ProcessIdentity. */
    started: z.nullable(z.string()),
    service: z.enum(SERVICES),
    port: z.int(),
    /** Secret of this run: it permits changes. Never shown. */
    token: z.string(),
    /** Which command runs it. */
    command: z.enum(["serve", "run"]),
    /** Wall clock, ms. */
    since: z.number(),
  }),
);

export type Instance = Readonly<z.infer<typeof instanceSchema>>;

const PREFIX = "instance-";

/** Writes the record (0600). `directory` is paths.run. Throws UserError. */
export function writeInstance(directory: string, instance: Instance): void {
  ensurePrivateDirectory(directory);
  writeFileAtomic(recordPath(directory, instance), `${JSON.stringify(instance)}\n`, { mode: PRIVATE_FILE });
}

export function removeInstance(directory: string, instance: Pick<Instance, "pid" | "service">): void {
  removeFile(recordPath(directory, instance));
}

/** Every process that still runs, the oldest first. Records that cannot be read are left out. Throws UserError. */
export async function readInstances(directory: string): Promise<readonly Instance[]> {
  return (await readRecords(directory)).running;
}

/** The running and the dead; none where the directory cannot be read, which is the home's problem. */
export async function findInstances(directory: string): Promise<Instances> {
  try {
    return await readRecords(directory);
  } catch (error) {
    if (error instanceof UserError) return { running: [], dead: [] };
    throw error;
  }
}

/** Removes the records of processes that ended without doing so themselves, and says how many. Throws UserError. */
export async function removeDeadInstances(directory: string): Promise<number> {
  const { dead } = await readRecords(directory);
  for (const instance of dead) removeInstance(directory, instance);
  // Of their records too: no later one has the same name.
  removeLeftovers(directory);
  return dead.length;
}

interface Instances {
  /** The oldest first. */
  readonly running: readonly Instance[];
  /** Of processes that ended without removing their record, the newest first. */
  readonly dead: readonly Instance[];
}

async function readRecords(directory: string): Promise<Instances> {
  const names = listNames(directory).filter((name) => name.startsWith(PREFIX) && name.endsWith(".json"));
  const records = await Promise.all(names.map((name) => readRecord(join(directory, name))));
  const byAge = records.flat().toSorted((one, other) => one.since - other.since);
  const { running = [], dead = [] } = Object.groupBy(byAge, (one) => (isRunning(one) ? "running" : "dead"));
  return { running, dead: dead.toSorted((one, other) => other.since - one.since) };
}

function listNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw new UserError(t`cannot list ${directory}: ${describe(error)}`, { cause: error });
  }
}

async function readRecord(path: string): Promise<Instance | readonly Instance[]> {
  try {
    return instanceSchema.safeParse(parseJson((await readText(path)) ?? "")).data ?? [];
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}

function recordPath(directory: string, { pid, service }: Pick<Instance, "pid" | "service">): string {
  return join(directory, `${PREFIX}${pid}-${service}.json`);
}
