#!/bin/sh
# onnx-tests.sh: has ONNX Runtime compute what `labelproof export` writes of a classifier of every family.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
# shellcheck source=scripts/python-environment.sh
. scripts/python-environment.sh

# Beside the builds, so that a clean checkout finds it again.
readonly folder="${CARGO_TARGET_DIR:-target}/onnx"
readonly list=tests/it/onnx-requirements.txt

mkdir -p "$folder"
place=$(cd "$folder" && pwd)
python_environment "$place" "$list"
export LABELPROOF_ONNX_PYTHON="$place/venv/bin/python"
# Out of the whole workspace: a package named alone is built with other features, and so is all that it depends on.
if command -v cargo-nextest >/dev/null; then
    "$cargo" nextest run --locked --workspace --test it onnx
else
    "$cargo" test --locked --workspace --test it onnx
fi
