// `ch config sync`: merges config.json with what the other machines have in a folder, under a lock, and writes what this one has to
// say into a directory of its own there. Keeps in sync.json what was known at the last one.
import { hostname } from "node:os";
import { join, sep } from "node:path";
import * as z from "zod/mini";
import type { Env } from "../../base/env.ts";
import { UserError } from "../../base/errors.ts";
import {
  MAX_FILE_BYTES,
  PRIVATE_FILE,
  ensurePrivateDirectory,
  lookAt,
  readText,
  realPath,
  writeFileAtomic,
} from "../../base/files.ts";
import { parseJson } from "../../base/json-value.ts";
import { withLock } from "../../base/lock.ts";
import type { Paths } from "../../base/paths.ts";
import { quoteWord } from "../../base/shell.ts";
import { hashText } from "../../base/secrets.ts";
import type { Service } from "../../base/service.ts";
import { type Text, t } from "../../base/text.ts";
import { updateConfigText } from "../../config/file.ts";
import { listSecrets, valuesOfVariables } from "../../config/kept-secrets.ts";
import { type ParsedConfig, parseConfig } from "../../config/parse.ts";
import type { Choices, Guard, Item } from "../../config/sync/desk.ts";
import { type ConfigFile, MACHINE_ID, contentOf } from "../../config/sync/file.ts";
import { type IsSecret, holdsSecret, makeIsSecret } from "../../config/sync/travel.ts";
import { type Known, type SyncResult, runSync, sightOf } from "../../config/sync/run.ts";
import { type FolderFile, readFolder, writeFolder } from "./folder.ts";
import { type VariableHosts, listUses } from "../import/import-remarks.ts";
import { makeGuard } from "./guard.ts";

export interface SyncOptions {
  readonly paths: Pick<Paths, "home" | "config" | "backups" | "run" | "sync">;
  readonly env: Env;
  readonly folder: string;
  /** Wall clock, ms. */
  readonly now: () => number;
  readonly isDryRun: boolean;
  readonly typed: Typed;
}

/** What was typed beside the folder. */
export interface Typed extends Pick<Choices, "take" | "machine" | "accepts" | "allowsCommands"> {
  /** "main#2.base_url"; null: all. */
  readonly field: string | null;
  readonly service: Service | null;
}

export interface Machine {
  readonly name: string;
  /** When it wrote last, by its own clock; null for this one. */
  readonly written: string | null;
}

export interface SyncReport extends Pick<SyncResult, "items" | "sent" | "leftOut" | "needs" | "problems"> {
  readonly machines: readonly Machine[];
  readonly warnings: readonly Text[];
  /** Labels of what was asked for and may be accepted now, because it has been seen. */
  readonly unseen: readonly string[];
}

/** Throws UserError; nothing is half written then. */
export async function syncConfig(options: SyncOptions): Promise<SyncReport> {
  const { isDryRun, now, paths } = options;
  const root = findRoot(options.folder, paths.home);
  ensurePrivateDirectory(paths.home);
  return await withLock(join(paths.run, "sync.lock"), async () => {
    const states = await readStates(paths.sync);
    const folder = await readFolder(root);
    const { old, state, warnings } = chooseState(states, root, folder.files);
    const others = nameApart(folder.files.filter(({ machine }) => machine.id !== state.machine.id));
    const own = folder.files.filter(({ machine }) => machine.id === state.machine.id);
    const at = new Date(now()).toISOString();
    const asked = new Set<string>();
    const unseen = new Set<string>();
    const choices = makeChoices(options.typed, state, { asked, unseen });
    const secrets: string[] = [];
    const done: { result?: SyncResult } = {};
    let uses = new Map<string, Set<string>>();
    const guardOf = (config: ParsedConfig): Guard => {
      uses = joinUses(listUses(config), state.variables);
      return makeGuard(config, uses);
    };
    const edit = (text: string): string => {
      const config = parseConfig(text, paths.config);
      const input = { text, file: paths.config, machine: state.machine.id, counter: state.counter, now: at };
      secrets.push(...listSecrets(text), ...valuesOfVariables(config, options.env));
      done.result = runSync({ ...input, known: state.known, others, secrets, choices, guardOf });
      refuseNothingAsked(options.typed, done.result.items, asked);
      return done.result.text;
    };
    if (isDryRun) edit((await readText(paths.config)) ?? "");
    else await updateConfigText(paths, edit, now);
    const { result } = done;
    if (result === undefined) throw new Error("the edit did not run");
    if (!isDryRun) {
      const shown = Object.fromEntries(
        result.items.flatMap((item) => {
          const { key, value } = sightOf(item);
          return item.kind === "taken" ? [] : [[key, hashText(value)]];
        }),
      );
      const { counter, known } = result;
      const files = makeFiles(state.machine, result, { at, isSecret: makeIsSecret(secrets) });
      const published = Object.fromEntries(files.map((file) => [file.id, hashText(contentOf(file))]));
      const variables = Object.fromEntries([...uses].map(([name, hosts]) => [name, [...hosts]]));
      const next = { path: root, machine: state.machine, counter, known, shown, published, variables };
      writeStates(paths.sync, [...states.filter((one) => one !== old), next]);
      try {
        writeFolder(root, own, files);
      } catch (error) {
        // What came is in force: it is told together with why nothing went.
        if (!(error instanceof UserError)) throw error;
        done.result = { ...result, problems: [...result.problems, { label: options.folder, error }] };
      }
    }
    return {
      ...(done.result ?? result),
      machines: listMachines(state, others),
      warnings: [...warnings, ...folder.problems],
      unseen: [...unseen],
    };
  });
}

