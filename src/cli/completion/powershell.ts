// The completion script for PowerShell, 5.1 and later.
// Pure.
import { kindWord } from "./posix.ts";
import { type Place, SERVICE_FLAGS } from "./table.ts";

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
  return `# Completion of ch for PowerShell. To load it: ch completion powershell | Out-String | Invoke-Expression
$script:ChPlaces = @{
${offers.join("\n")}
}

Register-ArgumentCompleter -Native -CommandName ch, codex-helper -ScriptBlock {
    param($typed, $commandAst, $cursorPosition)
    $place = ''
    $want = ''
    $count = 0
    $service = @()
    # The words as they were typed: they are compared, and never evaluated.
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.Extent.Text })
    foreach ($word in $words) {
        if ($want -ne '') { $want = ''; continue }
        $next = "$place $word".Trim()
        if ($script:ChPlaces.ContainsKey($next)) { $place = $next; continue }
        if (${SERVICE_FLAGS.map((flag) => `$word -eq '${flag}'`).join(" -or ")}) { $service = @($word) }
        if ($word.StartsWith('-')) { $want = [string]$script:ChPlaces[$place].Values[$word]; continue }
        $count++
    }
    $here = $script:ChPlaces[$place]
    $offers = @()
    if ($want -eq '' -and $typed.StartsWith('-')) { $offers = $here.Flags }
    else {
        if ($want -eq '') {
            $offers = $here.Commands
            if ($count -lt $here.Arguments.Count) { $want = $here.Arguments[$count] }
        }
        if ($want -eq 'targets' -or $want -eq 'sessions') {
            $offers += @(& ch completion names $want @service 2>$null)
        } elseif ($want.StartsWith('=')) {
            $offers += $want.Substring(1) -split ' '
        } elseif ($want -eq 'files' -or $want -eq 'directories') { return }
    }
    $start = $typed.Trim("'", '"')
    foreach ($offer in $offers) {
        $name, $about = $offer -split "\`t", 2
        if (-not $name -or -not $name.StartsWith($start)) { continue }
        if (-not $about) { $about = $name }
        $text = if ($name -match '^[\\w./-]+$') { $name } else { "'" + $name.Replace("'", "''") + "'" }
        [System.Management.Automation.CompletionResult]::new($text, $name, 'ParameterValue', $about)
    }
}
`;
}

/** To PowerShell, typographic quotes are quotes too. */
function quote(text: string): string {
  return `'${text.replace(/['\u2018-\u201b]/g, "$&$&")}'`;
}
