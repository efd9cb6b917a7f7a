"""Ten thousand artifacts in one call."""

from __future__ import annotations

import os
import signal
from collections import Counter
from functools import partial
from typing import Any

import pytest

import furu
from furu.lifecycle.lease import THIS_PROCESS
from furu.storage.atomic import Disk
from tests.evolution.shapes import New, Old, OldParent
from tests.evolution.stores import publish
from tests.support.fresh import exit_code, fork, run_fresh


class Counting(Disk):
    """Counts every call; ends the process at a given rename."""

    def __init__(self, last_rename: int = 0) -> None:
        self.calls: Counter[str] = Counter()
        self._last = last_rename

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_") or name in ("calls", "now", "sleep"):
            return found
        return partial(self._call, name, found)

    def _call(self, name: str, function: Any, *arguments: Any, **options: Any) -> Any:
        self.calls[name] += 1
        if name == "rename" and self.calls[name] == self._last:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)


def fill(artifacts: int, first: int = 0) -> None:
    for number in range(first, first + artifacts // 2):
        part = Old(learning_rate=float(number))
        publish(part, "old")
        publish(OldParent(part=part), "parent")


def test_the_calls_of_a_migration_grow_with_the_artifacts_and_no_faster(monkeypatch):
    totals = []
    for artifacts, first in ((20, 0), (40, 1_000)):
        fill(artifacts, first)
        disk = Counting()
        with monkeypatch.context() as patch:
            patch.setattr(THIS_PROCESS, "disk", disk)
            plan = furu.plan_migrations(New)
            disk.calls.clear()
            assert artifacts == plan.apply().made
        totals.append(disk.calls.total() / artifacts)
    assert totals[1] <= totals[0] < 12


def die_half_way(artifacts: int) -> None:
    def apply() -> None:
        plan = furu.plan_migrations()
        THIS_PROCESS.disk = Counting(last_rename=artifacts // 2)
        plan.apply()

    assert -signal.SIGKILL == exit_code(fork(apply))


@pytest.mark.slow
def test_ten_thousand_artifacts_are_migrated_in_one_call_killed_half_way_and_resumed(own_store):
    fill(10_000)
    run_fresh(die_half_way, 10_000)
    plan = furu.plan_migrations()
    assert 10_000 == len(plan.aliases) + plan.done
    assert 4_000 < plan.done < 6_000
    assert len(plan.aliases) == plan.apply().made
    assert ((), 10_000) == (furu.plan_migrations().aliases, len(New.all_successful()) * 2)
    assert 2 == len(os.listdir(own_store / "migrations")) - sum(
        name.endswith(".new") for name in os.listdir(own_store / "migrations")
    )
