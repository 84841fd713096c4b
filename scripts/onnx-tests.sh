#!/bin/sh
# onnx-tests.sh: has ONNX Runtime compute what `labelproof export` writes of a classifier of every family.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
python=${PYTHON:-python3}

# Beside the builds, so that a clean checkout finds it again.
readonly folder="${CARGO_TARGET_DIR:-target}/onnx"
readonly list=tests/it/onnx-requirements.txt

mkdir -p "$folder"
place=$(cd "$folder" && pwd)
# What was asked for lies beside what was made of it: another version makes it anew.
if ! cmp -s "$list" "$place/venv/requirements.txt"; then
    rm -rf "$place/venv"
    "$python" -m venv "$place/venv" || {
        printf "error: Python's venv is not installed\n\nhint: install the package python3-venv\n" >&2
        exit 1
    }
    "$place/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$list"
    cp "$list" "$place/venv/requirements.txt"
fi
export LABELPROOF_ONNX_PYTHON="$place/venv/bin/python"
# Out of the whole workspace: a package named alone is built with other features, and so is all that it depends on.
if command -v cargo-nextest >/dev/null; then
    "$cargo" nextest run --locked --workspace --test it onnx
else
    "$cargo" test --locked --workspace --test it onnx
fi
