#!/usr/bin/env bash
# tools/apt-install.sh PACKAGE...: install those Debian packages that are missing.
#
# Without root or apt it says so and goes on, for what needs them is skipped then; with CI=true that is a failure.
set -euo pipefail

missing=()
for package; do
    if [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
        missing+=("$package")
    fi
done
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

give_up() {
    echo "!!! MISSING DEBIAN PACKAGES: ${missing[*]} ($1)" >&2
    if [ "${CI:-}" = true ]; then
        exit 1
    fi
    exit 0
}

if ! command -v apt-get >/dev/null; then
    give_up "no apt-get here"
fi
if [ "$(id -u)" -ne 0 ]; then
    give_up "not root; run: apt-get install ${missing[*]}"
fi
# Packages of daemons must not start them: the tests start their own, on ports of their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt=(apt-get --quiet --quiet -o DPkg::Lock::Timeout=300)
"${apt[@]}" update || give_up "apt-get update failed"
"${apt[@]}" install --yes --no-install-recommends "${missing[@]}" || give_up "apt-get install failed"
