#!/bin/sh
# Installs the release in directory $1 for a user who has nothing yet, uses it, and removes it again.
set -eu

release=$1
HOME=$(mktemp -d)
export HOME
unset CODEX_HELPER_VERSION CODEX_HELPER_INSTALL_DIR CODEX_HELPER_HOME

sh "$release/install.sh" --from "$release"
"$HOME/.local/bin/ch" --version
"$HOME/.local/bin/ch" demo
mkdir "$HOME/.codex"
printf 'model = "some-model"\n' >"$HOME/.codex/config.toml"
printf '{"OPENAI_API_KEY":"sk-nobody"}\n' >"$HOME/.codex/auth.json"
"$HOME/.local/bin/ch" config import --from codex --yes
"$HOME/.local/bin/ch" switch on
sh "$release/install.sh" --uninstall --purge
test "$(cat "$HOME/.codex/config.toml")" = 'model = "some-model"'
test ! -e "$HOME/.codex-helper"
test -z "$(ls -A "$HOME/.local/bin")"
