#!/bin/sh
# Checks what the default pipeline.yaml gave on BBC News: the accuracy is what this model reaches, and a second run
# finds nothing to do. Run it after `make pipeline`.
set -eu
cd "$(dirname "$0")/.."

floor=0.97
metrics=artifacts/evaluate/metrics.json

fail() {
    printf 'error: %s\n\nhint: %s\n' "$1" "$2" >&2
    exit 1
}

[ -f "$metrics" ] || fail "there is no \`$metrics\`" "run \`make pipeline\` first"

python3 - "$metrics" "$floor" <<'PYTHON' || fail "the sample's test accuracy is too low or unreadable" "compare artifacts/report with a run of the last good commit"
import json, sys

path, floor = sys.argv[1], float(sys.argv[2])
splits = json.load(open(path, encoding="utf-8"))["splits"]
for name in sorted(splits):
    print(f"{name}: accuracy {splits[name]['accuracy']['value']:.4f}")
# Written so that NaN fails too.
if not splits["test"]["accuracy"]["value"] >= floor:
    sys.exit(f"test accuracy is below {floor}")
PYTHON

python3 - artifacts/audit/audit.json <<'PYTHON' || fail "the audit finds a fault in the sample run" "read artifacts/report/index.html: either the fault is real, or the check is wrong"
import json, sys

audit = json.load(open(sys.argv[1], encoding="utf-8"))
print(f"audit: {audit['verdict']}")
if audit["verdict"] == "unsound":
    sys.exit(audit["headline"])
PYTHON

again=$(NO_COLOR=1 ${CARGO:-cargo} run -q --locked --bin labelproof -- run 2>&1) ||
    fail "a second run failed: $again" "a run that has nothing to do must end well"
printf '%s\n' "$again"
for stage in ingest preprocess split train evaluate audit report; do
    printf '%s\n' "$again" | grep -Eq "^ *$stage .*up to date" ||
        fail "a second run does not find \`$stage\` up to date" "see \`make status\`: an input, a parameter or a fingerprint changes by itself"
done
