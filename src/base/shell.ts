// The person's shell, and how a line to type is written for it: a POSIX shell, PowerShell (5.1 too, which has no `&&`), or cmd.
// Like the language it is one for the process, chosen once before a word is said.
// Pure.
import { type Env, readVariable } from "./env.ts";

export type ShellName = "posix" | "powershell" | "cmd";

/** A text, or what another variable has, with a path below it. PWD and HOME are known to every shell. */
export type ShellValue = string | { readonly variable: string; readonly below?: string };

export interface Shell {
  /** One word, quoted only where it must be. */
  readonly quote: (word: string) => string;
  /** A variable for the rest of the session. */
  readonly set: (name: string, value: ShellValue) => string;
  readonly setAll: (values: Readonly<Record<string, string>>) => string;
  readonly unset: (name: string) => string;
  /** A variable for one command; except for POSIX it stays. */
  readonly once: (name: string, value: string, command: string) => string;
  /** Each command only if the one before it succeeded. */
  readonly chain: (commands: readonly string[]) => string;
  readonly enter: (directory: string) => string;
  readonly makeDirectory: (path: string) => string;
  readonly remove: (paths: readonly string[]) => string;
  /** What is at a path; with "*" also whatever begins with its name. */
  readonly list: (path: string, rest?: "*" | "") => string;
  /** How much a directory holds. */
  readonly measure: (path: string) => string;
  /** A command whose output nobody needs. */
  readonly quiet: (command: string) => string;
  /** A program of Windows with its options, which begin with "/". */
  readonly systemCommand: (words: readonly string[]) => string;
}

let person: ShellName = "posix";

export function useShell(name: ShellName): void {
  person = name;
}

/** What PowerShell adds to the module path that the machine gives to every program: the person's own directory, or its version's. */
const OWN_MODULES: readonly RegExp[] = [
  /^(?!.:\\(?:program files(?: \(x86\))?|windows)\\).*\\(?:windows)?powershell\\modules$/i,
  /^.:\\program files\\powershell\\(?:\d[^\\]*\\)?modules$/i,
];

/** A shell that was started in another one inherits the other's signs too: then the outer one may be taken for it. */
export function findShell(env: Env, platform: NodeJS.Platform): ShellName {
  if (platform !== "win32") return "posix";
  const isPosix =
    readVariable(env, "MSYSTEM") !== undefined || /sh(?:\.exe)?$/i.test(readVariable(env, "SHELL") ?? "");
  if (isPosix) return "posix";
  const modules = (env["PSModulePath"] ?? "").split(";").map((path) => path.replace(/\\+$/, ""));
  return modules.some((path) => OWN_MODULES.some((own) => own.test(path))) ? "powershell" : "cmd";
}

/** How lines are written for the person's shell, or for the one that is named. */
export function inShell(name: ShellName = person): Shell {
  return SHELLS[name];
}

export function quoteWord(word: string): string {
  return SHELLS[person].quote(word);
}

/** What no shell of Windows reads as anything but itself. A path there has a backslash, and `~` in its place is not read by all. */
const PLAIN = /^(?!-)[\w./:+=-]+$/;

const posix: Shell = {
  quote: (word) => (/^(?!-)[\w./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`),
  set: (name, value) =>
    `export ${name}=${typeof value === "string" ? posix.quote(value) : `"$${below(value, "/", /["$`\\]/g, "\\$&")}"`}`,
  setAll: (values) => `export ${list(values, ([name, value]) => `${name}=${posix.quote(value)}`).join(" ")}`,
  unset: (name) => `unset ${name}`,
  once: (name, value, command) => `${name}=${posix.quote(value)} ${command}`,
  chain: (commands) => commands.join(" && "),
  enter: (directory) => `cd ${posix.quote(directory)}`,
  makeDirectory: (path) => `mkdir -p ${posix.quote(path)}`,
  remove: (paths) => `rm ${paths.map(posix.quote).join(" ")}`,
  list: (path, rest = "") => `ls -ld ${posix.quote(path)}${rest}`,
  measure: (path) => `du -sh ${posix.quote(path)}`,
  quiet: (command) => `${command} > /dev/null`,
  // Else Git Bash takes an option for a path: https://www.msys2.org/docs/filesystem-paths/
  systemCommand: (words) => `MSYS_NO_PATHCONV=1 MSYS2_ARG_CONV_EXCL='*' ${words.map(posix.quote).join(" ")}`,
};

