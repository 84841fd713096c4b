#!/bin/sh
# python-tests.sh: tests the Python module with the packages that people use it with. The module is built as
# everything else is, not as a wheel: that would compile all it depends on once more.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
# shellcheck source=scripts/python-environment.sh
. scripts/python-environment.sh

# Beside the builds, so that a clean checkout finds it again.
readonly folder="${CARGO_TARGET_DIR:-target}/python"
readonly list=tests/python/requirements.txt

mkdir -p "$folder/package"
place=$(cd "$folder" && pwd)
python_environment "$place" "$list"

# Out of the whole workspace: a package named alone is built with other features, and so is all that it depends on.
library=$("$cargo" build --quiet --locked --workspace --lib --message-format=json |
    sed -n 's/.*"filenames":\["\([^"]*_native\.[a-z]*\)".*/\1/p' | tail -n 1)
rm -rf "$place/package/labelproof"
cp -R crates/python/python/labelproof "$place/package/labelproof"
cp "$library" "$place/package/labelproof/_native.abi3.so"

export PYTHONPATH="$place/package" PYTHONDONTWRITEBYTECODE=1 KERAS_BACKEND=jax HF_HUB_OFFLINE=1
"$place/venv/bin/mypy" --config-file crates/python/pyproject.toml --cache-dir "$place/mypy" "$place/package/labelproof"
"$place/venv/bin/pytest" -q -p no:cacheprovider --rootdir tests/python tests/python "$@"
