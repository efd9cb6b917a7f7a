#!/usr/bin/env bash
# try-again.sh PYTHON NOTES
# After tests failed: each that did once more, alone. Those that pass then are named in the file NOTES.
set -euo pipefail
python=$1 notes=$2

failed=$("$python" -c 'import json; print(*json.load(open(".pytest_cache/v/cache/lastfailed")), sep="\n")')
echo "!!! tests failed; each that did is tried once more, alone"
"$python" -m pytest --numprocesses=0 --last-failed --last-failed-no-failures=none
mkdir -p "$(dirname "$notes")"
sed "s|^|$("$python" -V)  |" <<<"$failed" >>"$notes"
