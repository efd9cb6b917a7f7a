#!/usr/bin/env bash
# tools/find-pythons.sh --except PYTHON VERSION...   prints those versions that start here and aren't PYTHON's own
# tools/find-pythons.sh --path VERSION               prints the interpreter of that version; fails if there is none
#
# A name on PATH proves nothing: pyenv puts a python3.12 there that only says which versions it could start, so
# every candidate is run, and pyenv's own versions are looked at too.
set -euo pipefail

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

find_python() {
    local version=$1 candidate
    for candidate in "python$version" "$(pyenv root 2>/dev/null)"/versions/"$version".*/bin/python; do
        if [ "$(version_of "$candidate")" = "$version" ]; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

case $1 in
--path)
    find_python "$2"
    ;;
--except)
    main=$(version_of "$2") || main=
    shift 2
    for version; do
        if [ "$version" != "$main" ] && find_python "$version" >/dev/null; then
            echo "$version"
        fi
    done
    ;;
esac
