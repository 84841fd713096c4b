#!/usr/bin/env bash
# Packs what check.sh needs into .gpu/, which is carried to the machine with the GPU. usage: prepare.sh FOLDER_OF_THE_COMMANDS
set -euo pipefail
cd "$(dirname "$0")/../.."
commands=${1:?the folder of the commands labelproof and labelproof-torch}
encoder=external/encoders/all-minilm-l6-v2
for needed in "$commands/labelproof" "$commands/labelproof-torch" "$encoder" external/data/bbc-news; do
    [[ -e $needed ]] || { echo "error: \`$needed\` is missing: run \`make setup\` and build the commands" >&2; exit 1; }
done
rm -rf .gpu
mkdir .gpu
for command in labelproof labelproof-torch; do
    strip -o ".gpu/$command" "$commands/$command"
done
mkdir .gpu/encoder
cp "$encoder"/{config.json,tokenizer.json,tokenizer_config.json,vocab.txt} .gpu/encoder/
python3 benchmarks/gpu/half.py "$encoder/model.safetensors" .gpu/encoder/model.safetensors
tar -cf .gpu/bbc-news.tar -C external/data bbc-news
xz -T0 .gpu/bbc-news.tar .gpu/labelproof .gpu/labelproof-torch
cp benchmarks/gpu/check.sh benchmarks/gpu/peer.py benchmarks/gpu/inputs.py benchmarks/gpu/compare.py .gpu/
du -sh .gpu
