#!/bin/sh
# cluster-tests.sh [ARGUMENT…]: tests the data stages on Spark (three executors on this machine), on Sail, and predictions on
# Spark and Ray; needs a Java 17 or later. The arguments are pytest's, such as `-k sail`.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
# shellcheck source=scripts/python-environment.sh
. scripts/python-environment.sh

if ! command -v java >/dev/null; then
    printf "error: Java is not installed, and Spark needs it\n\nhint: install the package openjdk-17-jre-headless\n" >&2
    exit 1
fi
# Beside the builds, so that a clean checkout finds it again.
readonly folder="${CARGO_TARGET_DIR:-target}/cluster"
readonly list=tests/cluster/requirements.txt
mkdir -p "$folder"
place=$(cd "$folder" && pwd)
python_environment "$place" "$list"

# Where LibTorch is set up, out of the whole workspace, with the program that predicts: a package named alone is built with
# other features, and so is all that it depends on, once more.
if [ -e external/libtorch ]; then
    packages='--workspace --lib --bin labelproof-torch --features labelproof-cli/remote'
else
    packages='-p labelproof-python --features remote'
fi
# shellcheck disable=SC2086
built=$("$cargo" build --quiet --locked $packages --message-format=json)
library=$(echo "$built" | sed -n 's/.*"filenames":\["\([^"]*_native\.[a-z]*\)".*/\1/p' | tail -n 1)
torch=$(echo "$built" | sed -n 's/.*"executable":"\([^"]*\/labelproof-torch\)".*/\1/p')

package=$place/package
rm -rf "$package"
mkdir -p "$package"
cp -R crates/python/python/labelproof "$package/labelproof"
cp "$library" "$package/labelproof/_native.abi3.so"
if [ -n "$torch" ]; then
    # In place of the wheel, which finds LibTorch in PyTorch.
    mkdir "$package/labelproof_torch"
    printf 'def program():\n    return "%s"\n\n\ndef environment():\n    return {}\n' "$torch" >"$package/labelproof_torch/__init__.py"
fi

export PYTHONPATH="$package" PYTHONDONTWRITEBYTECODE=1
"$place/venv/bin/mypy" --config-file crates/python/pyproject.toml --cache-dir "$place/mypy" "$package/labelproof"
"$place/venv/bin/pytest" -q -p no:cacheprovider --rootdir tests/cluster tests/cluster "$@"
