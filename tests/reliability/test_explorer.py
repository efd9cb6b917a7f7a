"""Random schedules of several actors, with crashes and jumps of the clock; and broken locks, which must be caught."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.reliability import broken_locks
from tests.reliability.simulation import ResumablePair, SimulatedPair, StillHeart, Story, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from furu.lifecycle.get import Request

TOPOLOGIES = ([1, 1], [2], [1, 1, 1], [2, 1], [3])
"""Threads of each process."""
FAULTS: dict[str, dict[str, float]] = {
    "calm": {},
    "crashes": {"crash_chance": 0.02},
    "jumps": {"jump_chance": 0.15},
    "crashes and jumps": {"crash_chance": 0.02, "jump_chance": 0.1},
    "late replies": {"late_chance": 0.03, "jump_chance": 0.01},
    "failures": {"failure_chance": 0.15, "crash_chance": 0.01},
}


def explore(root: Path, seeds: range, **options: Any) -> tuple[Counter[str], Story]:
    """Broken promises with how often, and the sums of all stories."""
    violations: Counter[str] = Counter()
    total = Story()
    for seed in seeds:
        directory = root / str(seed)
        directory.mkdir()
        world = World(
            seed, str(directory), processes=TOPOLOGIES[seed % 5], is_one_kernel=bool(seed // 5 % 2), **options
        )
        story = world.run()
        for violation in story.violations:
            violations[violation] += 1
            if violations[violation] == 1:
                print(f"seed {seed} {options}: {violation}", *world.trace[-80:], sep="\n    ")
        total.steps += story.steps
        total.crashes += story.crashes
        total.computes += story.computes
        total.lost += story.lost
        shutil.rmtree(directory)
    print(f"{len(seeds)} schedules, {total}")
    return violations, total


def check(tmp_path: Path, seeds: range, faults: str, **options: Any) -> Story:
    violations, total = explore(tmp_path, seeds, **FAULTS[faults], **options)
    assert not violations
    return total


@pytest.mark.parametrize("config", [SimulatedPair(), ResumablePair()], ids=["own files", "resumable"])
@pytest.mark.parametrize("faults", FAULTS)
def test_f22_explorer(config: SimulatedPair, faults: str, tmp_path: Path) -> None:
    """I1-I4, I6, I7, I10-I12 hold in every schedule."""
    total = check(tmp_path, range(20), faults, config=config)
    assert total.steps > 20 * 30
    assert bool(total.crashes) == ("crash_chance" in FAULTS[faults])


@pytest.mark.parametrize("faults", FAULTS)
def test_f22_explorer_of_replaced_results(faults: str, tmp_path: Path) -> None:
    """I2: a published result is only ever replaced, by a holder of the lease, and never missing."""
    check(tmp_path, range(1000, 1012), faults, is_republish=True)


@pytest.mark.slow
@pytest.mark.parametrize("is_republish", [False, True], ids=["first", "replaced"])
@pytest.mark.parametrize("config", [SimulatedPair(), ResumablePair()], ids=["own files", "resumable"])
@pytest.mark.parametrize("faults", FAULTS)
def test_f22_explorer_at_length(config: SimulatedPair, faults: str, is_republish: bool, tmp_path: Path) -> None:
    check(tmp_path, range(10_000, 10_250), faults, config=config, is_republish=is_republish)


@pytest.mark.parametrize(
    ("alter", "caught"),
    [
        pytest.param(broken_locks.unfenced_publish, "I2: the published result changed", id="publish without the token"),
        pytest.param(broken_locks.unlinked_lock, "I2: the published result changed", id="lock file unlinked by path"),
        pytest.param(broken_locks.shared_files, "TORN", id="one directory for all attempts"),
    ],
)
def test_f23_explorer_controls(alter: Callable[[Any], None], caught: str, tmp_path: Path) -> None:
    """The same checker sees the faults of broken locks, and soon."""
    violations, _ = explore(tmp_path, range(60), **FAULTS["crashes and jumps"], alter=alter)
    assert any(violation.startswith(caught) for violation in violations), violations


def test_f16_f23_explorer_control_of_threads(tmp_path: Path) -> None:
    """A lease that is known to its process only after others can see it is taken for leaked by a sibling thread."""
    violations, _ = explore(tmp_path, range(60), alter=late_registration)
    assert "a lease was lost without a fault" in violations or "I12: computed 2 times without a fault" in violations


def late_registration(request: Request) -> None:
    if not isinstance(request.participant.heart, LateHeart):
        request.participant.heart = LateHeart()


class LateHeart(StillHeart):
    def __contains__(self, token: object) -> bool:
        return any(lease.token == token and lease.is_held for lease in self._leases.values())
