"""What is explored exhaustively; `python -m tests.reliability.tours [NAME ...]` takes the long tours."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.reliability.exhaustive import ResumableStepwise, Scenario, explore

if TYPE_CHECKING:
    from collections.abc import Iterator

RENEWING = frozenset({0})
LONG = 12.0
"""Past ten leases: what an owner gets whom the kernel says to be alive."""

QUICK = {
    "acquire, publish, end": Scenario([1, 1], preemptions=2),
    "two threads and a process": Scenario([2, 1], is_one_kernel=True, preemptions=1),
    "take-over while the owner wakes": Scenario([1, 1], jumps=1, preemptions=1),
    "the owner dies": Scenario([1, 1], is_one_kernel=True, crashes=1, preemptions=0),
    "replaced while it is read": Scenario([1, 1], renews=RENEWING, preemptions=1),
}
FULL = {
    "acquire, publish, end": Scenario([1, 1]),
    "two threads": Scenario([2], is_one_kernel=True, preemptions=3),
    "replaced while it is read": Scenario([1, 1], renews=RENEWING),
    "replaced by both": Scenario([1, 1], renews=frozenset({0, 1}), preemptions=3),
    "take-over while the owner wakes": Scenario([1, 1], jumps=1, preemptions=2),
    "the same on one kernel": Scenario([1, 1], is_one_kernel=True, jumps=1, jump_sec=LONG, preemptions=1),
    "the same, and it goes on": Scenario([1, 1], jumps=1, preemptions=1, config=ResumableStepwise()),
    "the owner dies": Scenario([1, 1], crashes=1, preemptions=1),
    "the owner dies, and it goes on": Scenario(
        [1, 1], is_one_kernel=True, crashes=1, preemptions=1, config=ResumableStepwise()
    ),
    "dies while it is replaced": Scenario([1, 1], renews=RENEWING, crashes=1, preemptions=1),
    "two threads and a process": Scenario([2, 1], is_one_kernel=True, preemptions=2),
    "three processes": Scenario([1, 1, 1], preemptions=2),
}


@contextmanager
def in_memory() -> Iterator[str]:
    """A directory in memory, where there is one: ten thousand schedules are ten thousand stores."""
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    directory = tempfile.mkdtemp(dir=place, prefix="furu-test-")
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


def main() -> int:
    """Take them; 1 if a promise was broken."""
    is_broken = False
    for name in sys.argv[1:] or FULL:
        began = time.monotonic()
        with in_memory() as directory:
            tour = explore(directory, FULL[name])
        print(
            f"{name}: {time.monotonic() - began:.0f} s, {list(tour.violations) or 'every promise was kept'}", flush=True
        )
        is_broken = is_broken or bool(tour.violations)
    return int(is_broken)


if __name__ == "__main__":
    sys.exit(main())
