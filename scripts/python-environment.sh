# shellcheck shell=sh
# Shared by the scripts that need packages of Python.

# python_environment FOLDER LIST: the packages of a list in FOLDER/venv, which is kept. What was asked for lies beside what
# was made of it: another list makes it anew.
python_environment() {
    mkdir -p "$1"
    if cmp -s "$2" "$1/venv/requirements.txt"; then return; fi
    rm -rf "$1/venv"
    "${PYTHON:-python3}" -m venv "$1/venv" || {
        printf "error: Python's venv is not installed\n\nhint: install the package python3-venv\n" >&2
        exit 1
    }
    "$1/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$2"
    cp "$2" "$1/venv/requirements.txt"
}
