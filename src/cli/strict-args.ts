// Reads a command's arguments strictly, before citty sees them: citty takes unknown flags, extra arguments, flags
// without their value and repeats without a word. What passes is handed on in one plain form.
// Pure.
import type { ArgsDef } from "citty";
import { EXIT, UserError } from "../base/errors.ts";
import { nearNames } from "./near.ts";

export interface StrictOptions {
  /** "ch config add": for the hints. */
  readonly command: string;
  readonly args: ArgsDef;
  /** Everything after `--` is another program's. */
  readonly passesThrough: boolean;
}

/**
 * The arguments as `--name=value`, `--name`, `--no-name`, then `--` and the positional ones.
 * Throws UserError (exit code 2) with what to type instead.
 */
export function normaliseArgs(argv: readonly string[], options: StrictOptions): string[] {
  const flags: string[] = [];
  const positionals: string[] = [];
  const seen = new Set<string>();
  for (let at = 0; at < argv.length; at += 1) {
    const token = argv[at] ?? "";
    if (token === "--") {
      positionals.push(...argv.slice(at + 1));
      break;
    }
    if (!token.startsWith("-") || token === "-") {
      if (options.passesThrough) {
        const hint = `${options.command} -- ${argv.slice(at).join(" ")}`;
        throw new UserError(`"${token}" must come after "--"`, { hint, exitCode: EXIT.usage });
      }
      positionals.push(token);
      continue;
    }
    const flag = readFlag(token, options);
    if (seen.has(flag.name)) throw misuse(options, `--${flag.name} is given twice`);
    seen.add(flag.name);
    if (flag.type === "boolean") {
      if (flag.value !== undefined) throw misuse(options, `--${flag.name} takes no value`);
      flags.push(flag.isNegated ? `--no-${flag.name}` : `--${flag.name}`);
      continue;
    }
    const value = flag.value ?? argv[++at];
    if (value === undefined || (flag.value === undefined && value.startsWith("--"))) {
      throw misuse(options, `--${flag.name} needs a value`);
    }
    if (value.trim() === "") throw misuse(options, `the value of --${flag.name} is empty`);
    checkChoice(flag, value, options);
    flags.push(`--${flag.name}=${value}`);
  }
  if (!options.passesThrough) checkPositionals(positionals, options);
  return [...flags, "--", ...positionals];
}

interface Flag {
  readonly name: string;
  readonly type: "boolean" | "string";
  readonly isNegated: boolean;
  readonly value: string | undefined;
  /** The values that are taken; undefined for any. */
  readonly choices: readonly string[] | undefined;
}

function readFlag(token: string, options: StrictOptions): Flag {
  const [, dashes = "", word = "", value] = /^(--?)([^=]*)(?:=(.*))?$/s.exec(token) ?? [];
  for (const [name, definition] of Object.entries(options.args)) {
    if (definition.type === "positional" || definition.type === undefined) continue;
    const type = definition.type === "boolean" ? "boolean" : "string";
    const alias = "alias" in definition ? definition.alias : undefined;
    const isAlias = alias === word || (Array.isArray(alias) && alias.includes(word));
    const choices = definition.type === "enum" ? definition.options : undefined;
    if ((dashes === "--" && word === name) || isAlias)
      return { name, type, isNegated: false, value, choices };
    const canNegate = type === "boolean" && definition.default === true;
    if (canNegate && dashes === "--" && word === `no-${name}`)
      return { name, type, isNegated: true, value, choices };
  }
  const near = nearNames(word, flagNames(options.args)).map((name) => `--${name}`);
  throw misuse(options, `unknown flag ${dashes}${word}`, near);
}

function checkChoice({ name, choices }: Flag, value: string, options: StrictOptions): void {
  if (choices === undefined || choices.includes(value)) return;
  const near = nearNames(value, choices);
  throw misuse(options, `--${name} takes ${choices.join(", ")}, not "${value}"`, near);
}

function flagNames(args: ArgsDef): string[] {
  return Object.entries(args).flatMap(([name, definition]) => {
    if (definition.type === "positional") return [];
    return definition.type === "boolean" && definition.default === true ? [name, `no-${name}`] : [name];
  });
}

function checkPositionals(given: readonly string[], options: StrictOptions): void {
  const declared = Object.entries(options.args).filter(([, definition]) => definition.type === "positional");
  const extra = given[declared.length];
  if (extra !== undefined) throw misuse(options, `unexpected argument "${extra}"`);
  for (const [place, [name, definition]] of declared.entries()) {
    const value = given[place];
    if (value === undefined && definition.required !== false && definition.default === undefined) {
      throw misuse(options, `${name.toUpperCase()} is missing`);
    }
    if (value?.trim() === "") throw misuse(options, `${name.toUpperCase()} is empty`);
  }
}

function misuse(options: StrictOptions, message: string, near: readonly string[] = []): UserError {
  const meant = near.length > 0 ? `; did you mean ${near.join(" or ")}?` : "";
  return new UserError(`${message}${meant}`, { hint: `${options.command} --help`, exitCode: EXIT.usage });
}
