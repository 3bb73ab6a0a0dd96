// What every command gets: the environment, the paths, the terminal. Made once by run.ts.
import type { ArgsDef, ParsedArgs } from "citty";
import type { Env } from "../base/env.ts";
import { UserError } from "../base/errors.ts";
import { readGiven } from "../base/files.ts";
import type { Paths } from "../base/paths.ts";
import { t } from "../base/text.ts";
import type { Data } from "./output.ts";
import type { OnSurface, Words } from "./words.ts";

/** The only way to the terminal. */
export interface Output extends Data, Words, OnSurface {}

/** A command of the table in root.ts. Its file is imported when it is asked for, and not before. */
export interface CommandEntry {
  readonly summary: string;
  /** `ch --help` says what it does, and not its name alone. */
  readonly isDaily?: boolean;
  readonly load: () => Promise<{ readonly command: Command }>;
}

/** What bare `ch` does. */
export const DEFAULT_COMMAND = "serve";

export interface Cli {
  readonly env: Env;
  readonly paths: Paths;
  readonly out: Output;
  /** A person sits at both ends: questions may be asked. */
  readonly isInteractive: boolean;
  /** Everything on standard input, as text. */
  readonly readInput: () => Promise<string>;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** For a command that works while it says something: it is written in the background. To be drained by what it returns. */
  readonly writeBehind: () => () => Promise<void>;
  /** The whole table, for a command that lists them. */
  readonly commands: Readonly<Record<string, CommandEntry>>;
}

/** A command or a group of commands. */
export interface Command {
  /** English, as are the descriptions of args and examples. */
  readonly description: string;
  readonly args?: ArgsDef;
  /** Of a group: the sub-command that is meant when none is named. A group has no `run`. */
  readonly default?: string;
  /** Shown by --help: what to type, and what it does. Two of each. */
  readonly examples?: readonly (readonly [line: string, does: string])[];
  /** Everything after `--` belongs to another program and is not looked at. */
  readonly passesThrough?: boolean;
  readonly subCommands?: Readonly<Record<string, Command>>;
  /** May return an exit code; nothing means 0. */
  readonly run?: Run<ArgsDef>;
}

/** What a person names: a file, or "-" for standard input. Throws UserError. */
export async function readFileOrInput(cli: Cli, file: string): Promise<Uint8Array> {
  const bytes = file === "-" ? Buffer.from(await cli.readInput()) : await readGiven(file);
  if (bytes === null) throw new UserError(t`${file}: no such file`);
  return bytes;
}

type Run<T extends ArgsDef> = (
  args: ParsedArgs<T>,
  cli: Cli,
) => number | undefined | void | Promise<number | undefined | void>;

type TypedCommand<T extends ArgsDef> = Omit<Command, "args" | "run"> & {
  readonly args?: T;
  readonly run?: Run<T>;
};

/** Types a command's `run` by its own `args`, and forgets the types for the table. */
export function defineCommand<const T extends ArgsDef>(command: TypedCommand<T>): Command {
  return command as unknown as Command;
}
