<#
.SYNOPSIS
Installs codex-helper, and its short name ch, for the current user. Needs no administrator.
.DESCRIPTION
  .\install.ps1                      the release that lies beside this script, or else the newest one
  .\install.ps1 -From PLACE          a release in a directory, or at an https:// or http://127.0.0.1 address
  .\install.ps1 -Uninstall           puts Codex and Claude Code back, then removes both names
  .\install.ps1 -Uninstall -Purge    and your configs, keys and logs in ~\.codex-helper

  $env:CODEX_HELPER_VERSION = '1.2.3'       this release instead of the newest
  $env:CODEX_HELPER_INSTALL_DIR = 'DIR'     instead of %LOCALAPPDATA%\Programs\codex-helper
#>
[CmdletBinding()]
param(
    [string]$From = '',
    [switch]$Uninstall,
    [switch]$Purge
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
# Windows PowerShell draws a progress bar that makes downloads many times slower.
$ProgressPreference = 'SilentlyContinue'

# Where releases are, without a slash at the end, and which one this script is of. Written in when a release is made.
$Releases = ''
$OwnVersion = ''
# What a release has to be signed with: a name, an ECDSA P-256 key and a minisign key a line. Written by release/keys.ts.
$Keys = ''

function Get-Platform {
    # A 32-bit or emulated PowerShell sees its own architecture first, and the machine's in the second variable.
    $machine = "$env:PROCESSOR_ARCHITEW6432 $env:PROCESSOR_ARCHITECTURE"
    if ($machine -match 'ARM64') { return 'windows-arm64' }
    if ($machine -match 'AMD64') { return 'windows-x64' }
    throw "there is no release for this processor: $machine"
}

function Get-Place {
    $version = "$env:CODEX_HELPER_VERSION" -replace '^v', ''
    if ($version -notmatch '^[0-9A-Za-z.+-]*$') { throw "CODEX_HELPER_VERSION is not a version: $version" }
    if ($From -ne '') {
        # A name before the host can look like the host.
        if ($From -match '^http://.*@') { throw "not a place to install from: $From (an address with a user name)" }
        if ($From -match '^(https://|http://(127\.0\.0\.1|localhost|\[::1\])[:/])') { return $From.TrimEnd('/') }
        if ($From -match '^file:///') { return ([Uri]$From).LocalPath.TrimEnd('\') }
        if ($From -match '^[a-z]+://') { throw "not a place to install from: $From" }
        return $From.TrimEnd('\', '/')
    }
    # Empty for a script that came through a pipe.
    if ($PSScriptRoot -and (Test-Path -LiteralPath (Join-Path $PSScriptRoot 'SHA256SUMS'))) { return $PSScriptRoot }
    if ($Releases -eq '') { throw 'this script does not know where releases are: take the one of a release, or give -From PLACE' }
    if ($version -ne '') { return "$Releases/download/v$version" }
    return "$Releases/latest/download"
}

function Get-File([string]$Place, [string]$Name, [string]$Target) {
    if ($Place -match '^https?://') {
        [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
        Get-Web ([Uri]"$Place/$Name") $Target
    }
    else {
        Copy-Item -LiteralPath (Join-Path $Place $Name) -Destination $Target
    }
}

# Follows redirects itself: an https address may be redirected, but never to plain http, and one on this machine not at all.
function Get-Web([Uri]$Address, [string]$Target) {
    for ($hop = 0; $hop -lt 10; $hop++) {
        $request = [Net.WebRequest]::CreateHttp($Address)
        $request.AllowAutoRedirect = $false
        $request.UserAgent = 'install.ps1'
        if ($Address.Scheme -ne 'https') { $request.Proxy = $null }
        $response = $request.GetResponse()
        try {
            if ([int]$response.StatusCode -lt 300) {
                $file = [IO.File]::Create($Target)
                try { $response.GetResponseStream().CopyTo($file) } finally { $file.Close() }
                return
            }
            $next = New-Object Uri -ArgumentList $Address, $response.Headers['Location']
            if ($Address.Scheme -ne 'https' -or $next.Scheme -ne 'https') { throw "$Address leads to $next, which is not safe" }
            $Address = $next
        }
        finally {
            $response.Close()
        }
    }
    throw "$Address leads on and on"
}

# Throws unless the sums are signed with one of our keys. Windows PowerShell 5.1 has no reader for PEM, and knows a signature only
# as two numbers of 32 bytes each.
function Assert-Signature([string]$Sums, [string]$Signature) {
    $hash = [Security.Cryptography.SHA256]::Create().ComputeHash([IO.File]::ReadAllBytes($Sums))
    $numbers = ConvertFrom-Der ([IO.File]::ReadAllBytes($Signature))
    foreach ($line in @($Keys -split "`r?`n" | Where-Object { $_ -ne '' })) {
        if ($null -eq $numbers) { break }
        $public = [Convert]::FromBase64String(($line -split ' ')[1])
        if ($public.Length -ne 91) { throw "not an ECDSA P-256 key: $line" }
        # "ECS1", the length of a coordinate, and both coordinates: what lies before them in the key names the curve.
        [byte[]]$blob = 0x45, 0x43, 0x53, 0x31, 32, 0, 0, 0 + $public[27..90]
        $key = [Security.Cryptography.CngKey]::Import($blob, [Security.Cryptography.CngKeyBlobFormat]::EccPublicBlob)
        $verifier = New-Object Security.Cryptography.ECDsaCng -ArgumentList $key
        try {
            if ($verifier.VerifyHash([byte[]]$hash, [byte[]]$numbers)) { return }
        }
        finally {
            $verifier.Dispose()
            $key.Dispose()
        }
    }
    throw 'SHA256SUMS is not signed with a key of codex-helper; nothing was installed'
}

# The two numbers of a signature in DER, 32 bytes each; nothing if it is none.
function ConvertFrom-Der([byte[]]$Der) {
    if ($Der.Length -lt 8 -or $Der.Length -gt 72 -or $Der[0] -ne 0x30 -or $Der[1] -ne $Der.Length - 2) { return $null }
    $numbers = New-Object byte[] 64
    $at = 2
    foreach ($end in 32, 64) {
        if ($at + 2 -ge $Der.Length -or $Der[$at] -ne 2) { return $null }
        $from = $at + 2
        $at = $from + $Der[$at + 1]
        if ($at -gt $Der.Length) { return $null }
        # A zero in front keeps a large number positive.
        while ($from -lt $at -and $Der[$from] -eq 0) { $from++ }
        if ($at - $from -gt 32) { return $null }
        [Array]::Copy($Der, $from, $numbers, $end - ($at - $from), $at - $from)
    }
    if ($at -ne $Der.Length) { return $null }
    # As one value: an array would be taken apart.
    return , $numbers
}

# Of which version the sums are: they name a file with it in its name.
function Get-SignedVersion([string]$Sums) {
    $found = @(Get-Content -LiteralPath $Sums | Where-Object { $_ -cmatch '^[0-9a-f]{64}  codex-helper-.+\.cdx\.json$' })
    if ($found.Count -gt 1) { throw 'SHA256SUMS names two versions' }
    if ($found.Count -eq 1 -and $found[0] -cmatch '  codex-helper-([0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?)\.cdx\.json$') { return $Matches[1] }
    throw 'SHA256SUMS does not say of which version it is'
}

# A good signature of another release is refused too: whoever controls the way here could offer an old one for the faults that it has.
function Assert-Version([string]$Place, [string]$Signed, [string]$Program) {
    $wanted = "$env:CODEX_HELPER_VERSION" -replace '^v', ''
    if ($wanted -ne '') {
        if ($Signed -cne $wanted) { throw "asked for $wanted, but this is codex-helper $Signed" }
        return
    }
    $known = @{ 'than this script' = $OwnVersion }
    if (Test-Path -LiteralPath $Program) {
        $said = try { "$(& $Program --version)" } catch { '' }
        if ($said -match '^codex-helper (\S+)') { $known['than what is installed'] = $Matches[1] }
    }
    foreach ($other in $known.GetEnumerator()) {
        if (Test-IsOlder $Signed $other.Value) {
            throw "$Place offers $Signed, which is older $($other.Key) ($($other.Value)); if you want it: `$env:CODEX_HELPER_VERSION = '$Signed'"
        }
    }
}

# Whether the first version comes before the second. Among pre-releases of one version none does.
function Test-IsOlder([string]$Version, [string]$Other) {
    if ($Other -notmatch '^[0-9]+\.[0-9]+\.[0-9]+') { return $false }
    $numbers = [Version]($Version -replace '[-+].*$', '')
    $otherNumbers = [Version]($Other -replace '[-+].*$', '')
    if ($numbers -ne $otherNumbers) { return $numbers -lt $otherNumbers }
    return ($Version -replace '\+.*$', '') -match '-' -and ($Other -replace '\+.*$', '') -notmatch '-'
}

function Assert-Sum([string]$Sums, [string]$Name, [string]$File) {
    $wanted = @(Get-Content -LiteralPath $Sums | Where-Object { $_ -cmatch "^[0-9a-f]{64}  $([regex]::Escape($Name))$" } | Select-Object -Unique)
    if ($wanted.Count -eq 0) { throw "SHA256SUMS does not name $Name" }
    if ($wanted.Count -gt 1) { throw "SHA256SUMS names $Name twice" }
    $sum = (Get-FileHash -LiteralPath $File -Algorithm SHA256).Hash.ToLowerInvariant()
    if ($sum -ne $wanted[0].Substring(0, 64)) {
        throw "$Name is not the file that SHA256SUMS describes; nothing was installed"
    }
}

function Install-Program([string]$Directory) {
    $name = "codex-helper-$(Get-Platform)"
    $place = Get-Place
    if ($Keys -eq '') { throw 'this copy of the script has no key to check a release with: take the install.ps1 of the release itself' }
    New-Item -ItemType Directory -Force -Path $Directory | Out-Null
    # Beside the target, so that the last step is a rename.
    $work = Join-Path $Directory ".codex-helper-$([Guid]::NewGuid().ToString('N'))"
    New-Item -ItemType Directory -Path $work | Out-Null
    try {
        Write-Output "Getting $name.zip from $place"
        $sums = Join-Path $work 'SHA256SUMS'
        Get-File $place 'SHA256SUMS' $sums
        Get-File $place 'SHA256SUMS.sig' "$sums.sig"
        Assert-Signature $sums "$sums.sig"
        $signed = Get-SignedVersion $sums
        $program = Join-Path $Directory 'codex-helper.exe'
        Assert-Version $place $signed $program
        # Where only the signed sums were carried to, the archive is still on the net.
        if ($From -eq '' -and $place -eq $PSScriptRoot -and $Releases -ne '' -and -not (Test-Path -LiteralPath (Join-Path $place "$name.zip"))) {
            $place = "$Releases/download/v$signed"
        }
        Get-File $place "$name.zip" (Join-Path $work "$name.zip")
        Assert-Sum $sums "$name.zip" (Join-Path $work "$name.zip")
        Expand-Archive -LiteralPath (Join-Path $work "$name.zip") -DestinationPath $work
        $unpacked = Join-Path $work $name
        $version = & (Join-Path $unpacked 'codex-helper.exe') --version
        if ($LASTEXITCODE -ne 0) { throw 'the program does not start here; it needs Windows 10 version 1809 or later' }
        if (-not "$version".StartsWith("codex-helper $signed ")) { throw "asked for $signed, but this is $version" }
        if (Test-Path -LiteralPath $program) {
            # A program that is running cannot be overwritten, but it can be renamed. It goes when nothing runs it any more.
            Remove-Item -LiteralPath "$program.old" -Force -ErrorAction SilentlyContinue
            Move-Item -LiteralPath $program -Destination "$program.old"
            Write-Output 'A proxy that is running stays the old version until it is started again.'
        }
        Move-Item -LiteralPath (Join-Path $unpacked 'codex-helper.exe') -Destination $program
        Move-Item -Force -LiteralPath (Join-Path $unpacked 'ch.cmd') -Destination (Join-Path $Directory 'ch.cmd')
        Remove-Item -LiteralPath "$program.old" -Force -ErrorAction SilentlyContinue
        Write-Output "Installed $version in $Directory"
    }
    finally {
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
    }
    if (("$env:PATH" -split ';') -notcontains $Directory) {
        Write-Output "$Directory is not on your PATH yet. Add it, then open a new terminal:"
        Write-Output "  [Environment]::SetEnvironmentVariable('Path', [Environment]::GetEnvironmentVariable('Path', 'User') + ';$Directory', 'User')"
    }
    Write-Output 'Next: ch'
}

# A client that CODEX_HOME or CLAUDE_CONFIG_DIR of another terminal names: only its journal tells what stood there before.
function Assert-NoneSwitched([string]$Ours, [string]$Program) {
    $run = Join-Path $Ours 'run'
    if (-not (Test-Path -LiteralPath $run)) { return }
    $journals = @('switch-*.json', 'statusline-*.json' | ForEach-Object { Get-ChildItem -LiteralPath $run -Filter $_ })
    foreach ($journal in $journals) {
        $file = (Get-Content -LiteralPath $journal.FullName -Raw -Encoding UTF8 | ConvertFrom-Json).file
        $service = if ($journal.Name -like '*-claude-*') { 'claude' } else { 'codex' }
        $isLine = $journal.Name -like 'statusline-*'
        $state = if ($isLine) { 'still has the status line' } else { 'is still switched' }
        $words = if ($isLine) { 'statusline uninstall' } else { 'switch off' }
        $name = if ($service -eq 'claude') { 'CLAUDE_CONFIG_DIR' } else { 'CODEX_HOME' }
        $place = [IO.Path]::GetDirectoryName($file).Replace("'", "''")
        $quoted = $Program.Replace("'", "''")
        throw "$file $state, so nothing was removed; first: `$env:$name = '$place'; & '$quoted' $words --$service"
    }
}

function Uninstall-Program([string]$Directory) {
    $program = Join-Path $Directory 'codex-helper.exe'
    $ours = if ($env:CODEX_HELPER_HOME) { $env:CODEX_HELPER_HOME } else { Join-Path $env:USERPROFILE '.codex-helper' }
    if (Test-Path -LiteralPath $program) {
        foreach ($service in '--codex', '--claude') {
            & $program switch off $service
            if ($LASTEXITCODE -ne 0) {
                throw "a client could not be put back, so nothing was removed; see: `"$program`" doctor"
            }
        }
        & $program statusline uninstall --claude
        if ($LASTEXITCODE -ne 0) {
            throw "the status line could not be taken out, so nothing was removed; see: `"$program`" doctor"
        }
    }
    if ($Purge -or (Test-Path -LiteralPath $program)) { Assert-NoneSwitched $ours $program }
    if (Test-Path -LiteralPath $program) {
        foreach ($name in 'ch.cmd', 'codex-helper.exe', 'codex-helper.exe.old') {
            $file = Join-Path $Directory $name
            if (Test-Path -LiteralPath $file) { Remove-Item -LiteralPath $file -Force }
        }
        if (@(Get-ChildItem -LiteralPath $Directory -Force).Count -eq 0) { Remove-Item -LiteralPath $Directory }
        Write-Output "Removed codex-helper from $Directory"
    }
    else {
        Write-Output "codex-helper is not in $Directory"
    }
    if (-not (Test-Path -LiteralPath $ours)) { return }
    if ($Purge) {
        # By name: whatever else lies there is not ours.
        foreach ($name in 'config.json', 'filter.json', 'filter-seen.json', 'placeholder-key', 'machine-id', 'usage_providers.json', 'prices.json', 'price-list.jsonl', 'client-token', 'state.json', 'spend.json', 'budgets.json', 'sync.json', 'backups', 'logs', 'run') {
            $path = Join-Path $ours $name
            if (Test-Path -LiteralPath $path) { Remove-Item -LiteralPath $path -Recurse -Force }
        }
        if (@(Get-ChildItem -LiteralPath $ours -Force).Count -gt 0) { throw "$ours holds other files, so it was left" }
        Remove-Item -LiteralPath $ours
        Write-Output "Removed $ours"
    }
    else {
        Write-Output "Your configs, keys and logs are still in $ours"
    }
}

foreach ($name in 'CODEX_HELPER_INSTALL_DIR', 'CODEX_HELPER_HOME') {
    $value = [Environment]::GetEnvironmentVariable($name)
    if ($value -and -not [IO.Path]::IsPathRooted($value)) { throw "$name must be a whole path: $value" }
}
$directory = if ($env:CODEX_HELPER_INSTALL_DIR) { $env:CODEX_HELPER_INSTALL_DIR } else { Join-Path $env:LOCALAPPDATA 'Programs\codex-helper' }
if ($Uninstall) { Uninstall-Program $directory } else { Install-Program $directory }
