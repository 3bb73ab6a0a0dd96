#!/bin/sh
# Installs codex-helper, and its short name ch, for the current user; `sh install.sh --help` says how. Needs no root.
# Uses sh, uname, tar, gzip, mkdir, mktemp, mv, ln, readlink, rm, rmdir, cat, cp and sed; curl or wget; sha256sum, shasum
# or openssl; and for a release openssl or minisign.
set -eu

# Where releases are, without a slash at the end, and which one this script is of. Written in when a release is made.
RELEASES=''
OWN_VERSION=''
# What a release has to be signed with: a name, an ECDSA P-256 key and a minisign key a line. Written by release/keys.ts.
KEYS=''
# In a function it is the function's name for some shells.
SCRIPT=$0

main() {
  from=''
  action=install
  purge=false
  while [ $# -gt 0 ]; do
    case $1 in
      --from)
        [ $# -ge 2 ] || usage "--from needs a place"
        from=$2
        shift
        ;;
      --from=*) from=${1#--from=} ;;
      --uninstall) action=uninstall ;;
      --purge) purge=true ;;
      -h | --help)
        show_help
        return
        ;;
      *) usage "unexpected argument \"$1\"" ;;
    esac
    shift
  done
  case ${HOME:-} in
    /*) ;;
    '') fail "HOME is not set" ;;
    *) fail "HOME must be a whole path: $HOME" ;;
  esac
  case ${CODEX_HELPER_HOME:-/} in
    /*) ;;
    *) fail "CODEX_HELPER_HOME must be a whole path: $CODEX_HELPER_HOME" ;;
  esac
  case ${CODEX_HELPER_VERSION:-} in
    *[!0-9A-Za-z.+-]*) fail "CODEX_HELPER_VERSION is not a version: $CODEX_HELPER_VERSION" ;;
  esac
  dir=${CODEX_HELPER_INSTALL_DIR:-$HOME/.local/bin}
  case $dir in
    /*) ;;
    *) fail "CODEX_HELPER_INSTALL_DIR must be a whole path: $dir" ;;
  esac
  "$action"
}

show_help() {
  cat <<'END'
Installs codex-helper, and its short name ch, for the current user.

  sh install.sh                         the release that lies beside this script, or else the newest one
  sh install.sh --from PLACE            a release in a directory, or at a file:// or http://127.0.0.1 address
  sh install.sh --from dist             what was built here: bun run build
  sh install.sh --uninstall             puts Codex and Claude Code back, then removes both names
  sh install.sh --uninstall --purge     and your configs, keys and logs in ~/.codex-helper

  CODEX_HELPER_VERSION=1.2.3            this release instead of the newest
  CODEX_HELPER_INSTALL_DIR=DIR          instead of ~/.local/bin
END
}

install() {
  [ "$purge" = false ] || usage "--purge goes with --uninstall"
  platform=$(detect_platform)
  place=$(choose_place)
  name=codex-helper-$platform
  expected=${CODEX_HELPER_VERSION:-}
  expected=${expected#v}
  if [ -f "$place/codex-helper" ]; then
    [ -z "$OWN_VERSION" ] || fail "$place/codex-helper has no signature; what was built in a clone is installed by the clone's own install.sh"
  elif [ -z "$KEYS" ]; then
    fail "this copy of the script has no key to check a release with: take the install.sh of the release itself (in a clone: bun run build, then --from dist)"
  fi

  mkdir -p "$dir" || fail "cannot make $dir; set CODEX_HELPER_INSTALL_DIR"
  # Beside the target, so that the last step is a rename.
  work=$(mktemp -d "$dir/.codex-helper.XXXXXX") || fail "cannot write into $dir; set CODEX_HELPER_INSTALL_DIR"
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' HUP INT TERM

  if [ -f "$place/codex-helper" ]; then
    # What `bun run build` has made, for this machine.
    mkdir "$work/$name"
    get "$place/codex-helper" "$work/$name/codex-helper"
  else
    say "Getting $name.tar.gz from $place"
    get "$place/SHA256SUMS" "$work/SHA256SUMS"
    verify_signature
    verify_version
    # Where only the signed sums were carried to, the archive is still on the net.
    if [ -z "$from" ] && [ -f "$place/SHA256SUMS" ] && [ ! -f "$place/$name.tar.gz" ] && [ -n "$RELEASES" ]; then
      place=$RELEASES/download/v$expected
    fi
    get "$place/$name.tar.gz" "$work/$name.tar.gz"
    verify_sum "$work" "$name.tar.gz"
    (cd "$work" && tar -xzf "$name.tar.gz") || fail "cannot unpack $name.tar.gz"
  fi

  version=$("$work/$name/codex-helper" --version) || cannot_run "$platform"
  case $version in
    "codex-helper ${expected:+"$expected "}"*) ;;
    *) fail "asked for $expected, but this is $version" ;;
  esac

  was_there=false
  [ ! -e "$dir/codex-helper" ] || was_there=true
  mv -f "$work/$name/codex-helper" "$dir/codex-helper"
  if is_foreign_ch; then
    say "$dir/ch is another program and was left alone; type codex-helper instead."
  else
    ln -sf codex-helper "$work/ch"
    mv -f "$work/ch" "$dir/ch"
  fi

  say "Installed $version in $dir"
  [ "$was_there" = false ] || say "A proxy that is running stays the old version until it is started again."
  hint_path
  say "Next: ch"
}

uninstall() {
  program=$dir/codex-helper
  home=${CODEX_HELPER_HOME:-$HOME/.codex-helper}
  if [ -x "$program" ]; then
    for service in --codex --claude; do
      "$program" switch off "$service" ||
        fail "a client could not be put back, so nothing was removed; see: $program doctor"
    done
    "$program" statusline uninstall --claude ||
      fail "the status line could not be taken out, so nothing was removed; see: $program doctor"
  fi
  if [ -x "$program" ] || [ "$purge" = true ]; then refuse_switched; fi
  if [ -e "$program" ]; then
    is_foreign_ch || rm -f "$dir/ch"
    rm -f "$program"
    say "Removed codex-helper from $dir"
  else
    say "codex-helper is not in $dir"
  fi
  [ -d "$home" ] || return 0
  if [ "$purge" = true ]; then
    # By name: whatever else lies there is not ours.
    for name in config.json filter.json filter-seen.json placeholder-key machine-id usage_providers.json prices.json price-list.jsonl client-token state.json spend.json budgets.json sync.json backups logs run; do
      rm -rf "${home:?}/$name"
    done
    rmdir "$home" 2>/dev/null || fail "$home holds other files, so it was left"
    say "Removed $home"
  else
    say "Your configs, keys and logs are still in $home"
  fi
}

# A client that CODEX_HOME or CLAUDE_CONFIG_DIR of another terminal names: only its journal tells what stood there before.
refuse_switched() {
  for journal in "$home"/run/switch-*.json "$home"/run/statusline-*.json; do
    [ -e "$journal" ] || continue
    file=$(sed -n 's/^  "file": "\(.*\)",$/\1/p' "$journal")
    state='is still switched'
    case $journal in
      */statusline-*)
        words="CLAUDE_CONFIG_DIR=$(quote "${file%/*}") $(quote "$program") statusline uninstall --claude"
        state='still has the status line'
        ;;
      */switch-claude-*) words="CLAUDE_CONFIG_DIR=$(quote "${file%/*}") $(quote "$program") switch off --claude" ;;
      *) words="CODEX_HOME=$(quote "${file%/*}") $(quote "$program") switch off --codex" ;;
    esac
    fail "$file $state, so nothing was removed; first:
  env $words"
  done
}

# As one word of a shell.
quote() {
  printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"
}

# A file called ch that is not our link.
is_foreign_ch() {
  [ -e "$dir/ch" ] || [ -L "$dir/ch" ] || return 1
  [ "$(readlink "$dir/ch" 2>/dev/null)" != codex-helper ]
}

detect_platform() {
  system=$(uname -s)
  machine=$(uname -m)
  case $machine in
    x86_64 | amd64) machine=x64 ;;
    aarch64 | arm64) machine=arm64 ;;
    *) fail "there is no release for a $machine processor" ;;
  esac
  case $system in
    Linux)
      if is_musl; then
        echo "linux-$machine-musl"
      else
        echo "linux-$machine"
      fi
      ;;
    Darwin)
      # A shell that runs under Rosetta calls an Apple processor x86_64.
      if [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || true)" = 1 ]; then machine=arm64; fi
      echo "darwin-$machine"
      ;;
    MINGW* | MSYS* | CYGWIN*) fail "on Windows use install.ps1, in PowerShell" ;;
    *) fail "there is no release for $system" ;;
  esac
}

# musl's ldd names itself; a system with glibc may have musl's loader too, so that alone proves nothing.
is_musl() {
  case $(ldd --version 2>&1 || true) in
    *musl*) return 0 ;;
    *GLIBC* | *GNU*) return 1 ;;
  esac
  for loader in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do
    [ ! -e "$loader" ] || return 1
  done
  for loader in /lib/ld-musl-*; do
    [ ! -e "$loader" ] || return 0
  done
  return 1
}

choose_place() {
  if [ -n "$from" ]; then
    case $from in
      file://*) echo "${from#file://}" ;;
      # A name before the host can look like the host.
      http://*@*) fail "not a place to install from: $from (an address with a user name)" ;;
      https://* | http://127.0.0.1[:/]* | http://localhost[:/]* | 'http://[::1]'[:/]*) echo "${from%/}" ;;
      *://*) fail "not a place to install from: $from (a directory, file://, https://, or http:// on this machine)" ;;
      *) echo "${from%/}" ;;
    esac
  elif find_beside; then
    return
  elif [ -z "$RELEASES" ]; then
    fail "this script does not know where releases are: take the one of a release, or give --from PLACE (in a clone: bun run build, then --from dist)"
  elif [ -n "${CODEX_HELPER_VERSION:-}" ]; then
    echo "$RELEASES/download/v${CODEX_HELPER_VERSION#v}"
  else
    echo "$RELEASES/latest/download"
  fi
}

# Prints the directory of this script if a release lies there. A script out of a pipe has none.
find_beside() {
  case $SCRIPT in
    install.sh) beside=. ;;
    */install.sh) beside=${SCRIPT%/*} ;;
    *) return 1 ;;
  esac
  [ -f "$beside/SHA256SUMS" ] || return 1
  echo "$beside"
}

get() {
  case $1 in
    http://* | https://*) ;;
    *)
      cp "$1" "$2" 2>/dev/null || fail "there is no $1"
      return
      ;;
  esac
  # An https address may be redirected, but never to plain http.
  if has curl; then
    case $1 in
      https://*) curl -fsSL --proto '=https' --tlsv1.2 --retry 2 -o "$2" "$1" || fail "cannot download $1" ;;
      *) curl -fsS --noproxy '*' -o "$2" "$1" || fail "cannot download $1" ;;
    esac
  elif has wget; then
    get_with_wget "$1" "$2" || fail "cannot download $1"
  else
    fail "neither curl nor wget is here to download with"
  fi
}

# wget follows an https address to a plain http one, and its kinds have no option in common against that: a proxy for http where
# nothing listens is one that all of them know.
get_with_wget() {
  url=$1
  file=$2
  nowhere=''
  case $url in https://*) nowhere=http://127.0.0.1:1 ;; esac
  set --
  case $(wget --version 2>/dev/null || true):$nowhere in
    *GNU*:http*) set -- -e use_proxy=on -e "http_proxy=$nowhere" -e no_proxy= ;;
    *GNU*) set -- --no-proxy --max-redirect=0 ;;
  esac
  said=$(http_proxy=$nowhere no_proxy='' wget -q "$@" -O "$file" "$url" 2>&1) || {
    [ -z "$said" ] || say "$said" >&2
    return 1
  }
  # Some of busybox take any certificate, and say so.
  case $said in
    *'certificate validation not implemented'*) fail "this wget does not check certificates; install curl" ;;
  esac
}

# Fails unless SHA256SUMS is signed with one of our keys.
verify_signature() {
  if has openssl; then
    signature=SHA256SUMS.sig
  elif has minisign; then
    signature=SHA256SUMS.minisig
  else
    fail "neither openssl nor minisign is here to check the signature with; install one of them"
  fi
  get "$place/$signature" "$work/$signature"
  is_signed=false
  while read -r _ ecdsa_key minisign_key; do
    if is_signed_with "$ecdsa_key" "$minisign_key"; then is_signed=true; fi
  done <<END
$KEYS
END
  [ "$is_signed" = true ] || fail "SHA256SUMS is not signed with a key of codex-helper; nothing was installed"
}

is_signed_with() {
  if [ "$signature" = SHA256SUMS.minisig ]; then
    minisign -Vqm "$work/SHA256SUMS" -x "$work/$signature" -P "$2" >/dev/null 2>&1
    return
  fi
  # Older versions of openssl read no longer lines.
  head=$(printf '%.64s' "$1")
  printf '%s\n' '-----BEGIN PUBLIC KEY-----' "$head" "${1#"$head"}" '-----END PUBLIC KEY-----' >"$work/key.pem"
  openssl dgst -sha256 -verify "$work/key.pem" -signature "$work/$signature" "$work/SHA256SUMS" >/dev/null 2>&1
}

# A good signature of another release is refused too: the sums name a file with the version in its name. Sets $expected to it.
verify_version() {
  signed=''
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in *"  codex-helper-"*.cdx.json) ;; *) continue ;; esac
    [ -z "$signed" ] || fail "SHA256SUMS names two versions"
    signed=${line##*"  codex-helper-"}
    signed=${signed%.cdx.json}
  done <"$work/SHA256SUMS"
  case ${signed%%[+-]*} in
    '' | *[!0-9.]*) fail "SHA256SUMS does not say of which version it is" ;;
  esac
  if [ -n "$expected" ]; then
    [ "$signed" = "$expected" ] || fail "asked for $expected, but this is codex-helper $signed"
    return
  fi
  expected=$signed
  refuse_older "$OWN_VERSION" "than this script"
  if [ -x "$dir/codex-helper" ]; then
    installed=$("$dir/codex-helper" --version 2>/dev/null) || return 0
    installed=${installed#codex-helper }
    refuse_older "${installed%% *}" "than what is installed"
  fi
}

# Whoever controls the way here could offer an old release for the faults that it has.
refuse_older() {
  is_older "$expected" "$1" || return 0
  fail "$place offers $expected, which is older $2 ($1); if you want it: CODEX_HELPER_VERSION=$expected"
}

# Whether version $1 comes before version $2. Among pre-releases of one version none does.
is_older() {
  case ${2%%[+-]*} in '' | *[!0-9.]*) return 1 ;; esac
  left=${1%%[+-]*}.
  right=${2%%[+-]*}.
  while [ -n "$left$right" ]; do
    left_part=${left%%.*}
    right_part=${right%%.*}
    [ "${left_part:-0}" -eq "${right_part:-0}" ] || {
      [ "${left_part:-0}" -lt "${right_part:-0}" ]
      return
    }
    left=${left#*.}
    right=${right#*.}
  done
  case ${1%%+*}:${2%%+*} in
    *-*:*-*) return 1 ;;
    *-*:*) return 0 ;;
  esac
  return 1
}

# Fails unless SHA256SUMS in directory $1 names file $2 and its sum is right.
verify_sum() {
  wanted=''
  while IFS= read -r line || [ -n "$line" ]; do
    sum=${line%"  $2"}
    [ "$sum  $2" = "$line" ] || continue
    case $sum in *[!0-9a-f]*) continue ;; esac
    [ ${#sum} -eq 64 ] || continue
    [ "${wanted:-$sum}" = "$sum" ] || fail "SHA256SUMS names $2 twice"
    wanted=$sum
  done <"$1/SHA256SUMS"
  [ -n "$wanted" ] || fail "SHA256SUMS does not name $2"
  if has sha256sum; then
    sum=$(sha256sum <"$1/$2")
  elif has shasum; then
    sum=$(shasum -a 256 <"$1/$2")
  elif has openssl; then
    sum=$(openssl dgst -sha256 -r <"$1/$2")
  else
    fail "none of sha256sum, shasum and openssl is here to check the download with"
  fi
  sum=${sum%% *}
  [ "$sum" = "$wanted" ] || fail "$2 is not the file that SHA256SUMS describes; nothing was installed"
}

cannot_run() {
  case $1 in
    *-musl) fail "the program does not start here; it needs libstdc++: apk add libstdc++" ;;
    *) fail "the program does not start here; see docs/platforms.md for what it needs" ;;
  esac
}

hint_path() {
  case :${PATH:-}: in
    *":$dir:"*)
      found=$(command -v ch || true)
      if [ -n "$found" ] && [ "$found" != "$dir/ch" ] && ! is_foreign_ch; then
        say "Note: ch is $found on your PATH, which comes before $dir"
      fi
      return
      ;;
  esac
  say "$dir is not on your PATH yet. Add it:"
  case ${SHELL:-} in
    */fish) say "  fish_add_path $dir" ;;
    */zsh) say "  echo 'export PATH=\"$dir:\$PATH\"' >>~/.zshrc" ;;
    */bash) say "  echo 'export PATH=\"$dir:\$PATH\"' >>~/.bashrc" ;;
    *) say "  export PATH=\"$dir:\$PATH\"" ;;
  esac
}

has() {
  command -v "$1" >/dev/null 2>&1
}

say() {
  printf '%s\n' "$1"
}

fail() {
  printf 'install.sh: %s\n' "$1" >&2
  exit 1
}

usage() {
  printf 'install.sh: %s\n' "$1" >&2
  printf '  sh install.sh [--from PLACE] | --uninstall [--purge]\n' >&2
  exit 2
}

# On the last line: a script that was cut off on its way does nothing.
main "$@"
