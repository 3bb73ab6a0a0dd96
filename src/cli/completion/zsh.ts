// The completion script for zsh.
// Pure.
import { quote, renderPositionals, renderValues, renderWalk } from "./posix.ts";
import { PROGRAMS, type Place } from "./table.ts";

export function renderZsh(places: readonly Place[]): string {
  const indent = (lines: readonly string[], by: string): string =>
    lines.map((line) => `${by}${line}`).join("\n");
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
