// `ch statusline`: one line about the upstream, what is left and what it costs, for Claude Code, a prompt or a bar of a terminal.
// As a status line it does not come by here: run.ts has a shorter way. This is for people who type it wrongly, and for help.
import { EXIT } from "../../base/errors.ts";
import { showPath } from "../../base/paths.ts";
import { CLIENT_NAME, PIPING_SERVICE } from "../../base/service.ts";
import { JSON_ARG, SERVICE_ARGS, readService, usageError } from "../args.ts";
import { type Cli, defineCommand } from "../cli.ts";
import { t, tell, tellList } from "../language.ts";
import { openTerminal } from "../terminal.ts";
import { FIELDS, listUnknownFields } from "../statusline/fields.ts";
import { type LineArgs, printStatusline } from "../statusline/statusline.ts";

const LINE_KEY = "statusLine";

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

const installCommand = defineCommand({
  description: "put the line into Claude Code, around a status line that is there",
  examples: [
    ["ch statusline install", "sets statusLine.command in its settings.json"],
    ["ch statusline uninstall", "restores the file"],
  ],
  args: { ...SERVICE_ARGS },
  async run(args, { env, out, paths }) {
    const { findOwnProgram, isProgramThere } = await import("../../base/own-program.ts");
    const { installStatusLine } = await import("../../clients/switch/status-line.ts");
    const service = readService(args) ?? PIPING_SERVICE;
    const own = findOwnProgram(env);
    const done = await installStatusLine(
      { service, paths, env },
      { program: own.words, isThere: (words) => isProgramThere(words, env) },
    );
    const file = showPath(done.file, env);
    if (done.remark !== null) out.warn(tell(done.remark));
    if (own.isPassing) {
      const path = showPath(own.words.join(" "), env);
      out.warn(
        t`${path} is gone after the next upgrade, and the line with it; after that: ch statusline install`,
      );
    }
    if (!done.isWritten) return out.note(t`${file} already has the status line`);
    out.note(t`${CLIENT_NAME[service]} now shows the status line, open sessions too`);
    out.note(done.isFileNew ? t`  created ${file}: ${LINE_KEY}` : t`  changed ${file}: ${LINE_KEY}`);
    if (done.wrapped !== null) out.note(t`  your own status line stays: its lines come first`);
    out.note(t`  restore with: ch statusline uninstall`);
  },
});

const uninstallCommand = defineCommand({
  description: "take the line out of Claude Code again, and restore what was there",
  examples: [
    ["ch statusline uninstall", "Claude Code shows its own again"],
    ["ch statusline install", "and back"],
  ],
  args: { ...SERVICE_ARGS },
  async run(args, { env, out, paths }) {
    const { uninstallStatusLine } = await import("../../clients/switch/status-line.ts");
    const service = readService(args) ?? PIPING_SERVICE;
    const {
      file: path,
      isFileRemoved,
      journalProblem,
      keys,
    } = await uninstallStatusLine({ service, paths, env });
    const file = showPath(path, env);
    const [key] = keys;
    if (journalProblem !== null) out.warn(t`${journalProblem}: only what could be recognised was restored`);
    if (isFileRemoved)
      return out.note(t`restored: ${file} was created for the status line and has been removed`);
    if (key?.kind === "restored") out.note(t`restored in ${file}: ${LINE_KEY}`);
    else if (key?.kind === "changed")
      out.note(t`kept in ${file}, because it was changed meanwhile: ${LINE_KEY}`);
    else out.note(t`no status line of ch is in ${file}, which is unchanged`);
    if (key?.kind === "restored" && key.isGuess)
      out.warn(t`${LINE_KEY} was removed; its previous value is not known`);
  },
});

export const command = defineCommand({
  description: "one line for a status line or a prompt: upstream, what is left, costs",
  default: "show",
  examples: [
    ["ch statusline", "the line, as it is now"],
    ["ch statusline install", "show it in Claude Code"],
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
    install: installCommand,
    uninstall: uninstallCommand,
  },
});
