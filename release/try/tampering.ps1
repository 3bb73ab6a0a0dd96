# Tries what install.ps1 has to refuse, on copies of the release in the given directory, and that it installs the release itself.
# For Windows PowerShell 5.1 and PowerShell 7.
param([Parameter(Mandatory)][string]$Release)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

# A public key whose private one was not kept.
$otherKey = 'another MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEx9705hZ8SaBs+El54nh0LTUuIC7dKle2OMbAYRcAwx1UuFMHxPKIox3oj9JikbYY6FwOEcDGQG7oHxZJ1gGA4w== RWSoI12kXXLYucigCgddau34UpVuPVEiG2ESNWTuWte/Yp7esdwKSThi'

$root = Join-Path ([IO.Path]::GetTempPath()) ([Guid]::NewGuid().ToString('N'))
$copy = Join-Path $root 'release'
$installer = Join-Path $copy 'install.ps1'
$sums = Join-Path $copy 'SHA256SUMS'
$programs = Join-Path $root 'programs'
$env:CODEX_HELPER_INSTALL_DIR = $programs
$env:CODEX_HELPER_VERSION = ''

function Copy-Release {
    if (Test-Path -LiteralPath $root) { Remove-Item -LiteralPath $root -Recurse -Force }
    New-Item -ItemType Directory -Path $copy | Out-Null
    Get-ChildItem -LiteralPath $Release | Where-Object { $_.Name -match '^(install\.ps1|SHA256SUMS.*|codex-helper-windows-.*\.zip)$' } |
        ForEach-Object { Copy-Item -LiteralPath $_.FullName -Destination $copy }
}

function Edit-Text([string]$File, [string]$Pattern, [string]$Replacement) {
    $text = [IO.File]::ReadAllText($File)
    $changed = $text -replace $Pattern, $Replacement
    if ($changed -ceq $text) { throw "nothing to change in $File" }
    [IO.File]::WriteAllText($File, $changed)
}

function Edit-Archives {
    foreach ($zip in Get-ChildItem -LiteralPath $copy -Filter '*.zip') { [IO.File]::AppendAllText($zip.FullName, 'x') }
}

# What the script says when it installs nothing; otherwise it is a fault of ours.
function Assert-Refused([string]$What, [string]$Words, [scriptblock]$Tamper) {
    Copy-Release
    & $Tamper
    $said = try { & $installer -From $copy | Out-Null; 'nothing' } catch { "$_" }
    if ($said -notlike "*$Words*") { throw "${What}: it says $said" }
    if (Test-Path -LiteralPath (Join-Path $programs 'codex-helper.exe')) { throw "${What}: it was installed" }
    Write-Output "refused: $What"
}

$unsigned = 'SHA256SUMS is not signed with a key of codex-helper'
Assert-Refused 'another archive' 'is not the file that SHA256SUMS describes' { Edit-Archives }
Assert-Refused 'another archive with its sum' $unsigned {
    Edit-Archives
    foreach ($zip in Get-ChildItem -LiteralPath $copy -Filter '*.zip') {
        $sum = (Get-FileHash -LiteralPath $zip.FullName -Algorithm SHA256).Hash.ToLowerInvariant()
        Edit-Text $sums "[0-9a-f]{64}  $([regex]::Escape($zip.Name))" "$sum  $($zip.Name)"
    }
}
Assert-Refused 'a byte more in the sums' $unsigned { [IO.File]::AppendAllText($sums, "`n") }
Assert-Refused 'no signature' 'SHA256SUMS.sig' { Remove-Item -LiteralPath "$sums.sig" }
Assert-Refused 'an empty signature' $unsigned { [IO.File]::WriteAllBytes("$sums.sig", [byte[]]@()) }
foreach ($length in 1, 8, 40, 64, 72) {
    Assert-Refused "a signature of $length zeros" $unsigned { [IO.File]::WriteAllBytes("$sums.sig", (New-Object byte[] $length)) }
}
Assert-Refused 'a signature with another number' $unsigned {
    $bytes = [IO.File]::ReadAllBytes("$sums.sig")
    $bytes[$bytes.Length - 1] = $bytes[$bytes.Length - 1] -bxor 1
    [IO.File]::WriteAllBytes("$sums.sig", $bytes)
}
Assert-Refused 'a signature that is cut off' $unsigned {
    [IO.File]::WriteAllBytes("$sums.sig", [IO.File]::ReadAllBytes("$sums.sig")[0..60])
}
Assert-Refused 'a signature with another key' $unsigned { Edit-Text $installer "(?m)^\`$Keys = '[^']+'" "`$Keys = '$otherKey'" }
Assert-Refused 'a script without a key' 'has no key to check a release with' { Edit-Text $installer "(?m)^\`$Keys = '[^']+'" "`$Keys = ''" }
Assert-Refused 'an older release' 'than this script (99.0.0)' { Edit-Text $installer "(?m)^\`$OwnVersion = '[^']*'" "`$OwnVersion = '99.0.0'" }
Assert-Refused 'another version than was asked for' 'asked for 0.0.1, but this is codex-helper' { $env:CODEX_HELPER_VERSION = 'v0.0.1' }
$env:CODEX_HELPER_VERSION = ''

# While keys change there are two.
Copy-Release
Edit-Text $installer "(?m)^\`$Keys = '" "`$Keys = '$otherKey`n"
& $installer | Out-Null
& (Join-Path $programs 'codex-helper.exe') --version
if ($LASTEXITCODE -ne 0) { throw 'what was installed does not start' }
Remove-Item -LiteralPath $root -Recurse -Force
Write-Output "installed from beside the script, with PowerShell $($PSVersionTable.PSVersion)"
