// Finds the command that was meant in the table, then shows its help or reads its arguments strictly and runs it.
import type { CommandContext } from "citty";
import { useAccessLists } from "../base/access-list.ts";
import { type Env, readVariable } from "../base/env.ts";
import { EXIT, UserError } from "../base/errors.ts";
import { languageOf, t, tell, tellList, translate, useDictionary } from "./language.ts";
import { usageError } from "./args.ts";
import { decodeAny } from "../base/bytes.ts";
import { readStream } from "../base/files.ts";
import { similarNames } from "../base/similar-names.ts";
import { refuseUnsafeHome } from "../base/home.ts";
import { findUserHome, resolvePaths } from "../base/paths.ts";
import { type Cli, type Command, type CommandEntry, DEFAULT_COMMAND } from "./cli.ts";
import { suggestCommand } from "./suggest.ts";
import { type Data, createData } from "./output.ts";
import { COMMANDS } from "./root.ts";
import type { Terminal } from "./terminal.ts";

/** Runs one command line and returns its exit code. Throws whatever the command throws. */
export async function dispatch(argv: readonly string[], env: Env, terminal: Terminal): Promise<number> {
  await chooseLanguage(argv, env);
  const data = createData(terminal);
  // `ch help config add` is `ch config add --help`.
  const words = argv[0] === "help" ? [...argv.slice(1), "--help"] : argv;
  const [first] = words;
  const isNamed = first !== undefined && !first.startsWith("-");
  if (!isNamed && asksHelp(words)) {
    await showRootHelp(data);
    return EXIT.ok;
  }
  const name = isNamed ? first : DEFAULT_COMMAND;
  const entry = Object.entries<CommandEntry>(COMMANDS).find(([known]) => known === name)?.[1];
  if (entry === undefined) throw unknownCommand("ch", name, { subCommands: COMMANDS });
  const [{ command }, { createWords }] = await Promise.all([entry.load(), import("./words.ts")]);
  const found = findLeaf(command, `ch ${name}`, words.slice(isNamed ? 1 : 0));
  // Of `config set` the flag has a value, and what follows is for a person.
  if (found.command.args?.["json"]?.type === "string") await chooseLanguage([], env);
  if (asksHelp(found.rest)) {
    const { renderHelp } = await import("./help.ts");
    data.line(renderHelp(found.command, { ...data, line: found.line }));
    return EXIT.ok;
  }
  if (found.command.subCommands !== undefined) throw unknownCommand(found.line, found.rest[0], found.command);
  const paths = resolvePaths(env);
  refuseUnsafeHome(paths);
  const out = { ...data, ...createWords(terminal, env) };
  useAccessLists({
    root: readVariable(env, "SystemRoot"),
    profile: findUserHome(env),
    tell: (text) => out.warn(tell(text)),
  });
  const cli: Cli = {
    env,
    paths,
    out,
    get isInteractive() {
      return terminal.isInteractive;
    },
    readInput: async () => decodeAny(await readStream(Bun.stdin.stream(), t`standard input`)),
    now: Date.now,
    writeBehind: terminal.writeBehind,
    commands: COMMANDS,
  };
  return await runLeaf(found, cli, isNamed ? [] : ["version"]);
}

/** What a program reads (--json) is English everywhere. The Chinese texts are loaded only where they are shown. */
async function chooseLanguage(argv: readonly string[], env: Env): Promise<void> {
  const isEnglish = languageOf(env) === "en" || ownWords(argv).includes("--json");
  useDictionary(isEnglish ? null : (await import("./zh.json")).default);
}

async function showRootHelp(data: Data): Promise<void> {
  const { renderRootHelp } = await import("./help.ts");
  const all = Object.entries<CommandEntry>(COMMANDS);
  const daily = all.filter(([, { isDaily }]) => isDaily === true);
  const others = all.filter(([, { isDaily }]) => isDaily !== true);
  const commands = {
    daily: daily.map(([name, { summary }]) => [name, translate(summary)] as const),
    others: others.map(([name]) => name),
  };
  data.line(renderRootHelp(commands, data));
}

function asksHelp(words: readonly string[]): boolean {
  return ownWords(words).some((word) => word === "--help" || word === "-h");
}

/** What follows `--` is another program's. */
function ownWords(words: readonly string[]): readonly string[] {
  const end = words.indexOf("--");
  return end < 0 ? words : words.slice(0, end);
}

interface Found {
  readonly command: Command;
  /** "ch config add". */
  readonly line: string;
  readonly rest: readonly string[];
}

function findLeaf(command: Command, line: string, rest: readonly string[]): Found {
  const { subCommands } = command;
  if (subCommands === undefined) return { command, line, rest };
  const [next] = rest;
  const isNamed = next !== undefined && !next.startsWith("-");
  const chosen = isNamed ? next : command.default;
  const isHelpOfGroup = !isNamed && asksHelp(rest);
  if (isHelpOfGroup || chosen === undefined || !Object.hasOwn(subCommands, chosen))
    return { command, line, rest };
  const sub = subCommands[chosen];
  if (sub === undefined) return { command, line, rest };
  return findLeaf(sub, `${line} ${chosen}`, rest.slice(isNamed ? 1 : 0));
}

/** Only ever a leaf: citty would run a parent's `run` after its child's. */
async function runLeaf(
  { command: { args = {}, ...command }, line, rest }: Found,
  cli: Cli,
  otherFlags: readonly string[],
): Promise<number> {
  const [{ runCommand }, { normaliseArgs }] = await Promise.all([
    import("citty"),
    import("./strict-args.ts"),
  ]);
  const rawArgs = normaliseArgs(rest, {
    command: line,
    args,
    passesThrough: command.passesThrough === true,
    examples: (command.examples ?? []).map(([example]) => example).filter((one) => one.startsWith(line)),
    otherFlags: [...otherFlags, "help"],
  });
  const leaf = { args, run: (context: CommandContext) => command.run?.(context.args, cli) };
  const { result } = await runCommand(leaf, { rawArgs });
  return typeof result === "number" ? result : EXIT.ok;
}

function unknownCommand(
  line: string,
  name: string | undefined,
  { examples = [], subCommands = {} }: Pick<Command, "examples"> & { readonly subCommands?: object },
): UserError {
  const names = Object.keys(subCommands);
  if (name === undefined || name.startsWith("-")) {
    const all = tellList(names);
    const hint = [...examples.map(([example]) => example), `${line} --help`].join("\n");
    return usageError(t`${line} needs a command: ${all}`, hint);
  }
  const known = suggestCommand(line, name);
  const near = known === undefined ? similarNames(name, names).map((one) => `${line} ${one}`) : [known];
  const meant = near.map((one) => t`"${one}"`).join(t` or `);
  const message =
    near.length > 0 ? t`unknown command "${name}"; did you mean ${meant}?` : t`unknown command "${name}"`;
  return usageError(message, near[0] ?? `${line} --help`);
}
