// The completion scripts for bash, 3.2 and later, and for zsh, around one walk over the words that were typed. A typed word
// is only ever compared, never evaluated.
// Pure.
import bashScript from "./bash.txt" with { type: "text" };
import zshScript from "./zsh.txt" with { type: "text" };
import { type Kind, PROGRAMS, type Place, SERVICE_FLAGS, fillScript, listSteps } from "./table.ts";

export function renderBash(places: readonly Place[]): string {
  const offers = places.flatMap(({ path, commands, flags }) => [
    `${quote(path)})`,
    `  flags=(${flags.map(({ name }) => quote(name)).join(" ")})`,
    ...(commands.length === 0 ? [] : [`  commands=(${commands.map(({ name }) => quote(name)).join(" ")})`]),
    `  ;;`,
  ]);
  return fill(bashScript, places, offers);
}

export function renderZsh(places: readonly Place[]): string {
  // A colon ends the name.
  const entry = ({ name, description }: { name: string; description: string }): string =>
    quote(`${name}:${description}`);
  const offers = places.flatMap(({ path, commands, flags }) => [
    `${quote(path)})`,
    `  flags=(`,
    ...flags.map((flag) => `    ${entry(flag)}`),
    `  )`,
    ...(commands.length === 0
      ? []
      : [`  commands=(`, ...commands.map((command) => `    ${entry(command)}`), `  )`]),
    `  ;;`,
  ]);
  return fill(zshScript, places, offers);
}

/** `offers` are the lines of the case that sets what can be typed at each place. */
function fill(script: string, places: readonly Place[], offers: readonly string[]): string {
  return fillScript(script, {
    values: renderValues(places).join("\n"),
    walk: indent(renderWalk(places), "    "),
    programs: PROGRAMS.join(" "),
    offers: indent(offers, "    "),
    positionals: indent(renderPositionals(places), "  "),
  });
}

/** In single quotes, as both shells read them. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** How a kind is written in a script: its name, or "=" and its words. */
export function kindWord(kind: Kind): string {
  return typeof kind === "string" ? kind : `=${kind.join(" ")}`;
}

/**
 * The body of a loop over each word before the one that is completed. Reads `word`; sets `place` (the command), `want`
 * (what the next word is the value of), `count` (arguments so far), `service` and `rest` (behind `--`).
 */
function renderWalk(places: readonly Place[]): string[] {
  return [
    `if [[ -n $rest ]]; then continue; fi`,
    `if [[ $word == '=' ]]; then continue; fi`,
    `if [[ -n $want ]]; then want=; continue; fi`,
    `case "$place/$word" in`,
    ...listSteps(places).map(({ at, place }) => `  ${quote(at)}) place=${quote(place)}; continue ;;`),
    `esac`,
    `case $word in`,
    `  --) rest=1 ;;`,
    `  ${SERVICE_FLAGS.join(" | ")}) service=$word ;;`,
    `  --*=*) ;;`,
    `  -*) __ch_value "$place/$word" ;;`,
    `  *) count=$((count + 1)) ;;`,
    `esac`,
  ];
}

/** A function that sets `want` to what the value of a flag is. */
function renderValues(places: readonly Place[]): string[] {
  const byKind = new Map<string, string[]>();
  for (const { path, flags } of places) {
    for (const { name, value } of flags) {
      if (value === null) continue;
      const kind = kindWord(value);
      byKind.set(kind, [...(byKind.get(kind) ?? []), quote(`${path}/${name}`)]);
    }
  }
  return [
    `__ch_value() {`,
    `  case $1 in`,
    ...[...byKind].map(([kind, at]) => `    ${at.join(" | ")}) want=${quote(kind)} ;;`),
    `    *) want= ;;`,
    `  esac`,
    `}`,
  ];
}

/** The case that sets `want` to what the next argument of a command is. */
function renderPositionals(places: readonly Place[]): string[] {
  return [
    `case "$place/$count" in`,
    ...places.flatMap(({ path, positionals }) =>
      positionals
        .map((kind, index) => `  ${quote(`${path}/${index}`)}) want=${quote(kindWord(kind))} ;;`)
        .filter((_, index) => positionals[index] !== "none"),
    ),
    `esac`,
  ];
}

function indent(lines: readonly string[], by: string): string {
  return lines.map((line) => `${by}${line}`).join("\n");
}
