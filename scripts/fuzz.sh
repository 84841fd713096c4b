#!/bin/sh
# fuzz.sh SECONDS: runs every fuzz target for so long, beginning with the committed files and what earlier runs found.
# What makes a target fail is left in tests/fuzz/artifacts.
set -eu
cd "$(dirname "$0")/../tests/fuzz"
seconds=$1

if ! cargo fuzz --version >/dev/null 2>&1; then
    echo 'error: cargo-fuzz is not installed'
    echo
    echo 'hint: cargo install cargo-fuzz --locked'
    exit 1
fi >&2

# Beside the other builds, so that a clean checkout finds the compiled dependencies again.
target=${CARGO_TARGET_DIR:-../../target}/fuzz
# Without a sanitizer: the workspace has no unsafe code, and so needs no nightly compiler either.
cargo fuzz build --fuzz-dir . --sanitizer none --target-dir "$target"
host=$(rustc -vV | sed -n 's/^host: //p')

for file in fuzz_targets/*.rs; do
    name=$(basename "$file" .rs)
    found=$target/corpus/$name
    mkdir -p "$found" "artifacts/$name"
    log=$target/$name.log
    # Mutations are drawn anew each time; more than 2 GB, or a minute for one file, is a failure as well.
    if ! "$target/$host/release/$name" "$found" "corpus/$name" -max_total_time="$seconds" -max_len=65536 \
        -rss_limit_mb=2048 -timeout=60 -print_final_stats=1 -artifact_prefix="artifacts/$name/" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        printf 'error: the fuzz target %s failed; its input is in tests/fuzz/artifacts/%s\n' "$name" "$name" >&2
        exit 1
    fi
    printf '%-14s %s executions\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
done
