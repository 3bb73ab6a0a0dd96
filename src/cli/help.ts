// The help screens, made from the command table: what it does, how it is written, its flags, two examples.
// Pure.
import type { ArgsDef } from "citty";
import type { Command } from "./cli.ts";

export interface HelpOptions {
  readonly paint: (style: "bold" | "dim", text: string) => string;
  /** "ch config add". */
  readonly line: string;
}

type Row = readonly [left: string, right: string];

export function renderRootHelp(commands: readonly Row[], paint: HelpOptions["paint"]): string {
  return [
    "codex-helper: relays, keys and failover for the Codex CLI and Claude Code",
    "",
    `${paint("bold", "Usage")}  ch [COMMAND] [FLAGS]`,
    "",
    paint("bold", "Commands"),
    ...columns(commands),
    "",
    paint("bold", "Flags"),
    ...columns([
      ["-h, --help", "this text; after a command, that command's"],
      ["--version", "version, commit and its date"],
    ]),
    "",
    paint("bold", "Examples"),
    ...columns([
      ["ch demo", "watch a failover, no key needed"],
      ["ch config add main --base-url URL --auth-token-env KEY", "add an upstream"],
    ]),
  ].join("\n");
}

export function renderHelp(command: Command, options: HelpOptions): string {
  const { paint, line } = options;
  const args = argsOf(command);
  const subCommands = Object.entries(command.subCommands ?? {});
  const sections: [title: string, rows: Row[]][] = [
    ["Commands", subCommands.map(([name, sub]) => [name, sub.meta.description])],
    [
      "Arguments",
      positionals(args).map(([name, definition]) => [name.toUpperCase(), definition.description ?? ""]),
    ],
    ["Flags", [...flagRows(args), ["-h, --help", "this text"]]],
    ["Examples", (command.examples ?? []).map(([example, does]) => [example, does])],
  ];
  return [
    `${line}: ${command.meta.description}`,
    "",
    `${paint("bold", "Usage")}  ${usageLine(command, line)}`,
    ...sections
      .filter(([, rows]) => rows.length > 0)
      .flatMap(([title, rows]) => ["", paint("bold", title), ...columns(rows)]),
  ].join("\n");
}

/** The args of a command defined as a plain table, as all of ours are. */
export function argsOf(command: Command): ArgsDef {
  return typeof command.args === "object" && !(command.args instanceof Promise) ? command.args : {};
}

function usageLine(command: Command, line: string): string {
  if (command.subCommands !== undefined) return `${line} COMMAND`;
  const args = argsOf(command);
  const places = positionals(args).map(([name, definition]) => {
    const isOptional = definition.required === false || definition.default !== undefined;
    return isOptional ? `[${name.toUpperCase()}]` : name.toUpperCase();
  });
  const hasFlags = Object.keys(args).length > places.length;
  return [
    line,
    ...places,
    ...(hasFlags ? ["[FLAGS]"] : []),
    ...(command.passesThrough === true ? ["-- CLIENT ..."] : []),
  ].join(" ");
}

function positionals(args: ArgsDef): [string, ArgsDef[string]][] {
  return Object.entries(args).filter(([, definition]) => definition.type === "positional");
}

function flagRows(args: ArgsDef): Row[] {
  return Object.entries(args)
    .filter(([, definition]) => definition.type !== "positional")
    .map(([name, definition]) => {
      const isOnByDefault = definition.type === "boolean" && definition.default === true;
      const value = definition.type === "boolean" ? "" : ` ${definition.valueHint ?? "VALUE"}`;
      const negative = "negativeDescription" in definition ? definition.negativeDescription : undefined;
      const words = (isOnByDefault ? negative : undefined) ?? definition.description ?? "";
      return [`--${isOnByDefault ? "no-" : ""}${name}${value}`, words];
    });
}

/** Two columns; a left side too long for its column gets a line of its own. */
function columns(rows: readonly Row[]): string[] {
  const width = Math.min(30, Math.max(...rows.map(([left]) => left.length)));
  return rows.flatMap(([left, right]) => {
    if (left.length <= width) return [`  ${left.padEnd(width)}  ${right}`.trimEnd()];
    return [`  ${left}`, `  ${" ".repeat(width)}  ${right}`.trimEnd()];
  });
}
