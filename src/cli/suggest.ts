// Suggests what was meant by another program's word for something, a value in the wrong place, or a typing error.
// Pure.
import type { ArgsDef } from "citty";
import { SERVICES, mapServices } from "../base/service.ts";
import { listFlags } from "./flags.ts";

/** What was typed -> the line to type. Typing errors are not here: `similarNames` finds what they are near to. */
const COMMAND_WORDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ch: {
    start: "ch serve",
    up: "ch serve",
    proxy: "ch serve",
    server: "ch serve",
    daemon: "ch serve",
    stop: "ch switch off",
    on: "ch switch on",
    off: "ch switch off",
    enable: "ch switch on",
    disable: "ch switch off",
    ...mapServices(({ command }) => `ch run -- ${command}`),
    version: "ch --version",
    init: "ch config import --from codex",
    import: "ch config import --from codex",
    login: "ch config add main --base-url URL --auth-token-stdin",
    add: "ch config add main --base-url URL --auth-token-env NAME",
    new: "ch config add main --base-url URL --auth-token-env NAME",
    list: "ch config list",
    ls: "ch config list",
    show: "ch config show",
    use: "ch config set-active NAME",
    select: "ch config set-active NAME",
    remove: "ch config remove NAME",
    rm: "ch config remove NAME",
    delete: "ch config remove NAME",
    edit: "ch config edit",
    explain: "ch routing explain",
    reset: "ch routing reset --all",
    logs: "ch usage tail",
    log: "ch usage tail",
    tail: "ch usage tail",
    stats: "ch usage summary",
    cost: "ch usage summary",
    balance: "ch quota",
    check: "ch doctor",
    fix: "ch doctor --fix",
    test: "ch doctor --probe",
    probe: "ch doctor --probe",
    ping: "ch doctor --probe",
    sessions: "ch session list",
    history: "ch session list",
    resume: "ch session last",
    redact: "ch filter test",
  },
  "ch config": {
    ls: "ch config list",
    use: "ch config set-active NAME",
    select: "ch config set-active NAME",
    switch: "ch config set-active NAME",
    activate: "ch config set-active NAME",
    default: "ch config set-active NAME",
    new: "ch config add main --base-url URL --auth-token-env NAME",
    create: "ch config add main --base-url URL --auth-token-env NAME",
    set: "ch config edit",
    get: "ch config show",
    rm: "ch config remove NAME",
    delete: "ch config remove NAME",
    mv: "ch config rename NAME TO",
    order: "ch config move NAME#2 --to 1",
    check: "ch doctor",
    test: "ch doctor --probe",
  },
  "ch switch": { toggle: "ch switch status", enable: "ch switch on", disable: "ch switch off" },
  "ch routing": { show: "ch routing explain", list: "ch routing explain", clear: "ch routing reset --all" },
  "ch usage": {
    today: "ch usage summary --since today",
    log: "ch usage tail",
    logs: "ch usage tail",
    list: "ch usage tail",
    cost: "ch usage summary",
    total: "ch usage summary",
  },
  "ch filter": { validate: "ch filter check", run: "ch filter test", show: "ch filter check" },
  "ch session": { ls: "ch session list", resume: "ch session last", find: "ch session search WORD" },
  "ch quota": { show: "ch quota list", update: "ch quota refresh" },
};

/** The line that was meant by a word that is no command there; undefined for an unknown word. */
export function suggestCommand(line: string, word: string): string | undefined {
  const words = COMMAND_WORDS[line] ?? {};
  const lower = word.toLowerCase();
  return Object.hasOwn(words, lower) ? words[lower] : undefined;
}

/** Other programs' names for flags, for those commands that have ours. */
const FLAG_WORDS: Readonly<Record<string, readonly string[]>> = {
  url: ["base-url"],
  endpoint: ["base-url"],
  host: ["base-url"],
  key: ["auth-token-env", "api-key-env"],
  token: ["auth-token-env"],
  "api-token": ["auth-token-env"],
  p: ["port"],
  n: ["limit", "name"],
  count: ["limit"],
  last: ["limit"],
  m: ["model"],
  y: ["yes"],
  force: ["yes"],
  f: ["force", "follow"],
  watch: ["follow"],
  o: ["json"],
  output: ["json"],
  format: ["json"],
  repair: ["fix"],
  v: ["version", "all"],
  V: ["version"],
  verbose: ["all"],
  group: ["by"],
  from: ["since"],
  to: ["until"],
  service: SERVICES,
};

/** The flags that were meant by one that is unknown; only such as `known` has. */
export function suggestFlags(word: string, known: readonly string[]): string[] {
  const meant = Object.hasOwn(FLAG_WORDS, word) ? (FLAG_WORDS[word] ?? []) : [];
  return meant.filter((name) => known.includes(name));
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

/** Names within two typing errors of the word, or that begin with it; the nearest first, at most three. */
export function similarNames(word: string, names: Iterable<string>): string[] {
  const wanted = word.toLowerCase();
  return [...names]
    .map((name) => ({ name, distance: distanceTo(wanted, name.toLowerCase()) }))
    .filter(({ distance }) => distance <= Math.max(1, Math.min(2, Math.floor(wanted.length / 2))))
    .toSorted((a, b) => a.distance - b.distance || a.name.localeCompare(b.name))
    .slice(0, 3)
    .map(({ name }) => name);
}

function distanceTo(word: string, name: string): number {
  return word.length >= 2 && name.startsWith(word) ? 1 : editDistance(word, name);
}

/** Damerau-Levenshtein (optimal string alignment): a swap of neighbours counts as one error. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, change);
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] && i > 1 && j > 1)
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row.push(best);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}
