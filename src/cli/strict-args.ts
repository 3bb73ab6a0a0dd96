// Reads a command's arguments strictly, before citty sees them: citty takes unknown flags, extra arguments, flags
// without their value and repeats without a word. What passes is handed on in one plain form.
// Pure.
import type { ArgsDef } from "citty";
import { UserError } from "../base/errors.ts";
import { usageError } from "./args.ts";
import { t, tellList } from "./language.ts";
import { type Flag, joinRepeated, listFlags, listPositionals } from "./flags.ts";
import { similarNames } from "../base/similar-names.ts";
import { suggestArgument, suggestFlags } from "./suggest.ts";

export interface StrictOptions {
  /** "ch config add": for the hints. */
  readonly command: string;
  readonly args: ArgsDef;
  /** Everything after `--` is another program's. */
  readonly passesThrough: boolean;
  /** Lines that work, for somebody who left something out. */
  readonly examples?: readonly string[];
  /** Flags that are read elsewhere, for those who mistype them. */
  readonly otherFlags?: readonly string[];
}

/**
 * The arguments as `--name=value`, `--name`, `--no-name`, then `--` and the positional ones.
 * Throws UserError (exit code 2) with what to type instead.
 */
export function normaliseArgs(argv: readonly string[], options: StrictOptions): string[] {
  const flags: string[] = [];
  const positionals: string[] = [];
  const seen = new Set<string>();
  const repeated = new Map<string, string[]>();
  /** Flags that wait for the command after `--`. */
  const commands: string[] = [];
  for (let at = 0; at < argv.length; at += 1) {
    const token = argv[at] ?? "";
    if (token === "--") {
      const rest = argv.slice(at + 1);
      if (commands.length === 0 || rest.length === 0) positionals.push(...rest);
      for (const name of rest.length === 0 ? [] : commands.splice(0))
        flags.push(`--${name}=${joinRepeated(rest)}`);
      break;
    }
    if (!token.startsWith("-") || token === "-") {
      if (options.passesThrough) {
        const rest = argv.slice(at).map((word, index) => showWord(word, argv[at + index - 1]));
        const hint = `${options.command} -- ${rest.join(" ")}`;
        throw usageError(t`"${token}" must come after "--"`, hint);
      }
      positionals.push(token);
      continue;
    }
    const { flag, inlineValue, isNegated } = readFlag(token, options);
    const { name } = flag;
    if (seen.has(name) && !flag.isRepeatable) throw misuse(options, t`--${name} is given twice`);
    seen.add(name);
    if (flag.takesRest) {
      if (inlineValue !== undefined) throw noCommand(options, name);
      commands.push(name);
      continue;
    }
    if (flag.value === null) {
      if (inlineValue !== undefined) throw misuse(options, t`--${name} takes no value`);
      flags.push(isNegated ? `--no-${name}` : `--${name}`);
      continue;
    }
    const value = inlineValue ?? argv[++at];
    if (value === undefined || (inlineValue === undefined && value.startsWith("--"))) {
      throw leftOut(options, t`--${name} needs a value`, name);
    }
    if (value.trim() === "") throw misuse(options, t`the value of --${name} is empty`);
    checkChoice(flag, value, options);
    if (flag.isRepeatable) repeated.getOrInsertComputed(name, () => []).push(value);
    else flags.push(`--${name}=${value}`);
  }
  for (const [name, values] of repeated) flags.push(`--${name}=${joinRepeated(values)}`);
  const [waiting] = commands;
  if (waiting !== undefined) throw noCommand(options, waiting);
  if (!options.passesThrough) checkPositionals(positionals, argv, options);
  return [...flags, "--", ...positionals];
}

/** The flag that is meant; `inlineValue` is what comes after "=". */
function readFlag(token: string, options: StrictOptions) {
  const [, dashes = "", word = "", inlineValue] = /^(--?)([^=]*)(?:=(.*))?$/s.exec(token) ?? [];
  const flags = listFlags(options.args);
  for (const flag of flags) {
    if ((dashes === "--" && word === flag.name) || flag.aliases.includes(word))
      return { flag, isNegated: false, inlineValue };
    if (flag.isOnByDefault && token.startsWith("--") && word === `no-${flag.name}`)
      return { flag, isNegated: true, inlineValue };
  }
  const names = flags.flatMap(({ isOnByDefault, name }) => (isOnByDefault ? [name, `no-${name}`] : [name]));
  const known = [...names, ...(options.otherFlags ?? [])];
  const meant = suggestFlags(word, known);
  const near = (meant.length > 0 ? meant : similarNames(word, known)).map((name) => `--${name}`);
  throw misuse(options, t`unknown flag ${dashes}${word}`, near);
}

function checkChoice({ name, value: accepted }: Flag, value: string, options: StrictOptions): void {
  const choices = accepted?.choices;
  if (choices === undefined || choices.includes(value)) return;
  const near = similarNames(value, choices);
  const all = tellList(choices);
  throw misuse(options, t`--${name} takes ${all}, not "${value}"`, near);
}

function checkPositionals(given: readonly string[], argv: readonly string[], options: StrictOptions): void {
  const declared = listPositionals(options.args);
  const extra = declared.at(-1)?.takesMany === true ? undefined : given[declared.length];
  if (extra !== undefined) throw unexpected(extra, argv, options);
  for (const [place, { isRequired, shown }] of declared.entries()) {
    const value = given[place];
    if (value === undefined && isRequired) throw leftOut(options, t`${shown} is missing`);
    if (value?.trim() === "") throw misuse(options, t`${shown} is empty`);
  }
}

/** Where its form shows what it is, the hint is the whole line with its flag. */
function unexpected(extra: string, argv: readonly string[], options: StrictOptions): UserError {
  const meant = suggestArgument(extra, options.args);
  const message = t`unexpected argument "${extra}"`;
  if (meant === undefined) return misuse(options, message);
  const at = argv.lastIndexOf(extra);
  const rest = argv.map((word, index) => (index === at ? meant : showWord(word, argv[index - 1])));
  return usageError(message, [options.command, ...rest].join(" "));
}

const SECRET_FLAG = /^--(?:auth-token|api-key)$/;

/** As it can be typed again; a key that was typed is not repeated. */
function showWord(word: string, before: string | undefined): string {
  const [flag = "", ...value] = word.split("=");
  if (SECRET_FLAG.test(before ?? "")) return "...";
  if (SECRET_FLAG.test(flag) && value.length > 0) return `${flag}=...`;
  return /^[\w@%+=:,./#-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function noCommand(options: StrictOptions, name: string): UserError {
  return leftOut(options, t`--${name} needs "--" and the command after all other flags`, name);
}

/** With an example that has what is missing. */
function leftOut(options: StrictOptions, message: string, flag?: string): UserError {
  const { command, examples = [] } = options;
  const example = examples.find((line) => flag === undefined || line.includes(`--${flag} `));
  const hint = example === undefined ? `${command} --help` : t`for example: ${example}`;
  return usageError(message, hint);
}

function misuse(options: StrictOptions, message: string, near: readonly string[] = []): UserError {
  const names = near.join(t` or `);
  const words = near.length > 0 ? t`${message}; did you mean ${names}?` : message;
  return usageError(words, `${options.command} --help`);
}
