#!/bin/sh
# Checks that the product and its tests share one build of the dependencies, with cargo-shear that each of them is used, and with
# cargo-deny their licences, their sources, and known vulnerabilities where the list of them can be fetched.
set -eu
cd "$(dirname "$0")/.."

# features OPTION…: the packages of the workspace with their features, those of the tests included.
features() {
    tree=$(cargo tree --locked --workspace --prefix none --format '{p} {f}' "$@") || return
    printf '%s\n' "$tree" | sed 's/ (\*)$//' | sort -u
}

with_tests=$(features)
product=$(features --edges normal,build)
if printf '%s\n' "$product" | grep -Fxv -e "$with_tests"; then
    echo 'error: the package above is built with other features for the tests: it and all that uses it are compiled twice'
    echo
    echo 'hint: ask for the same features among the dependencies of Cargo.toml, as is done for ciborium'
    exit 1
fi >&2

if cargo shear --version >/dev/null 2>&1; then
    echo 'cargo shear'
    cargo shear --locked
else
    echo 'cargo-shear is not installed (cargo install cargo-shear --locked): unused dependencies are not looked for'
fi

if ! cargo deny --version >/dev/null 2>&1; then
    echo 'cargo-deny is not installed (cargo install cargo-deny --locked): dependencies are not checked'
    exit 0
fi
echo 'cargo deny check'
cargo deny --log-level error check --hide-inclusion-graph licenses bans sources
if cargo deny --log-level off fetch db >/dev/null 2>&1; then
    cargo deny --log-level error check --hide-inclusion-graph advisories
else
    echo 'the list of known vulnerabilities cannot be fetched here: it is not compared'
fi
