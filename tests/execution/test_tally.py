"""What a run has to show, from what happened and when: counts, rates, estimates."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furu.execution.reporting.tally import SHOWN_RUNNING, ClassCount, Eta, Running, State, Tally, estimate
from furu.execution.scheduling.outcomes import Status

WAITING, RUNNING, DONE, ELSEWHERE = State.WAITING, State.RUNNING, State.DONE, State.ELSEWHERE


def namespace_of(node: str) -> str:
    """`a3` is a node of class `m/a`."""
    return f"m/{node[0]}"


def tally(**found: tuple[State, int]) -> Tally:
    """A tally begun at 100 s."""
    begun = Tally(namespace_of, 100.0)
    begun.expect((f"m/{name}", state) for name, (state, count) in found.items() for _ in range(count))
    return begun


def compute(counted: Tally, node: str, start: float, end: float, status: Status = Status.SUCCEEDED) -> None:
    counted.started(node, start)
    counted.ended(node, status, (), end, end - start)


def counts(counted: Tally, name: str = "a") -> dict[str, int]:
    entry = next(each for each in counted.snapshot(100.0, {}).classes if each.namespace == f"m/{name}")
    return {state.value: count for state, count in entry.counts.items() if count}


class TestCounts:
    def test_nodes_count_as_they_were_found(self):
        counted = tally(a=(DONE, 2), b=(WAITING, 3), c=(ELSEWHERE, 1))
        assert {"done": 2} == counts(counted)
        assert {"waiting": 3} == counts(counted, "b")
        seen = counted.snapshot(100.0, {})
        assert (6, 2, 3) == (seen.total, seen.count(DONE), seen.count(WAITING))

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            pytest.param(Status.SUCCEEDED, {"waiting": 1, "done": 1}, id="succeeded"),
            pytest.param(Status.FAILED, {"waiting": 1, "failed": 1}, id="failed"),
            pytest.param(Status.DELAYED, {"waiting": 2}, id="pauses-before-a-retry"),
            pytest.param(Status.READY, {"waiting": 2}, id="interrupted"),
            pytest.param(Status.EXTERNAL, {"waiting": 1, "elsewhere": 1}, id="met-another-owner"),
        ],
    )
    def test_an_end_counts_as_the_schedule_judges_it(self, status, expected):
        counted = tally(a=(WAITING, 2))
        counted.started("a1", 101.0)
        assert {"waiting": 1, "running": 1} == counts(counted)
        counted.ended("a1", status, (), 102.0, 1.0)
        assert expected == counts(counted)
        assert () == counted.snapshot(102.0, {}).oldest

    def test_nodes_that_a_failure_rules_out_are_skipped(self):
        counted = tally(a=(WAITING, 1), b=(WAITING, 3))
        counted.started("a1", 101.0)
        counted.ended("a1", Status.FAILED, ("b1", "b2"), 102.0, None)
        assert {"waiting": 1, "skipped": 2} == counts(counted, "b")

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            pytest.param(Status.SUCCEEDED, {"done": 1}, id="published"),
            pytest.param(Status.FAILED, {"failed": 1}, id="failed"),
            pytest.param(Status.WAITING, {"waiting": 1}, id="gone"),
        ],
    )
    def test_other_owners_end_too(self, status, expected):
        counted = tally(a=(ELSEWHERE, 1))
        counted.owner_ended("a1", status, ())
        assert expected == counts(counted)

    @given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(list(Status)[3:])), max_size=60))
    def test_no_node_is_ever_lost(self, ends):
        counted = tally(a=(WAITING, 60), b=(WAITING, 60))
        for number, (name, status) in enumerate(ends):
            compute(counted, f"{name}{number}", 100.0 + number, 101.0 + number, status)
        assert 120 == counted.snapshot(200.0, {}).total


class TestRunning:
    def test_the_slowest_come_first(self):
        counted = tally(a=(WAITING, 20))
        for number in range(10):
            counted.started(f"a{number}", 100.0 + number)
        counted.ended("a0", Status.DELAYED, (), 110.0, None)
        counted.started("a0", 111.0)
        oldest = counted.snapshot(120.0, {}).oldest
        assert [Running(f"a{number}", "m/a", 20.0 - number) for number in range(1, 1 + SHOWN_RUNNING)] == list(oldest)


class TestRate:
    def test_there_is_none_before_the_first_end(self):
        assert tally(a=(WAITING, 1)).snapshot(130.0, {}).rate is None

    def test_a_young_run_counts_from_its_beginning(self):
        counted = tally(a=(WAITING, 9))
        for number in range(4):
            compute(counted, f"a{number}", 100.0, 100.5 + number)
        assert 4 / 5.0 == counted.snapshot(105.0, {}).rate

    def test_an_old_run_counts_the_last_half_minute(self):
        counted = tally(a=(WAITING, 1000))
        for number in range(300):
            compute(counted, f"a{number}", 100.0, 100.0 + number)
        assert 1.0 == pytest.approx(counted.snapshot(399.99, {}).rate, abs=0.02)
        assert 0.0 == counted.snapshot(500.0, {}).rate

    def test_failures_are_no_progress(self):
        counted = tally(a=(WAITING, 1))
        compute(counted, "a1", 100.0, 101.0, Status.FAILED)
        assert counted.snapshot(102.0, {}).rate is None


class TestDurations:
    def test_what_this_run_saw_beats_what_is_recorded(self):
        counted = tally(a=(WAITING, 9), b=(WAITING, 1))
        compute(counted, "a1", 100.0, 102.0)
        compute(counted, "a2", 100.0, 104.0)
        compute(counted, "a3", 100.0, 190.0)
        typical = {
            each.namespace: each.typical_sec for each in counted.snapshot(190.0, {"m/a": 7.0, "m/b": 8.0}).classes
        }
        assert {"m/a": 4.0, "m/b": 8.0} == typical

    def test_a_node_that_was_there_already_says_nothing_of_its_class(self):
        counted = tally(a=(WAITING, 2))
        counted.started("a1", 100.0)
        counted.ended("a1", Status.SUCCEEDED, (), 100.1, None)
        assert counted.snapshot(101.0, {}).classes[0].typical_sec is None

    def test_what_is_unknown_is_asked_for_once_work_has_begun(self):
        counted = tally(a=(WAITING, 3), b=(WAITING, 1), c=(DONE, 1))
        assert [] == counted.unknown()
        counted.started("a1", 100.0)
        assert ["m/a", "m/b"] == counted.unknown()
        counted.ended("a1", Status.SUCCEEDED, (), 101.0, 1.0)
        assert ["m/b"] == counted.unknown()


def a_class(name: str, typical_sec: float | None, **found: int) -> ClassCount:
    return ClassCount(f"m/{name}", Counter({State(state): count for state, count in found.items()}), typical_sec)


ESTIMATES = [
    pytest.param([a_class("a", 10.0, waiting=8)], [], 4, Eta(20.0, True), id="shared-out"),
    pytest.param([a_class("a", 10.0, waiting=1)], [], 4, Eta(10.0, True), id="not-less-than-one-node"),
    pytest.param([a_class("a", None, waiting=8)], [], 4, None, id="unknown"),
    pytest.param(
        [a_class("a", 10.0, waiting=4), a_class("b", None, waiting=1)], [], 2, Eta(20.0, False), id="partly-unknown"
    ),
    pytest.param([a_class("a", None, done=3)], [], 1, Eta(0.0, True), id="nothing-left"),
    pytest.param([a_class("a", 10.0, running=1)], [4.0], 1, Eta(6.0, True), id="the-rest-of-what-runs"),
    pytest.param([a_class("a", 10.0, running=2)], [4.0, 9.0], 2, Eta(6.0, True), id="the-longest-rest"),
    pytest.param([a_class("a", 10.0, running=1)], [11.0], 1, None, id="overdue"),
    pytest.param([a_class("a", 10.0, running=1, waiting=2)], [11.0], 2, Eta(10.0, False), id="overdue-and-more"),
    pytest.param([a_class("a", None, running=1)], [1.0], 1, None, id="running-unknown"),
    pytest.param([a_class("a", 10.0, elsewhere=1)], [], 1, None, id="elsewhere"),
    pytest.param([a_class("a", 10.0, elsewhere=1, waiting=1)], [], 1, Eta(10.0, False), id="elsewhere-and-more"),
]


@pytest.mark.parametrize(("classes", "ages", "workers", "expected"), ESTIMATES)
def test_estimates(classes, ages, workers, expected):
    assert expected == estimate(classes, [Running(f"a{age}", "m/a", age) for age in ages], workers)


def test_the_workers_of_an_estimate_are_those_of_the_last_start():
    """At the moment when a node has just ended, its worker is about to take another."""
    counted = tally(a=(WAITING, 10))
    compute(counted, "a1", 100.0, 110.0)
    counted.started("a2", 110.0)
    counted.started("a3", 110.0)
    counted.ended("a2", Status.SUCCEEDED, (), 120.0, 10.0)
    assert Eta(35.0, False) == counted.snapshot(120.0, {}).eta
