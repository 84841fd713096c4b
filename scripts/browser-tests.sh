#!/bin/sh
# browser-tests.sh [FILTER…]: makes the pages of the report's tests, adds the report of the last run if there is one, and tests
# all of them in Chromium. Pictures of every page are left beside them.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}

# The version, and the checksum of its axe.min.js.
axe_version=4.14.1
axe_sha256=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c

# missing WHAT ADVICE
missing() {
    printf 'error: %s is not installed\n\nhint: %s\n' "$1" "$2" >&2
    exit 1
}

# first COMMAND…: the first of these that is there.
first() {
    for command; do
        if command -v "$command"; then return; fi
    done
    return 1
}

chromium=$(first "${LABELPROOF_BROWSER_CHROMIUM:-chromium}" chromium-browser google-chrome) ||
    missing Chromium 'install the package chromium, or name the command in LABELPROOF_BROWSER_CHROMIUM'
command -v npm >/dev/null || missing npm 'install the package npm; axe-core comes by it'

# Beside the other builds, so that a clean checkout finds the compiled dependencies again.
target=${CARGO_TARGET_DIR:-target}/browser
mkdir -p "$target"
target=$(cd "$target" && pwd)
pages=$target/pages
pictures=$target/screenshots
axe=$target/axe-$axe_version/node_modules/axe-core/axe.min.js

if ! [ -e "$axe" ]; then
    npm install --prefix "$target/axe-$axe_version" --no-save --no-audit --no-fund --ignore-scripts --loglevel error \
        "axe-core@$axe_version" >/dev/null
fi
if ! echo "$axe_sha256  $axe" | sha256sum --check --status; then
    printf 'error: %s is not the file that the tests expect\n\nhint: remove it, and run again\n' "$axe" >&2
    exit 1
fi

# has_nextest: whether the tests can run side by side.
has_nextest() { command -v cargo-nextest >/dev/null; }

# make_pages: has the report's tests write their pages. Where LibTorch is set up, the package is chosen out of the whole workspace:
# named alone, it is built with other features, and so is all that it depends on, once more.
make_pages() {
    if has_nextest && [ -e external/libtorch ]; then
        "$cargo" nextest run --locked --workspace --no-fail-fast -E 'package(labelproof-report) & test(tests::)'
    else
        "$cargo" test --locked -p labelproof-report --lib --no-fail-fast -- tests::
    fi
}

# test_pages FILTER…: in the browser.
test_pages() {
    if has_nextest; then
        "$cargo" nextest run --locked --manifest-path tests/browser/Cargo.toml --no-fail-fast "$@"
    else
        "$cargo" test --locked --manifest-path tests/browser/Cargo.toml --tests --no-fail-fast -- "$@"
    fi
}

# Only the pages of today: what a test no longer makes is not tested. Browsers that were killed leave folders behind.
rm -rf "$pages" "$pictures" "$target"/tmp/chromium-*
if ! LABELPROOF_REPORT_PAGES=$pages make_pages >"$target/pages.log" 2>&1; then
    tail -n 40 "$target/pages.log" >&2
    printf 'error: the pages of the tests of the report could not be made\n' >&2
    exit 1
fi
# A smaller twin of twenty-labels.html, kept for its cost.
rm -f "$pages"/*.md "$pages/any-number.html"
if [ -e artifacts/report/index.html ]; then cp artifacts/report/index.html "$pages/artifacts.html"; fi

export LABELPROOF_BROWSER_PAGES="$pages" LABELPROOF_BROWSER_PICTURES="$pictures" LABELPROOF_BROWSER_AXE="$axe"
export LABELPROOF_BROWSER_CHROMIUM="$chromium"
# A folder of its own: its dependencies have other features than those of the product.
CARGO_TARGET_DIR=$target test_pages "$@"
echo "pictures of every page are in $pictures"
