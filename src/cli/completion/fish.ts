// The completion script for fish.
// Pure.
import { type Kind, PROGRAMS, type Place, SERVICE_FLAGS } from "./table.ts";

export function renderFish(places: readonly Place[]): string {
  const valued = places.flatMap(({ path, flags }) =>
    flags.filter(({ value }) => value !== null).map(({ name }) => quote(`${path}/${name}`)),
  );
  const commands = places.flatMap(({ path, commands: subs }) =>
    subs.map(({ name }) => ({ at: `${path}/${name}`, place: `${path} ${name}`.trim() })),
  );
  return `# Completion of ch for fish. To load it: ch completion fish | source
# To keep it: ch completion fish > ~/.config/fish/completions/ch.fish

# Where the words before the cursor lead: the command, and how many arguments it has so far. Words are only compared.
function __ch_place
    set -l place ''
    set -l count 0
    set -l isvalue 0
    for word in (commandline -opc)[2..-1]
        if test $isvalue = 1
            set isvalue 0
            continue
        end
        switch "$place/$word"
${commands.map(({ at, place }) => `            case ${quote(at)}\n                set place ${quote(place)}\n                continue`).join("\n")}
            case ${valued.join(" ")}
                set isvalue 1
                continue
        end
        switch $word
            case --
                echo rest
                return
            case '-*'
            case '*'
                set count (math $count + 1)
        end
    end
    echo "$place/$count"
end

# Is this the command, whatever its arguments?
function __ch_in
    string match -q -- "$argv[1]/*" (__ch_place)
end

# Is the next word this argument of this command?
function __ch_at
    test (__ch_place) = $argv[1]
end

function __ch_names
    set -l service
    for flag in ${SERVICE_FLAGS.join(" ")}
        if contains -- $flag (commandline -opc)
            set service $flag
        end
    end
    command ch completion names $argv[1] $service 2>/dev/null </dev/null
end

for program in ch codex-helper
    complete -c $program -f
    complete -c $program -n '__ch_at rest' -a '${PROGRAMS.join(" ")}'
${places.flatMap(renderPlace).join("\n")}
end
`;
}

function renderPlace({ path, commands, flags, positionals }: Place): string[] {
  const isHere = quote(`__ch_in ${quote(path)}`);
  return [
    ...commands.map(
      ({ name, description }) =>
        `    complete -c $program -n ${quote(`__ch_at ${quote(`${path}/0`)}`)} -a ${name} -d ${quote(description)}`,
    ),
    ...flags.map(
      ({ name, description, value }) =>
        `    complete -c $program -n ${isHere} -l ${name.slice(2)}${value === null ? "" : ` ${valueOf(value)}`} -d ${quote(description)}`,
    ),
    ...positionals.flatMap((kind, index) =>
      kind === "none"
        ? []
        : [
            `    complete -c $program -n ${quote(`__ch_at ${quote(`${path}/${index}`)}`)} ${valueOf(kind).replace(/^-[xr] /, kind === "files" ? "" : "-f ")}`,
          ],
    ),
  ];
}

function valueOf(kind: Kind): string {
  if (kind === "none") return "-x";
  if (kind === "files") return "-r -F";
  if (kind === "directories") return "-x -a '(__fish_complete_directories)'";
  if (typeof kind === "string") return `-x -a '(__ch_names ${kind})'`;
  return `-x -a ${quote(kind.join(" "))}`;
}

/** Fish knows two escapes within single quotes. */
function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
