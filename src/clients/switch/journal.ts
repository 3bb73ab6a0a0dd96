// The journals of a client's file: of a switch, and of a status line below it. What was changed, on whose behalf, and how it is
// undone. Written before the file and removed after it, so that a crash in between leaves enough to put things right.
// One for each file, because CODEX_HOME and CLAUDE_CONFIG_DIR may point to many.
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import * as z from "zod/mini";
import { UserError, errorCode } from "../../base/errors.ts";
import { type Text, t } from "../../base/text.ts";
import {
  PRIVATE_FILE,
  ensurePrivateDirectory,
  listNames,
  lookAt,
  readText,
  realPath,
  writeFileAtomic,
} from "../../base/files.ts";
import { later } from "../../base/later.ts";
import type { Paths } from "../../base/paths.ts";
import { fingerprint } from "../../base/secrets.ts";
import { SERVICES, type Service } from "../../base/service.ts";

const VERSION = 1;
/** Each begins the names of its journals in paths.run. */
const JOURNAL_PREFIX = "switch-";
const LINE_PREFIX = "statusline-";

const makeOwner = () =>
  z.discriminatedUnion("kind", [
    /** A `switch on` typed by a person stays until it is ended. */
    z.object({ kind: z.literal("user") }),
    /** A running proxy, which puts the client back when it stops. */
    z.object({ kind: z.literal("process"), pid: z.int(), started: z.nullable(z.string()) }),
  ]);

const makeChange = () =>
  z.object({
    path: z.readonly(z.array(z.string())),
    before: z.nullable(z.string()),
    written: z.string(),
    replaced: z.optional(z.string()),
    value: z.string(),
  });

const makeLineJournal = () =>
  z.object({
    version: z.literal(VERSION),
    service: z.enum(SERVICES),
    /** The client's file, as it is named in the settings. */
    file: z.string(),
    /** The newest first; older ones may be of a switch to another port that this one replaced. */
    changes: z.readonly(z.array(makeChange())),
    /** What was not there before. */
    created: z.object({ file: z.boolean(), directory: z.boolean() }),
  });

const makeJournal = () =>
  z.extend(makeLineJournal(), {
    port: z.int(),
    owner: makeOwner(),
    /** Where `file` led to when it was written; not in journals of older versions. */
    real: z.optional(z.string()),
    /** SHA-256 of the file as we wrote it. */
    hash: z.string(),
  });

const lineJournalSchema = later(makeLineJournal);
const journalSchema = later(makeJournal);

export type Owner = Readonly<z.infer<ReturnType<typeof makeOwner>>>;
export type Journal = Readonly<z.infer<typeof journalSchema>>;
export type LineJournal = Readonly<z.infer<typeof lineJournalSchema>>;

export interface FoundJournal<T = Journal> {
  /** Null without one. */
  readonly journal: T | null;
  /** Why it cannot be used: what it knew is lost. */
  readonly problem: Text | string | null;
}

/**
 * Where the journal for a file is, or would be. One that was made under another name of the file counts: a directory may
 * be reached by a link, and may have been replaced by one since.
 */
export async function findJournalPath(paths: Paths, service: Service, file: string): Promise<string> {
  return await findPath(paths.run, `${JOURNAL_PREFIX}${service}-`, file);
}

/** The same of a status line. */
export async function findLineJournalPath(paths: Paths, service: Service, file: string): Promise<string> {
  return await findPath(paths.run, `${LINE_PREFIX}${service}-`, file);
}

async function findPath(run: string, prefix: string, file: string): Promise<string> {
  const own = join(run, `${prefix}${fingerprint(file)}.json`);
  // Where they cannot be listed, whoever reads or writes a journal there says what is wrong.
  const all = listNames(run)
    .filter((name) => name.startsWith(prefix) && name.endsWith(".json"))
    .map((name) => join(run, name));
  if (all.includes(own)) return own;
  const real = realPath(file);
  for (const path of all) {
    // A journal of a switch has what one of a status line has, and more.
    const { journal } = await readLineJournal(path);
    if (journal !== null && realPath(journal.file) === real) return path;
  }
  return own;
}

/** Every switch that is noted, of whatever home of a client. */
export async function listJournals({ run }: Pick<Paths, "run">): Promise<readonly Journal[]> {
  const names = listNames(run).filter((name) => name.startsWith(JOURNAL_PREFIX) && name.endsWith(".json"));
  const found = await Promise.all(names.toSorted().map((name) => readJournal(join(run, name))));
  return found.flatMap(({ journal }) => journal ?? []);
}

/**
 * The file that was switched, where another one is in its place since: a link that leads elsewhere, or that a file has replaced. Null
 * where it is the same, or gone.
 */
export function findLeftBehind(journal: Pick<Journal, "real"> | null, file: string): string | null {
  if (journal?.real === undefined) return null;
  const real = realPath(journal.real);
  return real === realPath(file) || lookAt(real) === null ? null : real;
}

/** Is any switch noted at all? Also true where that cannot be told: reading the journals then says why. */
export function hasJournals({ run }: Pick<Paths, "run">): boolean {
  try {
    return readdirSync(run).some((name) => name.startsWith(JOURNAL_PREFIX));
  } catch (error) {
    return errorCode(error) !== "ENOENT";
  }
}

/** Never throws for what the journal holds. */
export async function readJournal(path: string): Promise<FoundJournal> {
  return await read(path, journalSchema);
}

export async function readLineJournal(path: string): Promise<FoundJournal<LineJournal>> {
  return await read(path, lineJournalSchema);
}

async function read<T extends z.ZodMiniType>(path: string, schema: T): Promise<FoundJournal<z.infer<T>>> {
  try {
    const text = await readText(path);
    return { journal: text === null ? null : schema.parse(JSON.parse(text)), problem: null };
  } catch (error) {
    if (error instanceof UserError) return { journal: null, problem: error.text };
    if (error instanceof z.core.$ZodError || error instanceof SyntaxError) {
      return { journal: null, problem: t`${path} is damaged` };
    }
    throw error;
  }
}

export function writeJournal(
  path: string,
  journal: Omit<Journal, "version"> | Omit<LineJournal, "version">,
): void {
  ensurePrivateDirectory(dirname(path));
  const text = `${JSON.stringify({ ...journal, version: VERSION }, null, 2)}\n`;
  writeFileAtomic(path, text, { mode: PRIVATE_FILE, isLocked: true });
}
