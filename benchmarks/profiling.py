"""Where the time of a run goes: `python -m benchmarks.profiling DIRECTORY N` profiles the worker thread of a run."""

from __future__ import annotations

import cProfile
import json
import os
import pstats
import sys
import threading
from collections import Counter
from typing import Any, Final

from benchmarks.configs import layered
from furu.execution import run_local

_PARTS: Final = (
    ("waiting for locks", ("acquire' of '_thread.lock",)),
    ("calls on the filesystem", ("built-in method posix.",)),
    ("JSON", ("/json/", "_json")),
    ("logging", ("/logging/", "/furu/logs.py")),
    ("identity: hash, encoding", ("/furu/identity/",)),
    ("storage: records, lock, metadata", ("/furu/storage/",)),
    ("lifecycle: attempt, lease", ("/furu/lifecycle/",)),
    ("settings", ("/furu/config/", "<frozen os>", "<frozen _collections_abc>")),
    ("scheduling and report", ("/furu/execution/",)),
)


def main() -> None:
    """Print the share of each part, as JSON; the profiler itself makes Python code look slower than it is."""
    directory, count = sys.argv[1], int(sys.argv[2])
    os.environ.update(FURU_PATH=f"{directory}/profiled", FURU_FSYNC="0", FURU_LOG_LEVEL="ERROR")
    profiles: list[cProfile.Profile] = []

    def begin(*_event: Any) -> None:
        profiles.append(cProfile.Profile())
        profiles[-1].enable()

    nodes = layered(count)
    for node in nodes:
        str(node.furu_hash)
    threading.setprofile(begin)
    run_local(nodes, max_workers=1)
    threading.setprofile(None)
    shares: Counter[str] = Counter()
    for profile in profiles:
        for (file, _, function), figures in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
            shares[_part_of(f"{file} {function}")] += figures[2]
    busy = sum(shares.values()) - shares.pop("waiting for locks", 0.0)
    print(json.dumps({part: taken / busy for part, taken in shares.most_common()}))


def _part_of(function: str) -> str:
    return next((part for part, marks in _PARTS if any(mark in function for mark in marks)), "other Python code")


if __name__ == "__main__":
    main()