/** https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_quoting_rules */
const powershell: Shell = {
  quote: (word) => (PLAIN.test(word) ? word : quoteSingle(word)),
  set: (name, value) =>
    `$env:${name} = ${typeof value === "string" ? quoteSingle(value) : readPowershell(value)}`,
  setAll: (values) => list(values, ([name, value]) => powershell.set(name, value)).join("; "),
  unset: (name) => `Remove-Item Env:${name}`,
  once: (name, value, command) => `${powershell.set(name, value)}; ${command}`,
  chain: (commands) =>
    commands.reduceRight((rest, command) => (rest === "" ? command : `${command}; if ($?) { ${rest} }`), ""),
  // A directory's name may hold its wildcards.
  enter: (directory) =>
    `cd ${/[[\]*?`]/.test(directory) ? "-LiteralPath " : ""}${powershell.quote(directory)}`,
  makeDirectory: (path) => `mkdir ${powershell.quote(path)}`,
  remove: (paths) => `del ${paths.map(powershell.quote).join(", ")}`,
  list: (path, rest = "") => `dir ${powershell.quote(path + rest)}`,
  measure: (path) => `dir -Recurse -Force ${powershell.quote(path)} | measure Length -Sum`,
  quiet: (command) => `${command} > $null`,
  systemCommand: (words) => words.map(powershell.quote).join(" "),
};

const cmd: Shell = {
  quote: quoteForCmd,
  set(name, value) {
    const words = `${name}=${typeof value === "string" ? value : readCmd(value)}`;
    return PLAIN.test(words) ? `set ${words}` : `set "${words}"`;
  },
  // A blank before `&&` would belong to the value, but for the quotation marks.
  setAll: (values) => list(values, ([name, value]) => `set "${name}=${value}"`).join(" && "),
  unset: (name) => `set ${name}=`,
  once: (name, value, command) => `${cmd.setAll({ [name]: value })} && ${command}`,
  chain: (commands) => commands.join(" && "),
  // Without /d it stays on the drive that it is on.
  enter: (directory) => `cd /d ${quoteForCmd(directory)}`,
  makeDirectory: (path) => `mkdir ${quoteForCmd(path)}`,
  remove: (paths) => `del ${paths.map(quoteForCmd).join(" ")}`,
  list: (path, rest = "") => `dir ${quoteForCmd(path + rest)}`,
  measure: (path) => `dir /s /a ${quoteForCmd(path)}`,
  quiet: (command) => `${command} > NUL`,
  systemCommand: (words) => words.map(quoteForCmd).join(" "),
};

const SHELLS: Readonly<Record<ShellName, Shell>> = { posix, powershell, cmd };

function list(values: Readonly<Record<string, string>>, write: (one: [string, string]) => string): string[] {
  return Object.entries(values).map(write);
}

type Reference = Exclude<ShellValue, string>;

/** The variable's name and the path below it, whose special characters are escaped. */
function below(value: Reference, separator: string, ...escape: readonly [RegExp, string]): string {
  const path = (value.below ?? "").replaceAll("/", separator).replace(...escape);
  return value.below === undefined ? value.variable : `${value.variable}${separator}${path}`;
}

function readPowershell({ below: path, variable }: Reference): string {
  const name = { PWD: "PWD", HOME: "HOME" }[variable] ?? `env:${variable}`;
  const value = below(
    path === undefined ? { variable: name } : { variable: name, below: path },
    "\\",
    /["$`]/g,
    "`$&",
  );
  return path === undefined ? `$${value}` : `"$${value}"`;
}

function readCmd({ below: path, variable }: Reference): string {
  const name = { PWD: "CD", HOME: "USERPROFILE" }[variable] ?? variable;
  return `%${name}%${path === undefined ? "" : `\\${path.replaceAll("/", "\\")}`}`;
}

/** PowerShell takes each of these for a quotation mark, also to end a text with. */
function quoteSingle(word: string): string {
  return `'${word.replaceAll(/['\u2018-\u201b]/g, "$&$&")}'`;
}

/**
 * In quotation marks cmd reads nothing but `%`, and that only around the name of a variable; `^%` outside of them makes it none.
 * Two of them within others are one to the program, and so is each of two backslashes before one.
 */
function quoteForCmd(word: string): string {
  if (PLAIN.test(word)) return word;
  const quote = (part: string): string =>
    part === "" ? "" : `"${part.replace(/\\+$/, "$&$&").replaceAll('"', '""')}"`;
  return word === "" ? '""' : word.split("%").map(quote).join("^%");
}
