"""Every interleaving of two or three actors' storage calls, as far as the scenario bounds it; and broken locks."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.reliability import broken_locks
from tests.reliability.exhaustive import ResumableStepwise, Scenario, Tour, explore
from tests.reliability.test_explorer import late_registration

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
    "two threads": Scenario([2], is_one_kernel=True),
    "replaced while it is read": Scenario([1, 1], renews=RENEWING),
    "replaced by both": Scenario([1, 1], renews=frozenset({0, 1}), preemptions=3),
    "take-over while the owner wakes": Scenario([1, 1], jumps=1, preemptions=3),
    "the same on one kernel": Scenario([1, 1], is_one_kernel=True, jumps=1, jump_sec=LONG, preemptions=2),
    "the same, and it goes on": Scenario([1, 1], jumps=1, preemptions=2, config=ResumableStepwise()),
    "the owner dies": Scenario([1, 1], crashes=1, preemptions=2),
    "the owner dies, and it goes on": Scenario(
        [1, 1], is_one_kernel=True, crashes=1, preemptions=1, config=ResumableStepwise()
    ),
    "dies while it is replaced": Scenario([1, 1], renews=RENEWING, crashes=1, preemptions=1),
    "two threads and a process": Scenario([2, 1], is_one_kernel=True, preemptions=2),
    "three processes": Scenario([1, 1, 1], preemptions=2),
}


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[str]:
    """A directory in memory, where there is one: ten thousand schedules are ten thousand stores."""
    if not Path("/dev/shm").is_dir():
        yield str(tmp_path)
        return
    directory = tempfile.mkdtemp(dir="/dev/shm", prefix="furu-test-")
    yield directory
    shutil.rmtree(directory)


def check(tour: Tour) -> None:
    assert tour.violations == {}
    assert tour.ends > 10
    assert tour.interleavings >= tour.ends


@pytest.mark.parametrize("name", QUICK)
def test_f22_every_interleaving_with_few_changes_of_turn(name: str, memory: str) -> None:
    """I1-I4, I6, I7, I10-I12."""
    check(explore(memory, QUICK[name]))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", FULL)
def test_f22_every_interleaving(name: str, memory: str) -> None:
    check(explore(memory, FULL[name]))


@pytest.mark.parametrize(
    ("scenario", "caught"),
    [
        pytest.param(
            Scenario([1, 1], jumps=1, preemptions=2, alter=broken_locks.unfenced_publish),
            "I2: the published result changed",
            id="publish without the token",
        ),
        pytest.param(
            Scenario([1, 1], jumps=1, preemptions=2, alter=broken_locks.unlinked_lock),
            "I2: the published result changed",
            id="lock file unlinked by path",
        ),
        pytest.param(
            Scenario([1, 1], jumps=1, preemptions=2, alter=broken_locks.shared_files),
            "two live writers in one directory",
            id="one directory for all attempts",
        ),
        pytest.param(
            Scenario([2], is_one_kernel=True, preemptions=2, alter=late_registration),
            "a lease was lost without a fault",
            id="a lease known to its process too late",
        ),
    ],
)
def test_f23_exhaustive_controls(scenario: Scenario, caught: str, memory: str) -> None:
    """The same explorer sees the faults of broken locks."""
    assert caught in explore(memory, scenario, is_first_enough=True).violations
