"""`python -m tests.chaos [--minutes 10] [--workers 12] [--seed N] [--fuse]`: one storm, and what the checker says."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time

from tests.chaos import mounts, storm


def main() -> int:
    """Run; 0 when no promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=12)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--fuse", action="store_true", help="three mounts with stale caches, a host on each")
    parser.add_argument("--directory", help="keep everything there; must not exist")
    given = parser.parse_args()
    if given.fuse and (reason := mounts.why_no_fuse()):
        print(f"!!! no FUSE mounts: {reason}", file=sys.stderr)
        return int(os.environ.get("CI") == "true")
    directory = given.directory or tempfile.mkdtemp(prefix="furu-chaos-")
    os.makedirs(directory, exist_ok=True)
    print(f"{given.minutes} minutes, {given.workers} workers, seed {given.seed}, {directory}", flush=True)
    report = storm.run(directory, given.minutes * 60, given.workers, given.seed, is_cached=given.fuse)
    print(json.dumps(report, indent=2))
    is_broken = any(report["violations"].values())
    if not is_broken and not given.directory:
        shutil.rmtree(directory)
    print("BROKEN" if is_broken else "every promise was kept")
    return int(is_broken)


if __name__ == "__main__":
    sys.exit(main())
