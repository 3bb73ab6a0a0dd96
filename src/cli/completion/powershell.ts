// The completion script for PowerShell, 5.1 and later.
// Pure.
import { kindWord } from "./posix.ts";
import type { Place } from "./table.ts";

export function renderPowershell(places: readonly Place[]): string {
  const offers = places.map(({ path, commands, flags, positionals }) => {
    const list = (entries: readonly { name: string; description: string }[]): string =>
      `@(${entries.map(({ name, description }) => `@(${quote(name)}, ${quote(description)})`).join(", ")})`;
    const values = flags
      .filter(({ value }) => value !== null)
      .map(({ name, value }) => `${quote(name)} = ${quote(kindWord(value ?? "none"))}`);
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
    $words = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition -or $typed -eq '' } |
        Select-Object -Skip 1 | ForEach-Object { $_.Extent.Text })
    foreach ($word in $words) {
        if ($want -ne '') { $want = ''; continue }
        $next = "$place $word".Trim()
        if ($script:ChPlaces.ContainsKey($next)) { $place = $next; continue }
        if ($word -eq '--codex' -or $word -eq '--claude') { $service = @($word) }
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
            $offers += @(& ch completion names $want @service 2>$null | ForEach-Object { , ($_ -split "\`t", 2) })
        } elseif ($want.StartsWith('=')) {
            $offers += @($want.Substring(1) -split ' ' | ForEach-Object { , @($_, $_) })
        } elseif ($want -eq 'files' -or $want -eq 'directories') { return }
    }
    $offers | Where-Object { $_[0] -and $_[0].StartsWith($typed.Trim("'", '"')) } | ForEach-Object {
        $name = $_[0]
        $text = if ($name -match '^[\\w./-]+$') { $name } else { "'" + $name.Replace("'", "''") + "'" }
        $about = if ($_[1]) { $_[1] } else { $name }
        [System.Management.Automation.CompletionResult]::new($text, $name, 'ParameterValue', $about)
    }
}
`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
