// Finds the words of a Chinese screen that are not Chinese: what is left once names, codes, and what is typed are gone.
import { EVENT_KINDS } from "../../src/config/notify.ts";
import { PACK_NAMES } from "../../src/filter/packs.ts";
import { COMMANDS } from "../../src/cli/root.ts";
import { listFlags, listPositionals } from "../../src/cli/flags.ts";
import { RULES } from "../../src/routing/classify-rules.ts";
import { loadCommandPlaces } from "./command-table.ts";

/** Names of products, protocols, formats and units, which Chinese texts of this field keep. */
const NAMES =
  "Codex Claude Code opencode qwen copilot CLI ChatGPT OpenAI Anthropic Bearer PowerShell Markdown Base64 Bedrock Ctrl C compinit x-api-key " +
  "HTTP http https DNS TCP TLS JSON TOML UTF API SOCKS URL ID NUL PATH Enter HTML CSV MCP retry-after " +
  "git Syncthing iCloud WebDAV provider shell bash zsh fish powershell pid token starship tmux USD ms k M B KB MB MiB codex claude ch codex-helper cc-switch claude-code-router cli_proxy";
/** Keys of the user's files that are one word, and words that the command line takes as a time. */
const KEYS =
  "notify op remove replace source target input output targets sessions today tomorrow last-week all model month project";
/** Other programs' lines to type, as hints name them. */
const TYPED =
  /npm install -g \S+|(?:codex|claude) (?:resume|login)(?: \S+)?|nslookup \S+|curl -v \S+|source <\(|cd \S+ && (?:rm )?|(?:export|unset) \S+/g;

export interface WordFinder {
  /** The ASCII words of a screen. `own` are the names that its fixture made up. */
  readonly list: (screen: string, own?: readonly string[]) => string[];
}

export async function makeWordFinder(): Promise<WordFinder> {
  const places = await loadCommandPlaces();
  const commands = [...new Set(places.flatMap(({ line }) => line.split(" ").slice(1)))];
  const flags = places.flatMap(({ command: { args = {} } }) => listFlags(args));
  const values = flags.flatMap(({ value }) => (value === null ? [] : [value.hint, ...(value.choices ?? [])]));
  const shown = places.flatMap(({ command: { args = {} } }) => listPositionals(args).map((one) => one.shown));
  const names = new Set([
    ...NAMES.split(" "),
    ...KEYS.split(" "),
    ...RULES.map(({ id }) => id),
    ...EVENT_KINDS,
    ...PACK_NAMES,
    ...[...values, ...shown].filter((word) => /^[A-Z]+$/.test(word)),
  ]);
  const examples = places
    .flatMap(({ command }) => (command.examples ?? []).map(([example]) => example))
    // A group alone may be the beginning of one of its commands.
    .filter((example) => example.split(" ").length > 2)
    .toSorted((one, other) => other.length - one.length);
  // Longest first: "set-active" before "set".
  const oneOf = (words: readonly string[]): string =>
    words
      .toSorted((one, other) => other.length - one.length)
      .map((word) => RegExp.escape(word))
      .join("|");
  const patterns = [
    // A command to type with its flags; the names of commands and choices in a list of them.
    new RegExp(`\\b(?:ch|${oneOf(Object.keys(COMMANDS))})(?: (?:${oneOf(commands)})(?![\\w-]))+`, "g"),
    new RegExp(`\\bch (?:${oneOf(commands)})(?![\\w-])`, "g"),
    new RegExp(`(?<=[：、] ?|^ {2,})(?:${oneOf([...commands, ...values])})(?=[、，（）]|\\s|$)`, "gm"),
    /(?<![\w-])--?[a-z][a-z-]*(?:[ =][\w:.-]+)?/g,
    // Addresses, paths, hosts, labels, ids and keys: what has a separator, or both letters and digits.
    /\w+:\/\/[^\s，：；（）“”]*|[\w~$.[\]-]*[/._#=][\w./#=<>[\]*:-]*/g,
    /\b(?=[a-z-]*\d)[a-z][\w-]*|\b[\w-]*\d[\w-]*/gi,
    // Codes of errors, and names of variables and placeholders in the command line.
    /\b[A-Z][A-Z_]{3,}\b/g,
    // Variables of a shell, and a word that was cut at the edge of a column.
    /\$\w+|[\w-]+…/g,
    // What was typed, and values of files.
    /\{[a-z]+\}|“[^”]*”|"[^"\n]*"|`[^`\n]*`/g,
  ];
  return {
    list(screen, own = []) {
      // Before the examples: one of these may be the beginning of such a line.
      const typed = screen.replace(TYPED, " · ");
      const without = examples.reduce((text, example) => text.replaceAll(example, " · "), typed);
      const rest = patterns.reduce((text, pattern) => text.replace(pattern, " · "), without);
      return [...new Set([...rest.matchAll(/[A-Za-z][A-Za-z'-]*/g)].map(([word]) => word))].filter(
        (word) => !names.has(word) && !own.includes(word),
      );
    },
  };
}