function findRoot(folder: string, home: string): string {
  const root = realPath(folder);
  if (lookAt(root)?.isDirectory() !== true) {
    // Of a drive that is not mounted, a directory in its place would be synced with nobody.
    throw new UserError(t`there is no directory ${folder}`, { hint: `mkdir -p ${quoteWord(folder)}` });
  }
  const own = realPath(home);
  if (root === own || root.startsWith(own + sep) || own.startsWith(root + sep)) {
    throw new UserError(
      t`${folder} may not hold the home of codex-helper, nor be inside it: your keys are there`,
      {
        hint: "ch config sync --help",
      },
    );
  }
  return root;
}

/** What was known of one folder. */
interface State {
  /** Where it was last. */
  readonly path: string;
  readonly machine: { readonly id: string; readonly name: string };
  readonly counter: number;
  readonly known: ReadonlyMap<string, Known>;
  /** What a person has seen of what waits: hashes. */
  readonly shown: Readonly<Record<string, string>>;
  /** To which hosts each variable went: also by configs that are gone. */
  readonly variables: Readonly<Record<string, readonly string[]>>;
  /** What this machine wrote last: hashes by id. */
  readonly published: Readonly<Record<string, string>>;
}

const fieldsSchema = z.record(
  z.string(),
  z.object({ value: z.optional(z.unknown()), seen: z.record(z.string(), z.number()) }),
);
const texts = z.record(z.string(), z.string());

const stateSchema = z.object({
  path: z.string(),
  machine: z.object({ id: z.string().check(z.regex(MACHINE_ID)), name: z.string() }),
  counter: z.int(),
  configs: z.record(
    z.string(),
    z.object({
      fields: fieldsSchema,
      marks: texts,
      history: z.array(
        z.object({
          at: z.string(),
          what: z.string(),
          before: z.optional(z.unknown()),
          after: z.optional(z.unknown()),
        }),
      ),
    }),
  ),
  shown: texts,
  variables: z.record(z.string(), z.array(z.string())),
  published: texts,
});

/** Without it everything is compared anew: what differs is a conflict then, and nothing is lost. */
async function readStates(path: string): Promise<readonly State[]> {
  const text = await readText(path, MAX_FILE_BYTES);
  const parsed = z.object({ folders: z.array(stateSchema) }).safeParse(parseJson(text ?? ""));
  if (!parsed.success) return [];
  return parsed.data.folders.map(({ configs, ...state }) => ({
    ...state,
    known: new Map(
      Object.entries(configs).map(([id, { fields, history, marks }]): [string, Known] => [
        id,
        { registers: new Map(Object.entries(fields)), marks, history },
      ]),
    ),
  }));
}

function writeStates(path: string, states: readonly State[]): void {
  const folders = states.map(({ known, ...state }) => ({
    ...state,
    configs: Object.fromEntries(
      [...known].map(([id, { history, marks, registers }]) => [
        id,
        { fields: Object.fromEntries(registers), marks, history },
      ]),
    ),
  }));
  writeFileAtomic(path, `${JSON.stringify({ version: 1, folders }, null, 2)}\n`, {
    mode: PRIVATE_FILE,
    isLocked: true,
  });
}

