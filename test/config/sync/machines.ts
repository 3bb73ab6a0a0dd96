// Machines with a config.json each and a copy of the shared folder each, for tests without files.
import { listUses } from "../../../src/app/import/import-remarks.ts";
import { makeGuard } from "../../../src/app/sync/guard.ts";
import { type Plan, editConfig } from "../../../src/config/edit.ts";
import { listSecrets } from "../../../src/config/kept-secrets.ts";
import { type ParsedConfig, parseConfig } from "../../../src/config/parse.ts";
import { type Item } from "../../../src/config/sync/desk.ts";
import { type ConfigFile, readConfigFile, writeConfigFile } from "../../../src/config/sync/file.ts";
import { type Known, type SyncResult, runSync, sightOf } from "../../../src/config/sync/run.ts";

export interface Typed {
  readonly take?: "mine" | "theirs";
  readonly machine?: string;
  readonly accepts?: boolean;
  readonly allowsCommands?: boolean;
  readonly field?: string;
}

export class Machine {
  text = "";
  counter = 0;
  known: ReadonlyMap<string, Known> = new Map();
  shown = new Map<string, string>();
  /** Its copy of the folder: text by machine and config. */
  folder = new Map<string, string>();

  constructor(
    readonly id: string,
    readonly name: string,
  ) {}

  get config(): ParsedConfig {
    return parseConfig(this.text, "config.json");
  }

  edit(plan: Plan): void {
    this.text = editConfig(this.text, "config.json", plan);
  }

  /** What a folder that is synced does sooner or later; `wants` says of which files. */
  receive(other: Machine, wants: (path: string) => boolean = () => true): void {
    for (const [path, text] of other.folder) {
      if (!wants(path)) continue;
      const present = this.folder.get(path);
      if (present === undefined || counterOf(text) >= counterOf(present)) this.folder.set(path, text);
    }
  }

  sync(typed: Typed = {}): SyncResult {
    const files = [...this.folder.values()].flatMap((text) => {
      const read = readConfigFile(text);
      return read.kind === "file" ? [read.file] : [];
    });
    const result = runSync({
      text: this.text,
      file: "config.json",
      machine: this.id,
      counter: this.counter,
      known: this.known,
      others: files.filter(({ machine }) => machine.id !== this.id),
      secrets: listSecrets(this.text),
      choices: {
        take: typed.take ?? null,
        machine: typed.machine ?? null,
        accepts: typed.accepts ?? false,
        allowsCommands: typed.allowsCommands ?? false,
        concerns: ({ label }) =>
          typed.field === undefined || label === typed.field || label.startsWith(`${typed.field}.`),
        wasShown: (item) => this.shown.get(sightOf(item).key) === sightOf(item).value,
      },
      guardOf: (config) => makeGuard(config, listUses(config)),
      now: "2026-11-30T09:00:00.000Z",
    });
    this.text = result.text;
    this.counter = result.counter;
    this.known = result.known;
    this.shown = new Map(waiting(result).map((item) => [sightOf(item).key, sightOf(item).value] as const));
    for (const [id, { history, registers }] of result.known) {
      const file: ConfigFile = {
        machine: { id: this.id, name: this.name },
        written: "2026-11-30T09:00:00.000Z",
        counter: result.counter,
        id,
        registers,
        leftOut: result.leftOutPaths.get(id) ?? [],
        history,
      };
      this.folder.set(`${this.id}/${id}`, writeConfigFile(file));
    }
    return result;
  }
}

function counterOf(text: string): number {
  const read = readConfigFile(text);
  return read.kind === "file" ? read.file.counter : -1;
}

export function waiting({ items }: Pick<SyncResult, "items">): Item[] {
  return items.filter(({ kind }) => kind !== "taken");
}

export function makeMachines(...names: string[]): Machine[] {
  return names.map((name, index) => new Machine(`0000000${index}`, name));
}

/** Each gets what the others have. */
export function meet(...machines: readonly Machine[]): void {
  for (const one of machines) for (const other of machines) if (one !== other) one.receive(other);
}
