// What can be typed where, taken from the command table: the one source of the completion scripts of all shells.
// Pure.
import type { ArgsDef } from "citty";
import { translate } from "../language.ts";
import { SERVICES, SERVICE_FACTS } from "../../base/service.ts";
import { PACK_NAMES } from "../../filter/packs.ts";
import type { Command } from "../cli.ts";
import { listFlags, listPositionals } from "../flags.ts";
import { FOREIGN_TOOLS } from "../../clients/import/tools.ts";

/** Where the values of an argument come from. `none` is for what only the person knows. */
export type Kind = "none" | "files" | "directories" | "targets" | "sessions" | readonly string[];

export interface Place {
  /** "config show", and "" for `ch` itself. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  /** Names with their hyphens; `value` is null for a flag without one. */
  readonly flags: readonly {
    readonly name: string;
    readonly description: string;
    readonly value: Kind | null;
  }[];
  readonly positionals: readonly Kind[];
  /** What follows `--` is another program. */
  readonly passesThrough: boolean;
}

/** By the name of the argument, which means the same all over the table. */
const KINDS: Readonly<Record<string, Kind>> = {
  config: "targets",
  dir: "directories",
  field: "targets",
  file: "files",
  from: [...SERVICES, ...FOREIGN_TOOLS],
  "from-config": "targets",
  id: "sessions",
  kind: ["targets", "sessions"],
  name: "targets",
  pack: PACK_NAMES,
  path: "directories",
  session: "sessions",
};
/** What follows `--` of a command that passes it through. */
export const PROGRAMS = SERVICES.map((service) => SERVICE_FACTS[service].command);
/** Which of them was typed decides whose names are offered. */
export const SERVICE_FLAGS = SERVICES.map((service) => SERVICE_FACTS[service].flag);
const HELP = "--help";

/** `top` are the commands with the summaries of the table; `bare` is the one that `ch` alone runs. */
export function makePlaces(
  top: readonly { readonly name: string; readonly summary: string; readonly command: Command }[],
  bare: string,
): Place[] {
  const fallback = top.find(({ name }) => name === bare)?.command;
  const root: Place = {
    path: "",
    commands: top.map(({ name, summary }) => ({ name, description: translate(summary) })),
    flags: [
      ...flagsOf(fallback?.args ?? {}),
      { name: "--version", description: translate("show the version, the commit and its date"), value: null },
    ],
    positionals: [],
    passesThrough: false,
  };
  return [root, ...top.flatMap(({ name, command }) => placesOf(command, name))];
}

function placesOf(command: Command, path: string): Place[] {
  const subCommands = Object.entries(command.subCommands ?? {});
  // A group means its default, whose flags may be typed right after it.
  const meant = command.default === undefined ? command : (command.subCommands?.[command.default] ?? command);
  const place: Place = {
    path,
    commands: subCommands.map(([name, sub]) => ({ name, description: translate(sub.description) })),
    flags: flagsOf(meant.args ?? {}),
    positionals: listPositionals(command.args ?? {}).map(({ name }) =>
      path === "config rename" && name === "to" ? "none" : (KINDS[name] ?? "none"),
    ),
    passesThrough: command.passesThrough === true,
  };
  return [place, ...subCommands.flatMap(([name, sub]) => placesOf(sub, `${path} ${name}`))];
}

function flagsOf(args: ArgsDef): Place["flags"] {
  const flags = listFlags(args).map(({ description, name, spelling, takesRest, value }) => ({
    name: spelling,
    description: translate(description),
    value: value === null || takesRest ? null : (value.choices ?? KINDS[name] ?? "none"),
  }));
  return [...flags, { name: HELP, description: translate("show this help"), value: null }];
}

/** What is typed at each place, and where it leads. */
export function listSteps(places: readonly Place[]) {
  return places.flatMap(({ path, commands }) =>
    commands.map(({ name }) => ({ at: `${path}/${name}`, place: `${path} ${name}`.trim() })),
  );
}

/** A script with its places, `@@name@@`, filled in. */
export function fillScript(script: string, parts: Readonly<Record<string, string>>): string {
  return script.replace(/@@(\w+)@@/g, (_, name: string) => parts[name] ?? "");
}
