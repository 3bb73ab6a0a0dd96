// `ch statusline`: one line about the upstream, what is left and what it costs, for Claude Code, a prompt or a bar of a terminal.
// As a status line it does not come by here: run.ts has a shorter way. This is for people who type it wrongly, and for help.
import { EXIT } from "../../base/errors.ts";
import { JSON_ARG, SERVICE_ARGS, readService, usageError } from "../args.ts";
import { type Cli, defineCommand } from "../cli.ts";
import { t, tellList } from "../language.ts";
import { openTerminal } from "../terminal.ts";
import { FIELDS, listUnknownFields } from "../statusline/fields.ts";
import { type LineArgs, printStatusline } from "../statusline/statusline.ts";

const FORMAT_ARG = {
  format: {
    type: "string",
    valueHint: "TEXT",
    description: "fields in braces, such as '{upstream} {left}' (docs/status.md)",
  },
} as const;

/** Throws UserError for a field that there is not. */
export function refuseUnknownFields(format: string | undefined): void {
  const [unknown] = listUnknownFields(format ?? "");
  if (unknown === undefined) return;
  const names = tellList(Object.keys(FIELDS));
  throw usageError(
    t`there is no field {${unknown}}; there are: ${names}`,
    "ch statusline --format '{upstream} {left}'",
  );
}

/** The same line as a command among others. */
export async function showLine({ env }: Cli, args: LineArgs): Promise<number> {
  refuseUnknownFields(args.format);
  return (await printStatusline(args, env, openTerminal(env))) ?? EXIT.ok;
}

export const command = defineCommand({
  description: "one line for a status line or a prompt: upstream, what is left, costs",
  default: "show",
  examples: [
    ["ch statusline", "the line, as it is now"],
    ["ch statusline --claude --json", "its fields, for a script"],
  ],
  subCommands: {
    show: defineCommand({
      description: "print the line; Claude Code's JSON on standard input adds the session",
      examples: [
        ["ch statusline", "the line, as it is now"],
        ["ch statusline --plain --format '{upstream} {left}'", "for a prompt, without colours"],
      ],
      args: {
        ...SERVICE_ARGS,
        ...FORMAT_ARG,
        plain: { type: "boolean", description: "no colours: for starship, tmux, zsh" },
        wrap: { type: "string", valueHint: "COMMAND", description: "print this command's lines first" },
        ...JSON_ARG,
      },
      run: (args, cli) =>
        showLine(cli, {
          service: readService(args),
          format: args.format,
          isPlain: args.plain === true,
          isJson: args.json === true,
          wrapped: args.wrap,
        }),
    }),
  },
});
