// The completion script for fish.
// Pure.
import fishScript from "./fish.txt" with { type: "text" };
import { type Kind, PROGRAMS, type Place, SERVICE_FLAGS, fillScript, listSteps } from "./table.ts";

export function renderFish(places: readonly Place[]): string {
  const valued = places.flatMap(({ path, flags }) =>
    flags.filter(({ value }) => value !== null).map(({ name }) => quote(`${path}/${name}`)),
  );
  return fillScript(fishScript, {
    commands: listSteps(places)
      .map(
        ({ at, place }) =>
          `            case ${quote(at)}\n                set place ${quote(place)}\n                continue`,
      )
      .join("\n"),
    valued: valued.join(" "),
    services: SERVICE_FLAGS.join(" "),
    programs: PROGRAMS.join(" "),
    places: places.flatMap(renderPlace).join("\n"),
  });
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
