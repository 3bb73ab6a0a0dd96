# Installs the release in the given directory for a user who has nothing yet, uses it, and removes it again.
param([Parameter(Mandatory)][string]$Release)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true

$env:USERPROFILE = (New-Item -ItemType Directory (Join-Path ([IO.Path]::GetTempPath()) ([Guid]::NewGuid()))).FullName
$env:HOME = ''
$env:CODEX_HELPER_INSTALL_DIR = Join-Path $env:USERPROFILE 'programs'
$ch = Join-Path $env:CODEX_HELPER_INSTALL_DIR 'ch.cmd'
$config = Join-Path $env:USERPROFILE '.codex\config.toml'

& "$Release/install.ps1" -From $Release
& $ch --version
& $ch demo
New-Item -ItemType Directory (Split-Path $config) | Out-Null
[IO.File]::WriteAllText($config, "model = `"some-model`"`r`n")
[IO.File]::WriteAllText((Join-Path (Split-Path $config) 'auth.json'), '{"OPENAI_API_KEY":"sk-nobody"}')
& $ch config import --from codex --yes
& $ch switch on
& "$Release/install.ps1" -Uninstall -Purge
if ([IO.File]::ReadAllText($config) -ne "model = `"some-model`"`r`n") { throw 'config.toml is not as it was' }
foreach ($path in $env:CODEX_HELPER_INSTALL_DIR, (Join-Path $env:USERPROFILE '.codex-helper')) {
    if (Test-Path -LiteralPath $path) { throw "$path is left" }
}
