"""Run a command with a Slurm cluster around it.

python -m tests.slurm.cluster [--no-accounting] [COMMAND ...]      (default command: a shell)
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from tests.slurm.cluster.cluster import Cluster


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.slurm.cluster", description=__doc__)
    parser.add_argument("--no-accounting", action="store_true", help="no slurmdbd: sacct fails")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    started = time.monotonic()
    with Cluster(accounting=not given.no_accounting) as cluster:
        print(f"slurm cluster up in {time.monotonic() - started:.1f} s: {cluster.directory}", file=sys.stderr)
        command = given.command or [os.environ.get("SHELL", "/bin/sh")]
        return subprocess.run(command, env=cluster.environ(), check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
