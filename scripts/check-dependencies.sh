#!/bin/sh
# Checks the dependencies with cargo-deny: licences, sources, and known vulnerabilities where their list can be fetched.
set -eu
cd "$(dirname "$0")/.."

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
