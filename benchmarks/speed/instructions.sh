#!/bin/sh
# instructions.sh: counts the processor's instructions of what preprocessing does to 50 articles, by callgrind. On a busy machine
# a count says more than a time. Valgrind knows no AVX-512: what has a form for it is counted in its form for AVX2.
set -eu
cd "$(dirname "$0")/../.."
cargo=${CARGO:-cargo}

command -v valgrind >/dev/null || {
    printf 'error: valgrind is not installed\n\nhint: install the package valgrind\n' >&2
    exit 1
}
binary=$("$cargo" bench -q --locked --workspace --profile dev --bench text --no-run --message-format=json |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
for work in cleaning tokenising sketching; do
    # Each function once, and nothing but it.
    valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect="*measured_$work*" \
        "$binary" --bench --test "$work" 2>&1 |
        awk -v work="$work" '/Collected/ { count = $NF } END { printf "%-12s %d million instructions\n", work, count / 1e6 }'
done
