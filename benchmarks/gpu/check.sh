#!/usr/bin/env bash
# The pipeline on a GPU beside the processor and beside transformers on the same GPU. usage: check.sh OUT
# CHECK_DEVICE, CHECK_ROWS, CHECK_EPOCHS, CHECK_SIZES, CHECK_BATCHES, CHECK_PRECISIONS and CHECK_PYTHON change what README.md says.
set -uo pipefail
out=${1:?where to write}
mkdir -p "$out"
out=$(cd "$out" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
[[ -e $here/labelproof.xz ]] || here=$here/../../.gpu
[[ -e $here/labelproof.xz ]] || { echo "error: run prepare.sh first" >&2; exit 1; }
device=${CHECK_DEVICE:-cuda}
python=${CHECK_PYTHON:-python3}
epochs=${CHECK_EPOCHS:-3}
read -ra sizes <<< "${CHECK_SIZES:-minilm base}"
read -ra batches <<< "${CHECK_BATCHES:-16 64}"
read -ra precisions <<< "${CHECK_PRECISIONS:-float32 bfloat16}"
# Bars of progress would be long lines in the summary.
export TQDM_DISABLE=1 HF_HUB_DISABLE_PROGRESS_BARS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
exec > >(tee "$out/summary.txt") 2>&1

for command in labelproof labelproof-torch; do
    xz -dc "$here/$command.xz" > "$work/$command" && chmod +x "$work/$command"
done
xz -dc "$here/bbc-news.tar.xz" | tar -xf - -C "$work"
cd "$work" || exit 1
$python "$here/inputs.py" "$here/encoder" "${CHECK_ROWS:-0}" || exit 1
if ldd ./labelproof-torch | grep -q 'not found'; then
    # The commands were built on another machine: LibTorch is in Python's torch.
    library=$($python -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))')
    nvidia=$(find "$library/../../nvidia" -maxdepth 2 -name lib -type d 2>/dev/null | tr '\n' ':')
    export LD_LIBRARY_PATH=$library:$nvidia${LD_LIBRARY_PATH:-}
fi

# stamped COMMAND...: its output with the seconds since its start before each line, then its time and exit code.
stamped() {
    echo
    echo "== $*"
    local start=$EPOCHREALTIME line code
    while IFS= read -r line; do
        awk -v now="$EPOCHREALTIME" -v start="$start" -v line="$line" 'BEGIN { printf "%7.2f  %s\n", now - start, line }'
    done < <("$@" 2>&1; echo "exit code $?")
    code=${line##* }
    return "${code:-1}"
}

# configuration NAME SIZE BATCH PRECISION
configuration() {
    cat > "$1.yaml" <<YAML
encoder: $2
artifacts: artifacts-$1
device: $device
ingest: { format: csv, paths: [texts.csv], columns: { id: id, text: text, label: label, split: split } }
preprocess: { max_tokens: 128 }
train: { trainable: all, epochs: $epochs, batch_size: $3, learning_rate: 0.0001, schedule: linear, warmup: 0.1,
         gradient_clipping: 1.0, dropout: 0.1, precision: $4 }
YAML
}

for size in "${sizes[@]}"; do
    for batch in "${batches[@]}"; do
        for precision in "${precisions[@]}"; do
            name=$size-$batch-$precision
            configuration "$name" "$size" "$batch" "$precision"
            ./labelproof run split --config "$name.yaml" --quiet
            stamped ./labelproof run --config "$name.yaml" --only train
            stamped "$python" "$here/peer.py" train texts.csv "$size" "$batch" "$precision" "$epochs" "$device"
        done
    done
done

first=${sizes[0]}-${batches[0]}-${precisions[0]}
echo
echo "== the same training once more"
cp "artifacts-$first/train/model/model.safetensors" first.safetensors
./labelproof run --config "$first.yaml" --only train --force --quiet
if cmp first.safetensors "artifacts-$first/train/model/model.safetensors"; then
    echo "two trainings gave the same bytes"
else
    echo "MISSED: two trainings gave other bytes"
fi

bundle=artifacts-$first/train/model
for on in "$device" cpu; do
    stamped ./labelproof predict --bundle "$bundle" --input many.csv --id id --device "$on" --output "predicted-$on.csv"
done
stamped "$python" "$here/peer.py" predict many.csv "${sizes[0]}" 64 "${precisions[0]}" 1 "$device"
$python "$here/compare.py" "predicted-$device.csv" predicted-cpu.csv
stamped ./labelproof run --config "$first.yaml"
if command -v nvidia-smi > /dev/null; then
    nvidia-smi --query-gpu=name,memory.used,utilization.gpu --format=csv
fi
