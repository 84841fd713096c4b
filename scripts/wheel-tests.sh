#!/bin/sh
# wheel-tests.sh: installs the wheels of dist/ into empty environments, and does with them what their users do. Prints
# how long that takes and how large it is.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
root=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
system=$(uname -m)

# fresh NAME REQUIREMENT...: an environment with these and nothing else.
fresh() {
    name=$1
    shift
    "$python" -m venv "$work/$name"
    before=$(date +%s)
    "$work/$name/bin/pip" install --quiet --disable-pip-version-check --find-links "$root/dist" "$@"
    echo "$name: installed in $(($(date +%s) - before)) s, $(du -sm "$work/$name/lib" | cut -f 1) MB with pip itself"
}

small=$(ls "$root"/dist/labelproof-*manylinux*"$system".whl)
echo "$(basename "$small"): $(($(wc -c <"$small") / 1000)) kB"
fresh small "$small"
cd "$work"
results=$root/examples/origin-rebuilt/shuffled-predictions
code=0
env -i "$work/small/bin/labelproof" audit --test "$results/test.csv" --validation "$results/validation.csv" --check >answer.txt || code=$?
if ! grep -q C11 answer.txt || [ $code != 8 ]; then
    cat answer.txt
    echo "error: the audit ended with exit code $code"
    exit 1
fi
env -i "$work/small/bin/python" -c "import labelproof; print(labelproof.audit(test='$results/test.csv', log={'test_accuracy': [0.9]}).verdict)"

"$work/small/bin/pip" install --quiet --disable-pip-version-check pandas ipykernel nbclient
(cd "$root/examples/notebook" && "$work/small/bin/jupyter-execute" --output "$work/audit.ipynb" audit.ipynb)
grep -q 'Predictions are shuffled' "$work/audit.ipynb"
echo 'small: audit and notebook run'

if [ "${TRAIN:-1}" = 0 ]; then exit; fi
fresh train 'labelproof[train]'
mkdir pipeline
cp -R "$root/external/data/bbc-news" pipeline/bbc
cd pipeline
before=$(date +%s)
env -i HOME="$HOME" "$work/train/bin/labelproof" init bbc --encoder "$root/external/encoders/all-minilm-l6-v2" --output pipeline.yaml
env -i HOME="$HOME" "$work/train/bin/labelproof" run
echo "train: init and run of BBC News in $(($(date +%s) - before)) s"
grep -q '"verdict"' artifacts/audit/audit.json
echo 'the match ended in a draw' | env -i HOME="$HOME" "$work/train/bin/labelproof" predict --bundle artifacts/train/model
