// Every command of the program, with its place in the table.
import { resolvePaths } from "../../src/base/paths.ts";
import type { Cli, Command } from "../../src/cli/cli.ts";
import { listFlags, listPositionals } from "../../src/cli/flags.ts";
import { createData } from "../../src/cli/output.ts";
import { COMMANDS } from "../../src/cli/root.ts";
import { openTerminal } from "../../src/cli/terminal.ts";
import { createWords } from "../../src/cli/words.ts";

export interface CommandPlace {
  /** "ch config add". */
  readonly line: string;
  readonly command: Command;
  /** "config": of the file that tests it. */
  readonly topName: string;
}

const terminal = openTerminal({});
const cli: Cli = {
  env: {},
  paths: resolvePaths({ HOME: "/nowhere" }),
  out: { ...createData(terminal), ...createWords(terminal) },
  isInteractive: false,
  readInput: () => Promise.resolve(""),
  now: () => 0,
  commands: COMMANDS,
};

/** The groups and their sub-commands, each group before its children. */
export async function loadCommandPlaces(): Promise<CommandPlace[]> {
  const top = await Promise.all(
    Object.entries(COMMANDS).map(async ([topName, { load }]) => {
      const { createCommand } = await load();
      return { line: `ch ${topName}`, command: createCommand(cli), topName };
    }),
  );
  return top.flatMap(withChildren);
}

/** The words of the help screens that the table holds: descriptions, and what each example does. */
export function listHelpTexts({ args = {}, examples = [], meta }: Command): string[] {
  const described = [...listFlags(args), ...listPositionals(args)].map(({ description }) => description);
  return [meta.description, ...examples.map(([, does]) => does), ...described].filter((text) => text !== "");
}

function withChildren(place: CommandPlace): CommandPlace[] {
  const children = Object.entries(place.command.subCommands ?? {});
  return [
    place,
    ...children.flatMap(([name, command]) =>
      withChildren({ ...place, line: `${place.line} ${name}`, command }),
    ),
  ];
}
