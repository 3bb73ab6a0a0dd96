// The manual page ch(1), made of the same table of commands as the help screens.
// The form: man(7) as both groff and mandoc read it.
import { EXIT } from "../src/base/errors.ts";
import manifest from "../package.json" with { type: "json" };
import type { Command } from "../src/cli/cli.ts";
import { listPositionals, listFlags } from "../src/cli/flags.ts";
import { flagRows, usageLine } from "../src/cli/help.ts";
import { COMMANDS } from "../src/cli/root.ts";

type Row = readonly [term: string, words: string];

const SUMMARY = "relays, keys and failover for the Codex CLI and Claude Code";

const ENVIRONMENT: readonly Row[] = [
  ["CODEX_HELPER_HOME", "where its files are, instead of ~/.codex-helper"],
  ["CODEX_HELPER_LANG", "en or zh: the language of the screens, instead of that of the locale"],
  ["LC_ALL, LC_MESSAGES, LANG", "the locale, in this order"],
  ["CODEX_HOME, CLAUDE_CONFIG_DIR", "where the files of Codex and of Claude Code are, as for themselves"],
  ["NO_COLOR", "no colours"],
  ["HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY", "how upstreams are reached"],
];

const FILES: readonly Row[] = [
  ["~/.codex-helper/config.json", "upstreams and settings; ch config edit opens it"],
  ["~/.codex-helper/filter.json", "rules of redaction"],
  ["~/.codex-helper/logs/requests.jsonl", "one line for each request"],
  [
    "~/.codex/config.toml, ~/.claude/settings.json",
    "the clients' own files, which point at the proxy while it runs",
  ],
];

const EXIT_STATUS: readonly Row[] = [
  [String(EXIT.ok), "done"],
  [String(EXIT.failed), "failed; standard error says why and what to type next"],
  [String(EXIT.usage), "a wrong command line"],
  [String(EXIT.bug), "a bug of the program"],
  ["128 + N", "ended by signal N: 130 after Ctrl+C"],
];

const EXAMPLES: readonly Row[] = [
  ["ch demo", "watch a failover, no key needed"],
  ["ch init", "set a client up by questions"],
  ["ch run -- codex", "start Codex behind a proxy of its own"],
];

/** `date`: of the release, "2026-11-30". */
export async function renderManPage(date: string): Promise<string> {
  const top = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, { load }]) => describe((await load()).command, `ch ${name}`)),
  );
  return [
    `.TH CH 1 "${date}" "codex\\-helper ${escape(manifest.version)}" "User Commands"`,
    ".SH NAME",
    escape(`ch, codex-helper - ${SUMMARY}`),
    ".SH SYNOPSIS",
    ".B ch",
    "[COMMAND] [FLAGS]",
    ".SH DESCRIPTION",
    escape(manifest.description),
    "The clients' own files point at the proxy only while it runs, and are restored to the byte.",
    "Without a command it is the same as",
    '.BR "ch serve" .',
    ".PP",
    "Each command takes",
    ".BR \\-\\-help .",
    ".SH COMMANDS",
    ...top.flat(),
    ...section("ENVIRONMENT", ENVIRONMENT),
    ...section("FILES", FILES),
    ...section("EXIT STATUS", EXIT_STATUS),
    ...section("EXAMPLES", EXAMPLES),
    ".SH SEE ALSO",
    escape("The documents beside README.md in the repository: config, failover, quota, switching, faq."),
    "",
  ].join("\n");
}

/** A command, and its own commands after it. */
function describe(command: Command, line: string): string[] {
  const { args = {}, description, examples = [], subCommands = {} } = command;
  const positionals = listPositionals(args).map(({ description: words, shown }): Row => [shown, words]);
  return [
    `.SS "${escape(line)}"`,
    `${escape(capitalise(description))}.`,
    ".PP",
    `.B ${escape(usageLine(command, line))}`,
    ...[...positionals, ...flagRows(listFlags(args)), ...examples].flatMap(renderRow),
    ...Object.entries(subCommands).flatMap(([name, sub]) => describe(sub, `${line} ${name}`)),
  ];
}

function section(title: string, rows: readonly Row[]): string[] {
  return [`.SH ${title.includes(" ") ? `"${title}"` : title}`, ...rows.flatMap(renderRow)];
}

function renderRow([term, words]: Row): string[] {
  return [".TP", `.B ${escape(term)}`, escape(words)];
}

const capitalise = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** A hyphen stays one that can be typed, and no line becomes a request. */
function escape(text: string): string {
  const plain = text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll('"', "\\(dq");
  return plain.replace(/^([.'])/, "\\&$1");
}
