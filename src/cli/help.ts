// The help screens, made from the command table: what it does, how it is written, its flags, two examples.
import { asCalled } from "../base/text.ts";
import { PRODUCT } from "../base/version.ts";
import { t, tellList, translate } from "./language.ts";
import type { Command } from "./cli.ts";
import { type Flag, listFlags, listPositionals } from "./flags.ts";
import type { Data } from "./output.ts";
import { wrapWords } from "./layout.ts";
import { isService } from "../base/service.ts";

type Style = Pick<Data, "paint" | "width">;
type Row = readonly [left: string, right: string];
type Section = readonly [title: string, rows: readonly Row[]];

/** Longer lines are hard to read, however wide the terminal is. */
const WIDEST = 100;
const WIDEST_LEFT = 30;
/** Of a terminal with 24 lines, of which the next prompt takes one. */
const MOST_LINES = 23;
/** How a screen is set, from the first that fits into those lines: what is left out is the least that does. */
const DENSITIES = [
  { hasBlankLines: true, explainsExamples: true, hasHelpRow: true },
  { hasBlankLines: false, explainsExamples: true, hasHelpRow: true },
  { hasBlankLines: false, explainsExamples: false, hasHelpRow: true },
  { hasBlankLines: false, explainsExamples: false, hasHelpRow: false },
] as const;

/** `daily`: what is typed every day, with what it does. Of the others the names. */
export function renderRootHelp(
  { daily, others }: { readonly daily: readonly Row[]; readonly others: readonly string[] },
  style: Style,
): string {
  return render(style, {
    title: t`${PRODUCT}: relays, keys and failover for the Codex CLI and Claude Code`,
    usage: "ch [COMMAND] [FLAGS]",
    sections: [
      [t`Commands`, [...daily, ["", t`also: ${tellList(others)}`]]],
      [
        t`Flags`,
        [
          ["-h, --help", t`show this help; after a command, the help of that command`],
          ["--version", t`show the version, the commit and its date`],
        ],
      ],
    ],
    examples: [
      ["ch demo", t`watch a failover`],
      ["ch init", t`set a client up by questions`],
    ],
  });
}

/** `line` is what was typed to get there: "ch config add". */
export function renderHelp(command: Command, { line, ...style }: Style & { readonly line: string }): string {
  const args = command.args ?? {};
  const subCommands = Object.entries(command.subCommands ?? {});
  const { default: meant } = command;
  const sections: readonly Section[] = [
    [
      meant === undefined ? t`Commands` : t`Commands (default: ${meant})`,
      subCommands.map(([name, sub]) => [name, translate(sub.description)]),
    ],
    [t`Arguments`, listPositionals(args).map(({ description, shown }) => [shown, translate(description)])],
    [t`Flags`, [...flagRows(listFlags(args)), ["-h, --help", t`show this help`]]],
  ];
  return render(style, {
    title: t`${line}: ${translate(command.description)}`,
    usage: usageLine(command, line),
    sections,
    examples: (command.examples ?? []).map(([example, does]) => [example, translate(does)]),
  });
}

interface Screen {
  readonly title: string;
  readonly usage: string;
  readonly sections: readonly Section[];
  readonly examples: readonly Row[];
}

function render({ paint, width }: Style, { title, usage, sections, examples }: Screen): string {
  const most = Math.min(width, WIDEST);
  const screens = DENSITIES.map(({ explainsExamples, hasBlankLines, hasHelpRow }) => {
    const gap = hasBlankLines ? [""] : [];
    // Whoever reads it has found --help.
    const told = sections.filter(([name, rows]) => hasHelpRow || name !== t`Flags` || rows.length > 1);
    const shown = explainsExamples ? examples : examples.map(([line]) => [line, ""] as const);
    return [
      ...wrapWords(title, most),
      ...gap,
      `${paint("bold", t`Usage`)}  ${usage}`,
      ...[...told, [t`Examples`, shown] as const]
        .filter(([, rows]) => rows.length > 0)
        .flatMap(([name, rows]) => [...gap, paint("bold", name), ...columns(rows, most)]),
    ];
  });
  const screen = screens.find(({ length }) => length <= MOST_LINES) ?? screens.at(-1) ?? [];
  return asCalled(screen.join("\n"));
}

/** "ch config add NAME [FLAGS]". */
export function usageLine(command: Command, line: string): string {
  if (command.subCommands !== undefined)
    return command.default === undefined ? `${line} COMMAND` : `${line} [COMMAND] [FLAGS]`;
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

/** So long is a text that two of them share a row. */
const LONGEST_SHARED = 60;

/** One row for each that is listed; the flags that name a service share one where they say little. */
export function flagRows(flags: readonly Flag[]): Row[] {
  const listed = flags.filter(({ isUnlisted }) => !isUnlisted);
  const services = listed.filter(({ name }) => isService(name));
  const together = tellList(services.map(describeFlag));
  const isShared = services.length > 1 && Bun.stringWidth(together) <= LONGEST_SHARED;
  return listed.flatMap((flag): Row[] => {
    if (isShared && isService(flag.name)) {
      if (flag !== services[0]) return [];
      return [[services.map(({ spelling }) => spelling).join(", "), together]];
    }
    const value = flag.value === null ? "" : ` ${flag.value.hint}`;
    const short = flag.aliases.map((alias) => `-${alias}, `).join("");
    return [[`${short}${flag.spelling}${value}`, describeFlag(flag)]];
  });
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
  const fits = rows.every(([, right]) => longest + 4 + Bun.stringWidth(right) <= width);
  const isStacked = longest > WIDEST_LEFT && !fits;
  const indent = " ".repeat(isStacked ? 6 : longest + 4);
  return rows.flatMap(([left, right]) => {
    const words = wrapWords(right, width - indent.length);
    if (right === "") return [`  ${left}`];
    if (isStacked) return [`  ${left}`, ...words.map((line) => `${indent}${line}`)];
    return words.map((line, index) => `${index === 0 ? `  ${left}`.padEnd(indent.length) : indent}${line}`);
  });
}
