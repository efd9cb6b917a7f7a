#!/usr/bin/env bash
# tools/make-venv.sh PYTHON DIRECTORY: make a virtual environment with pip in it, unless a working one is there.
set -euo pipefail
python=$1
directory=$2

if "$directory/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "!!! $python doesn't start, or is older than 3.11. Name another: make PYTHON=/path/to/python3.11 ..." >&2
    exit 1
fi
rm -rf "$directory"
if "$python" -m venv "$directory" >/dev/null 2>&1; then
    exit 0
fi

# Debian keeps the half of venv that brings pip in a package of its own. virtualenv does without it.
rm -rf "$directory"
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
if env -u PIP_CONSTRAINT "$python" -m pip install --quiet --target "$tools" virtualenv &&
    PYTHONPATH=$tools "$python" -m virtualenv --quiet "$directory"; then
    exit 0
fi
rm -rf "$directory"
echo "!!! $python can't make a virtual environment. On Debian: apt-get install python3-venv" >&2
exit 1
