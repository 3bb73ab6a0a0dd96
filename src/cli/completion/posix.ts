// The completion scripts for bash, 3.2 and later, and for zsh, around one walk over the words that were typed. A typed word
// is only ever compared, never evaluated.
// Pure.
import { type Kind, PROGRAMS, type Place, SERVICE_FLAGS } from "./table.ts";

export function renderBash(places: readonly Place[]): string {
  const offers = places.flatMap(({ path, commands, flags }) => [
    `${quote(path)})`,
    `  flags=(${flags.map(({ name }) => quote(name)).join(" ")})`,
    ...(commands.length === 0 ? [] : [`  commands=(${commands.map(({ name }) => quote(name)).join(" ")})`]),
    `  ;;`,
  ]);
  return `# Completion of ch for bash. To load it: source <(ch completion bash)

# Offers each value that goes on from what was typed, in the quotes it needs.
__ch_offer() {
  local value quoted typed=$cur
  if [[ $cur == [\\"\\']* ]]; then typed=\${cur:1}; fi
  for value; do
    if [[ $cur == [\\"\\']* ]]; then quoted=$value; else printf -v quoted %q "$value"; fi
    if [[ $value == "$typed"* || $quoted == "$typed"* ]]; then COMPREPLY[\${#COMPREPLY[@]}]=$quoted; fi
  done
}

__ch_offer_kind() {
  local value names
  case $1 in
    files) compopt -o default 2>/dev/null ;;
    directories) compopt -o dirnames 2>/dev/null ;;
    targets | sessions)
      while IFS=$'\\t' read -r value names; do __ch_offer "$value"; done < <(
        command ch completion names "$1" $service 2>/dev/null </dev/null
      )
      ;;
    '='*)
      names=\${1#=}
      for value in $names; do __ch_offer "$value"; done
      ;;
  esac
}

${renderValues(places).join("\n")}

__ch() {
  local cur=\${COMP_WORDS[COMP_CWORD]} place= want= count=0 service= rest= word i
  local -a commands=() flags=()
  COMPREPLY=()
  if [[ $cur == '=' ]]; then cur=; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
${indent(renderWalk(places), "    ")}
  done
  if [[ -n $rest ]]; then
    __ch_offer ${PROGRAMS.join(" ")}
    return
  fi
  if [[ -n $want ]]; then
    __ch_offer_kind "$want"
    return
  fi
  case $place in
${indent(offers, "    ")}
  esac
  if [[ $cur == -* ]]; then
    __ch_offer "\${flags[@]}"
    return
  fi
  if [[ \${#commands[@]} -gt 0 ]]; then __ch_offer "\${commands[@]}"; fi
${indent(renderPositionals(places), "  ")}
  __ch_offer_kind "$want"
}

complete -F __ch ch codex-helper
`;
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
  return `#compdef ch codex-helper
# Completion of ch for zsh. To load it, after compinit: source <(ch completion zsh)

__ch_offer_kind() {
  local value what
  local -a names abouts shown
  integer i widest=0
  case $1 in
    # _files would evaluate a substitution in what was typed.
    files) if [[ $PREFIX$SUFFIX != *[\\$\\\`]* ]]; then _files; fi ;;
    directories) if [[ $PREFIX$SUFFIX != *[\\$\\\`]* ]]; then _files -/; fi ;;
    targets | sessions)
      while IFS=$'\\t' read -r value what; do
        names+=("$value")
        abouts+=("$what")
        if (( \${(m)#value} > widest )); then widest=\${(m)#value}; fi
      done < <(command ch completion names "$1" \${service:+"$service"} 2>/dev/null </dev/null)
      for ((i = 1; i <= $#names; i++)); do shown+=("\${(mr:widest:)names[i]}  $abouts[i]"); done
      compadd -l -d shown -a names
      ;;
    '='*)
      names=(\${=1#=})
      compadd -a names
      ;;
  esac
}

${renderValues(places).join("\n")}

__ch() {
  local place= want= service= rest= word
  integer count=0 i
  local -a commands flags
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
${indent(renderWalk(places), "    ")}
  done
  if [[ -n $rest ]]; then
    compadd ${PROGRAMS.join(" ")}
    return
  fi
  if [[ -z $want && $PREFIX == --*=* ]]; then
    __ch_value "$place/\${PREFIX%%=*}"
    compset -P '*='
  fi
  if [[ -n $want ]]; then
    __ch_offer_kind "$want"
    return
  fi
  case $place in
${indent(offers, "    ")}
  esac
  if [[ $PREFIX == -* ]]; then
    _describe -o flag flags
    return
  fi
  if (( $#commands )); then _describe command commands; fi
${indent(renderPositionals(places), "  ")}
  __ch_offer_kind "$want"
}

# Put into a directory of $fpath as _ch, the file itself is the function.
if [[ \${zsh_eval_context[-1]} == loadautofunc ]]; then
  __ch "$@"
else
  compdef __ch ch codex-helper
fi
`;
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
  const commands = places.flatMap(({ path, commands: subs }) =>
    subs.map(({ name }) => ({ at: `${path}/${name}`, place: `${path} ${name}`.trim() })),
  );
  return [
    `if [[ -n $rest ]]; then continue; fi`,
    `if [[ $word == '=' ]]; then continue; fi`,
    `if [[ -n $want ]]; then want=; continue; fi`,
    `case "$place/$word" in`,
    ...commands.map(({ at, place }) => `  ${quote(at)}) place=${quote(place)}; continue ;;`),
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
