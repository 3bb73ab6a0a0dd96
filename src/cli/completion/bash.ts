// The completion script for bash, 3.2 and later.
// Pure.
import { quote, renderPositionals, renderValues, renderWalk } from "./posix.ts";
import { PROGRAMS, type Place } from "./table.ts";

export function renderBash(places: readonly Place[]): string {
  const indent = (lines: readonly string[], by: string): string =>
    lines.map((line) => `${by}${line}`).join("\n");
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
