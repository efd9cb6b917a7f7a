"""The Debian packages a cluster needs: which are missing, and how to install them.

python tests/slurm/cluster/packages.py      installs what is missing; needs root
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

LIST = Path(__file__).parents[1] / "debian-packages.txt"
POLICY = Path("/usr/sbin/policy-rc.d")
COMMAND_OF = {
    "munge": "munged",
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "slurm-client": "sbatch",
    "slurmdbd": "slurmdbd",
    "mariadb-server-core": "mariadbd",
}
PLUGIN_OF = {"slurm-wlm-mysql-plugin": "*/slurm-wlm/accounting_storage_mysql.so"}
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


class InstallError(RuntimeError):
    """apt-get refused; the message is what it said last."""


def read_list() -> list[str]:
    """Every package named in debian-packages.txt."""
    return [line for line in LIST.read_text().split("\n") if line and not line.startswith("#")]


def missing() -> list[str]:
    """The packages whose program or plugin isn't on this machine."""
    return [package for package in read_list() if not _is_here(package)]


def _is_here(package: str) -> bool:
    if package in PLUGIN_OF:
        return any(Path("/usr/lib").glob(PLUGIN_OF[package]))
    return shutil.which(COMMAND_OF[package], path=SEARCH_PATH) is not None


def install(packages: list[str]) -> None:
    """apt-get install, with the packages kept from starting daemons of their own."""
    if not packages:
        return
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300"]
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    has_policy = POLICY.exists()
    if not has_policy:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        for argv in ([*apt, "update"], [*apt, "install", "-y", "--no-install-recommends", *packages]):
            done = subprocess.run(argv, env=environ, check=False, capture_output=True, text=True, timeout=600)
            if done.returncode != 0:
                raise InstallError("\n".join(done.stderr.splitlines()[-3:]))
    finally:
        if not has_policy:
            POLICY.unlink()


if __name__ == "__main__":
    absent = missing()
    print("missing:", " ".join(absent) or "nothing", file=sys.stderr)
    install(absent)
