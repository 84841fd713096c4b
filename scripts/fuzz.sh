#!/bin/sh
# fuzz.sh SECONDS: runs every fuzz target for so long, beginning with the committed files and what earlier runs found.
# What makes a target fail is left in tests/fuzz/artifacts.
set -eu
cd "$(dirname "$0")/.."
seconds=$1
cargo=${CARGO:-cargo}
target=${CARGO_TARGET_DIR:-target}

# Without a sanitizer, which would need a nightly compiler: what Rust checks itself, overflows included, is what fails.
set --
for file in tests/fuzz/fuzz_targets/*.rs; do
    set -- "$@" --bin "fuzz-$(basename "$file" .rs | tr _ -)"
done
# Not by the package: its dependencies alone would be built with other features, and so all of them once more.
RUSTC_WORKSPACE_WRAPPER=$PWD/scripts/coverage-rustc.sh "$cargo" build -q --locked "$@"

for file in tests/fuzz/fuzz_targets/*.rs; do
    name=$(basename "$file" .rs)
    found=$target/fuzz/corpus/$name
    failures=tests/fuzz/artifacts/$name
    mkdir -p "$found" "$failures"
    log=$target/fuzz/$name.log
    # Mutations are drawn anew each time; more than 2 GB, or a minute for one file, is a failure as well.
    if ! "$target/debug/fuzz-$(echo "$name" | tr _ -)" "$found" "tests/fuzz/corpus/$name" -max_total_time="$seconds" \
        -max_len=65536 -rss_limit_mb=2048 -timeout=60 -print_final_stats=1 -artifact_prefix="$failures/" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        printf 'error: the fuzz target %s failed; its input is in %s\n' "$name" "$failures" >&2
        exit 1
    fi
    printf '%-14s %s executions\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
done
