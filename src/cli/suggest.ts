// Suggests what was meant by another program's word for something, a value in the wrong place, or a typing error.
// Pure.
import type { ArgsDef } from "citty";
import { SERVICES, SERVICE_FACTS, mapServices } from "../base/service.ts";
import { listFlags } from "./flags.ts";
import words from "./suggest-words.json" with { type: "json" };

/**
 * The line to type -> other programs' words for it, by the command that they are typed after. Typing errors are not among
 * them: `similarNames` finds what they are near to.
 */
const COMMAND_WORDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ...words.commands,
  ch: {
    ...words.commands.ch,
    ...Object.fromEntries(
      SERVICES.map((service) => [`ch run -- ${SERVICE_FACTS[service].command}`, service]),
    ),
  },
};

/** The line that was meant by a word that is no command there; undefined for an unknown word. */
export function suggestCommand(line: string, word: string): string | undefined {
  return findMeant(COMMAND_WORDS[line] ?? {}, word.toLowerCase())[0];
}

/** Our flags -> other programs' names for them. */
const FLAG_WORDS: Readonly<Record<string, string>> = { ...words.flags, ...mapServices(() => "service") };

/** The flags that were meant by one that is unknown; only such as `known` has. */
export function suggestFlags(word: string, known: readonly string[]): string[] {
  return findMeant(FLAG_WORDS, word).filter((name) => known.includes(name));
}

/** What has the word among those it is known by. */
function findMeant(known: Readonly<Record<string, string>>, word: string): string[] {
  return Object.keys(known).filter((meant) => known[meant]?.split(" ").includes(word) === true);
}

/** The flag and value that were meant by a value alone, where its form shows which: "4000", "https://...", "json". */
export function suggestArgument(value: string, args: ArgsDef): string | undefined {
  const flags = listFlags(args);
  if (flags.some((flag) => flag.name === value && flag.value === null)) return `--${value}`;
  const choice = flags.find((flag) => flag.value?.choices?.includes(value) === true);
  if (choice !== undefined) return `--${choice.name} ${value}`;
  const guesses: readonly (readonly [looks: RegExp, names: readonly string[]])[] = [
    [/^\d+$/, ["port", "to", "limit"]],
    [/^https?:/, ["base-url"]],
    [/^(?:today|yesterday|\d+[mhdw]|\d{4}-\d\d-\d\d.*)$/, ["since", "until"]],
    [/^[a-z]+-[\w.-]*\d[\w.-]*$/i, ["model"]],
  ];
  const name = guesses
    .filter(([looks]) => looks.test(value))
    .flatMap(([, names]) => names)
    .find((one) => flags.some((flag) => flag.name === one));
  return name === undefined ? undefined : `--${name} ${value}`;
}