/** By what this machine wrote there, wherever the folder is now; a new one where there is none, or where it cannot be trusted. */
function chooseState(states: readonly State[], root: string, files: readonly FolderFile[]) {
  const isThere = (state: State): boolean => files.some(({ machine }) => machine.id === state.machine.id);
  const old = states.find((one) => one.path === root) ?? states.find(isThere) ?? null;
  const warnings: Text[] = [];
  if (old !== null && !isForeign(old, files)) return { old, state: old, warnings };
  const machine = { id: crypto.randomUUID().slice(0, 8), name: nameHere() };
  if (old !== null)
    warnings.push(
      t`another machine wrote as this one, or this home is from a backup: everything is compared anew, and this one is ${machine.id} from now on`,
    );
  const state: State = {
    path: root,
    machine,
    counter: 0,
    known: new Map(),
    shown: {},
    variables: {},
    published: {},
  };
  return { old, state, warnings };
}

/** A home that was copied, or is older than what it wrote: what it knows of itself is not all. */
function isForeign({ counter, machine, published }: State, files: readonly FolderFile[]): boolean {
  return files.some((file) => {
    const known = [...file.registers.values()].map(({ seen }) => seen[machine.id] ?? 0);
    if (known.some((count) => count > counter)) return true;
    if (file.machine.id !== machine.id) return false;
    const hash = published[file.id];
    const isOther = file.counter === counter && hash !== undefined && hash !== hashText(contentOf(file));
    return file.counter > counter || isOther;
  });
}

function joinUses(uses: VariableHosts, before: State["variables"]): Map<string, Set<string>> {
  const all = new Map([...uses].map(([name, hosts]) => [name, new Set(hosts)]));
  for (const [name, hosts] of Object.entries(before))
    all.set(name, new Set([...(all.get(name) ?? []), ...hosts]));
  return all;
}

function nameHere(): string {
  const [first = ""] = hostname().split(".");
  const name = first
    .replace(/[^\p{L}\p{N} ._@-]+/gu, "-")
    .slice(0, 32)
    .trim();
  return name === "" ? "machine" : name;
}

/** Machines may be called the same. */
function nameApart(files: readonly FolderFile[]): readonly FolderFile[] {
  const ids = new Map<string, Set<string>>([[nameHere(), new Set([""])]]);
  for (const { machine } of files)
    ids.set(machine.name, (ids.get(machine.name) ?? new Set()).add(machine.id));
  return files.map((file) => {
    const { id, name } = file.machine;
    const isOne = ids.get(name)?.size === 1;
    return isOne ? file : { ...file, machine: { id, name: `${name}-${id.slice(0, 4)}` } };
  });
}

function listMachines({ machine }: State, others: readonly FolderFile[]): Machine[] {
  const written = new Map<string, string>();
  for (const file of others) {
    const last = written.get(file.machine.name) ?? "";
    if (file.written > last) written.set(file.machine.name, file.written);
  }
  return [
    { name: machine.name, written: null },
    ...[...written].map(([name, at]) => ({ name, written: at })),
  ];
}

function makeFiles(
  machine: State["machine"],
  { counter, known, leftOutPaths }: SyncResult,
  { at, isSecret }: { readonly at: string; readonly isSecret: IsSecret },
): ConfigFile[] {
  // What was no secret when it was written may be one now.
  return [...known].map(([id, { history, registers }]) => ({
    machine,
    written: at,
    counter,
    id,
    registers: new Map([...registers].filter(([path, { value }]) => !holdsSecret([path, value], isSecret))),
    leftOut: leftOutPaths.get(id) ?? [],
    history: history.filter((one) => !holdsSecret([one.what, one.before, one.after], isSecret)),
  }));
}

function makeChoices(
  { accepts, allowsCommands, field, machine, service, take }: Typed,
  { shown }: State,
  { asked, unseen }: { readonly asked: Set<string>; readonly unseen: Set<string> },
): Choices {
  return {
    accepts,
    allowsCommands,
    machine,
    take,
    concerns(item) {
      const { label } = item;
      const isNamed =
        field === null || label === field || label.startsWith(`${field}.`) || label.startsWith(`${field}#`);
      const isMeant = isNamed && (service === null || item.service === service);
      if (isMeant) asked.add(label);
      return isMeant;
    },
    wasShown(item) {
      const { key, value } = sightOf(item);
      const isSeen = shown[key] === hashText(value);
      if (!isSeen) unseen.add(item.label);
      return isSeen;
    },
  };
}

function refuseNothingAsked(
  { accepts, field, take }: Typed,
  items: readonly Item[],
  asked: ReadonlySet<string>,
): void {
  if ((take === null && !accepts) || asked.size > 0) return;
  const waiting = items.filter(({ kind }) => kind !== "taken").map(({ label }) => label);
  const words = field === null ? t`nothing waits for that` : t`nothing waits for that at ${field}`;
  throw new UserError(words, {
    hint: waiting.length === 0 ? undefined : t`what waits: ${waiting.join(", ")}`,
  });
}
