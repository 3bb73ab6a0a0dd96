// The help screens, made from the command table: what it does, how it is written, its flags, two examples.
import { t, tellList, translate } from "./language.ts";
import type { Command } from "./cli.ts";
import { type Flag, listFlags, listPositionals } from "./flags.ts";
import type { Data } from "./output.ts";
import { wrapWords } from "./layout.ts";

type Style = Pick<Data, "paint" | "width">;
type Row = readonly [left: string, right: string];
type Section = readonly [title: string, rows: readonly Row[]];

/** Longer lines are hard to read, however wide the terminal is. */
const WIDEST = 100;
const WIDEST_LEFT = 30;

export function renderRootHelp(commands: readonly Row[], style: Style): string {
  return render(style, {
    title: t`codex-helper: relays, keys and failover for the Codex CLI and Claude Code`,
    usage: "ch [COMMAND] [FLAGS]",
    sections: [
      [t`Commands`, commands],
      [
        t`Flags`,
        [
          ["-h, --help", t`show this help; after a command, the help of that command`],
          ["--version", t`show the version, the commit and its date`],
        ],
      ],
      [
        t`Examples`,
        [
          ["ch demo", t`watch a failover, no key needed`],
          ["ch config add main --base-url URL --auth-token-env KEY", t`add an upstream`],
        ],
      ],
    ],
  });
}

/** `line` is what was typed to get there: "ch config add". */
export function renderHelp(command: Command, { line, ...style }: Style & { readonly line: string }): string {
  const args = command.args ?? {};
  const subCommands = Object.entries(command.subCommands ?? {});
  const sections: readonly Section[] = [
    [t`Commands`, subCommands.map(([name, sub]) => [name, translate(sub.description)])],
    [t`Arguments`, listPositionals(args).map(({ description, shown }) => [shown, translate(description)])],
    [t`Flags`, [...listFlags(args).map(flagRow), ["-h, --help", t`show this help`]]],
    [t`Examples`, (command.examples ?? []).map(([example, does]) => [example, translate(does)])],
  ];
  return render(style, {
    title: t`${line}: ${translate(command.description)}`,
    usage: usageLine(command, line),
    sections,
  });
}

interface Screen {
  readonly title: string;
  readonly usage: string;
  readonly sections: readonly Section[];
}

function render({ paint, width }: Style, { title, usage, sections }: Screen): string {
  return [
    ...wrapWords(title, Math.min(width, WIDEST)),
    "",
    `${paint("bold", t`Usage`)}  ${usage}`,
    ...sections
      .filter(([, rows]) => rows.length > 0)
      .flatMap(([name, rows]) => ["", paint("bold", name), ...columns(rows, Math.min(width, WIDEST))]),
  ].join("\n");
}

function usageLine(command: Command, line: string): string {
  if (command.subCommands !== undefined) return `${line} COMMAND`;
  const args = command.args ?? {};
  const places = listPositionals(args).map(({ isRequired, shown }) => (isRequired ? shown : `[${shown}]`));
  const hasFlags = listFlags(args).length > 0;
  return [
    line,
    ...places,
    ...(hasFlags ? ["[FLAGS]"] : []),
    ...(command.passesThrough === true ? ["-- CLIENT ..."] : []),
  ].join(" ");
}

function flagRow(flag: Flag): Row {
  const value = flag.value === null ? "" : ` ${flag.value.hint}`;
  return [`${flag.spelling}${value}`, describeFlag(flag)];
}

function describeFlag({ description, value }: Flag): string {
  const words = translate(description);
  if (value === null) return words;
  const whole = value.choices === undefined ? words : t`${words}: ${tellList(value.choices)}`;
  const usual = value.default === undefined ? "" : t` (default: ${value.default})`;
  return whole + usual;
}

/** Two columns with the right one wrapped; one under the other where a left side is too long for that. */
function columns(rows: readonly Row[], width: number): string[] {
  const longest = Math.max(...rows.map(([left]) => left.length));
  const isStacked = longest > WIDEST_LEFT;
  const indent = " ".repeat(isStacked ? 6 : longest + 4);
  return rows.flatMap(([left, right]) => {
    const words = wrapWords(right, width - indent.length);
    if (isStacked) return [`  ${left}`, ...words.map((line) => `${indent}${line}`)];
    return words.map((line, index) => `${index === 0 ? `  ${left}`.padEnd(indent.length) : indent}${line}`);
  });
}
