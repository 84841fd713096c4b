#!/bin/sh
# wheels.sh [TARGET]: builds Python's wheels into dist/: `labelproof`, for a target of Rust or for this machine, and
# for this machine `labelproof-torch`.
#
# zig links the first one for an old glibc. The second one holds the binary of `make build`, stripped, which finds
# LibTorch in the package `torch` that lies beside it.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
# shellcheck source=scripts/python-environment.sh
. scripts/python-environment.sh
target=${1:-}

readonly folder="${CARGO_TARGET_DIR:-target}/wheels"
readonly list=scripts/requirements-wheels.txt

mkdir -p "$folder" dist
place=$(cd "$folder" && pwd)
python_environment "$place" "$list"
export PATH="$place/venv/bin:$PATH"

# The licences lie beside what they are of, and maturin takes what lies beside its configuration.
cp LICENSE-* crates/python/
trap 'rm -f crates/python/LICENSE-*' EXIT
if [ -z "$target" ]; then rm -f dist/labelproof*.whl; fi
set -- build --release --locked --manifest-path crates/python/Cargo.toml --out dist
if [ "$(uname)" = Linux ]; then set -- "$@" --zig --compatibility manylinux_2_28; fi
if [ -n "$target" ]; then set -- "$@" --target "$target"; fi
maturin "$@"
if [ -n "$target" ]; then exit; fi

binary=$("$cargo" build --quiet --locked --bin labelproof --bin labelproof-torch --message-format=json |
    sed -n 's/.*"executable":"\([^"]*\/labelproof-torch\)".*/\1/p')
rm -rf "$place/torch"
cp -R crates/torch/python "$place/torch"
cp LICENSE-* "$place/torch"
strip -o "$place/torch/labelproof_torch/labelproof-torch" "$binary"
# shellcheck disable=SC2016
patchelf --set-rpath '$ORIGIN/../torch/lib' "$place/torch/labelproof_torch/labelproof-torch"
pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$place/torch/dist" "$place/torch"
# It names functions of this machine's glibc, and no version of Python's.
glibc=$(objdump -T "$place/torch/labelproof_torch/labelproof-torch" | sed -n 's/.*GLIBC_2\.\([0-9]*\).*/\1/p' | sort -n | tail -n 1)
wheel tags --remove --platform-tag "manylinux_2_${glibc}_$(uname -m)" "$place"/torch/dist/*.whl >/dev/null
cp "$place"/torch/dist/*.whl dist/
ls -l dist
