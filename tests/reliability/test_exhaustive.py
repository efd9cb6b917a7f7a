"""Every interleaving of two or three actors' storage calls, as far as the scenario bounds it; and broken locks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.reliability import broken_locks
from tests.reliability.exhaustive import Scenario, Tour, explore
from tests.reliability.test_explorer import late_registration
from tests.reliability.tours import QUICK, in_memory

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def memory() -> Iterator[str]:
    with in_memory() as directory:
        yield directory


def check(tour: Tour) -> None:
    assert tour.violations == {}
    assert tour.ends > 10
    assert tour.interleavings >= tour.ends


@pytest.mark.parametrize("name", QUICK)
def test_f22_every_interleaving(name: str, memory: str) -> None:
    """I1-I4, I6, I7, I10-I12, with few changes of turn; `make chaos` takes the long tours."""
    check(explore(memory, QUICK[name]))


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
            "I12: computed 2 times without a fault",
            id="a lease known to its process too late",
        ),
    ],
)
def test_f23_exhaustive_controls(scenario: Scenario, caught: str, memory: str) -> None:
    """The same explorer sees the faults of broken locks."""
    assert caught in explore(memory, scenario, until=caught).violations
