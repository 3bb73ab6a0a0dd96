// The completion script for PowerShell, 5.1 and later.
// Pure.
import powershellScript from "./powershell.txt" with { type: "text" };
import { kindWord } from "./posix.ts";
import { type Place, SERVICE_FLAGS, fillScript } from "./table.ts";

export function renderPowershell(places: readonly Place[]): string {
  // An entry is a name, a tab and what it is: the form in which `ch completion names` gives them too.
  const list = (entries: readonly { name: string; description: string }[]): string =>
    `@(${entries.map(({ name, description }) => quote(`${name}\t${description}`)).join(", ")})`;
  const offers = places.map(({ path, commands, flags, positionals }) => {
    const values = flags.flatMap(({ name, value }) =>
      value === null ? [] : [`${quote(name)} = ${quote(kindWord(value))}`],
    );
    return `    ${quote(path)} = @{
        Commands = ${list(commands)}
        Flags = ${list(flags)}
        Values = @{ ${values.join("; ")} }
        Arguments = @(${positionals.map((kind) => quote(kindWord(kind))).join(", ")})
    }`;
  });
  return fillScript(powershellScript, {
    places: offers.join("\n"),
    isService: SERVICE_FLAGS.map((flag) => `$word -eq '${flag}'`).join(" -or "),
  });
}

/** To PowerShell, typographic quotes are quotes too. */
function quote(text: string): string {
  return `'${text.replace(/['\u2018-\u201b]/g, "$&$&")}'`;
}
