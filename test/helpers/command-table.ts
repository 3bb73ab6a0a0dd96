// Every command of the program, with its place in the table.
import type { Command } from "../../src/cli/cli.ts";
import { listFlags, listPositionals } from "../../src/cli/flags.ts";
import { COMMANDS } from "../../src/cli/root.ts";

export interface CommandPlace {
  /** "ch config add". */
  readonly line: string;
  readonly command: Command;
  /** "config": of the file that tests it. */
  readonly topName: string;
}

/** The groups and their sub-commands, each group before its children. */
export async function loadCommandPlaces(): Promise<CommandPlace[]> {
  const top = await Promise.all(
    Object.entries(COMMANDS).map(async ([topName, { load }]) => {
      const { command } = await load();
      return { line: `ch ${topName}`, command, topName };
    }),
  );
  return top.flatMap(withChildren);
}

/** The words of the help screens that the table holds: descriptions, and what each example does. */
export function listHelpTexts({ args = {}, description, examples = [] }: Command): string[] {
  const described = [...listFlags(args), ...listPositionals(args)].map((one) => one.description);
  return [description, ...examples.map(([, does]) => does), ...described].filter((text) => text !== "");
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
