// The command of a status line of ours: how it is written for the shell that Claude Code runs it with, and known again by its
// words. That shell is sh; on Windows it is Git Bash, or PowerShell where there is none, so nothing is written that the two read
// differently.
import { UserError } from "../../base/errors.ts";
import { SERVICES, SERVICE_FACTS } from "../../base/service.ts";
import { t } from "../../base/text.ts";

export interface OwnLine {
  /** The words before "statusline". */
  readonly program: readonly string[];
  /** Without the wrapped command. */
  readonly flags: readonly string[];
  readonly wrapped: string | null;
}

const IS_WINDOWS = process.platform === "win32";
const SUBCOMMAND = "statusline";
/** As assignments before a command are written. */
const ASSIGNMENT = /^[A-Za-z_]\w*=/;
const OWN_NAME = /^(?:.*[\\/])?(?:ch|codex-helper)(?:\.exe|\.cmd)?$/i;
/** Run from source, by Bun. */
const OWN_SOURCE = /[\\/]src[\\/]main\.ts$/;
const FLAGS: ReadonlySet<string> = new Set([
  "--plain",
  "--json",
  ...SERVICES.map((service) => SERVICE_FACTS[service].flag),
]);

/** Our command alone, with nothing around it; null for any other. */
export function readOwnLine(command: string | undefined): OwnLine | null {
  const words = splitWords(command ?? "") ?? [];
  const at = words.indexOf(SUBCOMMAND);
  const program = words.slice(0, Math.max(0, at));
  const [first, ...others] = program.filter((word) => !ASSIGNMENT.test(word));
  if (
    first === undefined ||
    !(others.length === 0 ? OWN_NAME.test(first) : OWN_SOURCE.test(others.at(-1) ?? ""))
  )
    return null;
  const flags: string[] = [];
  let wrapped: string | null = null;
  for (let next = at + 1; next < words.length; next += 1) {
    const word = words[next] ?? "";
    const [, name, inline] = /^(--(?:format|wrap))(?:=(.*))?$/s.exec(word) ?? [];
    const value = inline ?? (name === undefined ? undefined : words[(next += 1)]);
    if (name === "--wrap" && value !== undefined) wrapped = value;
    else if (name !== undefined && value !== undefined) flags.push(name, value);
    else if (FLAGS.has(word)) flags.push(word);
    else return null;
  }
  return { program, flags, wrapped };
}

/** Throws UserError for a command that cannot be a word of another one. */
export function writeOwnLine({ flags, program, wrapped }: OwnLine): string {
  const words = [...program.map(quoteProgram), SUBCOMMAND, ...flags.map(quote)];
  return [...words, ...(wrapped === null ? [] : ["--wrap", quote(wrapped)])].join(" ");
}

function quoteProgram(word: string): string {
  const [name = ""] = ASSIGNMENT.exec(word) ?? [];
  return name + quote(IS_WINDOWS ? word.slice(name.length).replaceAll("\\", "/") : word.slice(name.length));
}

function quote(word: string): string {
  if (/^[\w./:@%+,=-]+$/.test(word)) return word;
  if (IS_WINDOWS && word.includes("'"))
    throw new UserError(
      t`the shells of Windows read the quotation marks of a command in a command differently`,
      {
        hint: t`move the command into a script, then: ch statusline install`,
      },
    );
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** As a shell has them; null where it would do more than run one command with these words. */
function splitWords(command: string): string[] | null {
  const words: string[] = [];
  // A blank, a quoted piece, an escaped character, or a plain piece. A path of Windows has plain backslashes.
  const pattern = IS_WINDOWS
    ? /(\s+)|'([^']*)'|"([^"$`]*)"|()([^\s'"|&;<>()$`#*?[\]!]+)/gy
    : /(\s+)|'([^']*)'|"((?:[^"\\$`]|\\.)*)"|\\([^\n])|([^\s'"\\|&;<>()$`#*?[\]!]+)/gsy;
  let word: string | null = null;
  for (;;) {
    const at = pattern.lastIndex;
    if (at === command.length) break;
    const found = pattern.exec(command);
    if (found === null || found[0] === "") return null;
    const [, blank, single, double, escaped, plain] = found;
    if (blank !== undefined) {
      // A second line is a second command.
      if (blank.includes("\n") && word !== null && command.slice(at).trim() !== "") return null;
      if (word !== null) words.push(word);
      word = null;
    } else
      word =
        (word ?? "") +
        (single ?? double?.replace(/\\([\\"$`])/g, "$1") ?? (escaped || undefined) ?? plain ?? "");
  }
  return word === null ? words : [...words, word];
}
