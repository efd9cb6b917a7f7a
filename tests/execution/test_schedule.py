"""The scheduler, step by step: order, windows, limits, and what each end means for the rest."""

from __future__ import annotations

from typing import Any

import pytest

from furu.execution.scheduling.outcomes import Failure, Outcome, RunReport, Start, Status, Verdict
from furu.execution.scheduling.retries import RetryPolicy
from furu.execution.scheduling.schedule import Schedule
from tests.execution.schedule_steps import DIAMOND, FAILED, PAIRS, run_one_by_one, schedule_of, succeed, taken


class TestOrder:
    def test_dependencies_first_and_shared_ones_once(self) -> None:
        assert run_one_by_one(schedule_of(DIAMOND, "top")) == ["base", "left", "right", "top"]

    def test_depth_first_within_a_root_and_earlier_roots_first(self) -> None:
        expected = ["a1", "b1", "r1", "a2", "b2", "r2"]
        assert run_one_by_one(schedule_of(PAIRS, "r1 r2")) == expected

    def test_nodes_that_no_root_needs_are_left_alone(self) -> None:
        schedule = schedule_of(PAIRS, "r2")
        assert run_one_by_one(schedule) == ["a2", "b2", "r2"]
        assert schedule.report() == RunReport(("a2", "b2", "r2"), {}, {}, ())

    @pytest.mark.parametrize("roots", ["", "old"])
    def test_nothing_to_do_is_finished_at_once(self, roots: str) -> None:
        schedule = schedule_of({}, roots, done={"old"})
        assert schedule.is_finished
        assert schedule.take(0) == []
        assert schedule.wake_at() is None

    def test_what_is_done_already_may_be_named(self) -> None:
        schedule = schedule_of({"r": "old new", "new": "old"}, "old r", done={"old"})
        assert run_one_by_one(schedule) == ["new", "r"]

    def test_a_start_says_which_attempt_and_what_for(self) -> None:
        schedule = schedule_of({"a": ""}, "a", keys={"a": "gpu"}, retries=RetryPolicy(max_retries=1))
        assert schedule.take(0) == [Start("a", 1, "gpu", None)]
        schedule.finished("a", FAILED, 0)
        assert schedule.take(0) == [Start("a", 2, "gpu", FAILED)]


class TestWindow:
    def test_dfs_works_on_one_root_at_a_time(self) -> None:
        schedule = schedule_of(PAIRS, "r1 r2", window_size="dfs")
        assert taken(schedule) == ["a1", "b1"]
        succeed(schedule, "a1")
        assert taken(schedule) == []
        succeed(schedule, "b1")
        assert taken(schedule) == ["r1"]
        succeed(schedule, "r1")
        assert (schedule.open_roots, taken(schedule)) == (["r2"], ["a2", "b2"])

    def test_bfs_works_on_all(self) -> None:
        assert taken(schedule_of(PAIRS, "r1 r2 r3", window_size="bfs")) == ["a1", "b1", "a2", "b2", "a3", "b3"]

    def test_rolls_when_any_open_root_is_done_while_others_run(self) -> None:
        schedule = schedule_of({"r1": "", "r2": "", "r3": "", "r4": ""}, "r1 r2 r3 r4", window_size=2)
        assert taken(schedule) == ["r1", "r2"]
        succeed(schedule, "r2")
        assert (taken(schedule), schedule.open_roots) == (["r3"], ["r1", "r3"])

    @pytest.mark.parametrize("roots", ["inner outer", "outer inner", "outer outer inner"])
    def test_a_root_inside_another_one_is_not_done_twice(self, roots: str) -> None:
        schedule = schedule_of({"outer": "inner", "inner": "", "next": ""}, f"{roots} next", window_size="dfs")
        assert run_one_by_one(schedule) == ["inner", "outer", "next"]

    def test_a_root_that_another_root_brings_in_holds_its_place_until_it_is_done(self) -> None:
        schedule = schedule_of({"outer": "inner", "inner": "", "next": ""}, "outer inner next", window_size=2)
        assert (schedule.open_roots, taken(schedule)) == (["outer", "inner"], ["inner"])
        succeed(schedule, "inner")
        assert schedule.open_roots == ["outer", "next"]

    def test_a_node_that_became_ready_before_its_root_opened_starts_then(self) -> None:
        schedule = schedule_of({"r1": "shared", "r2": "shared", "shared": ""}, "r1 r2", window_size="dfs")
        assert run_one_by_one(schedule) == ["shared", "r1", "r2"]

    def test_a_failed_root_makes_room(self) -> None:
        schedule = schedule_of({"r1": "", "r2": ""}, "r1 r2", window_size="dfs", on_error="continue")
        assert run_one_by_one(schedule, failing="r1") == ["r1", "r2"]

    def test_a_skipped_root_makes_room_when_what_it_still_brings_is_done(self) -> None:
        schedule = schedule_of(PAIRS, "r1 r2", window_size="dfs", on_error="continue")
        assert run_one_by_one(schedule, failing="a1") == ["a1", "b1", "a2", "b2", "r2"]

    def test_a_pause_of_the_only_open_root_is_waited_for(self) -> None:
        """Nothing runs and nothing is ready, but the schedule says when to come back."""
        retries = RetryPolicy(max_retries=1, backoff=lambda failures: 5.0)
        schedule = schedule_of({"r1": "", "r2": ""}, "r1 r2", window_size="dfs", retries=retries)
        schedule.take(10)
        assert schedule.finished("r1", FAILED, 10).due_at == 15
        assert (schedule.take(14.9), schedule.wake_at(), schedule.is_finished) == ([], 15, False)
        assert (taken(schedule, now=15), schedule.wake_at()) == (["r1"], None)


FANS = {f"{key}{i}": "" for key in ("cpu", "gpu") for i in range(3)}


def fans(**options: Any) -> Schedule:
    """Three nodes of each key, all of them ready."""
    return schedule_of(FANS, " ".join(FANS), keys={node: node[:3] for node in FANS}, **options)


class TestLimits:
    @pytest.mark.parametrize(
        ("options", "free", "expected"),
        [
            pytest.param({}, None, "cpu0 cpu1 cpu2 gpu0 gpu1 gpu2", id="none"),
            pytest.param({"max_running": 4}, None, "cpu0 cpu1 cpu2 gpu0", id="in all"),
            pytest.param({"limits": {"cpu": 1}}, None, "cpu0 gpu0 gpu1 gpu2", id="of one key"),
            pytest.param({"limits": {"cpu": 1, "gpu": 1}, "max_running": 5}, None, "cpu0 gpu0", id="of both keys"),
            pytest.param({}, 2, "cpu0 cpu1", id="free in all"),
            pytest.param({}, 0, "", id="nothing free"),
            pytest.param({"max_running": 1}, 5, "cpu0", id="the smaller of both"),
            pytest.param({}, {"gpu": 2}, "gpu0 gpu1", id="free by key: a missing key has none"),
            pytest.param({"limits": {"gpu": 1}}, {"gpu": 2, "cpu": 1}, "cpu0 gpu0", id="free and limit by key"),
            pytest.param({"limits": {"other": 1}}, {"gpu": 0, "cpu": -1}, "", id="free of nothing"),
        ],
    )
    def test_bound_what_is_taken(self, options: dict[str, Any], free: Any, expected: str) -> None:
        assert taken(fans(**options), free) == expected.split()

    def test_an_end_makes_room_for_one(self) -> None:
        schedule = fans(limits={"gpu": 1}, max_running=3)
        assert taken(schedule) == ["cpu0", "cpu1", "cpu2"]
        succeed(schedule, "cpu1")
        assert taken(schedule) == ["gpu0"]
        succeed(schedule, "cpu0")
        assert (taken(schedule), schedule.running) == ([], 2)
        succeed(schedule, "gpu0")
        assert taken(schedule) == ["gpu1"]

    def test_the_backlog_tells_what_could_start(self) -> None:
        schedule = fans(limits={"gpu": 1}, max_running=3)
        assert schedule.backlog() == {"cpu": 3, "gpu": 3}
        schedule.take(0)
        assert schedule.backlog() == {"gpu": 3}
        schedule.stop()
        assert schedule.backlog() == {}


class TestStop:
    def test_starts_nothing_after_the_first_failure_and_lets_the_others_finish(self) -> None:
        schedule = schedule_of(PAIRS, "r1 r2")
        schedule.take(0, 3)
        error = ValueError("no data")
        verdict = schedule.finished("a1", FAILED, 0, error=error)
        because = "compute failed once, and none is forgiven"
        assert verdict == Verdict(Status.FAILED, because, None, ("r1",))
        assert (taken(schedule), schedule.is_stopped, schedule.is_finished) == ([], True, False)
        succeed(schedule, "b1", "a2")
        assert schedule.is_finished
        assert schedule.report() == RunReport(
            succeeded=("b1", "a2"),
            failed={"a1": Failure(FAILED, error, 1, because)},
            skipped={"r1": ("a1",)},
            unstarted=("b2", "r2"),
        )

    def test_a_failure_while_stopping_is_final_and_a_lost_worker_leaves_the_node_unstarted(self) -> None:
        schedule = schedule_of(dict.fromkeys("abc", ""), "a b c", retries=RetryPolicy(max_retries=9))
        schedule.take(0)
        schedule.stop()
        assert schedule.finished("a", FAILED, 0).status is Status.FAILED
        assert schedule.finished("b", Outcome.WORKER_LOST, 0).status is Status.READY
        assert schedule.finished("c", Outcome.PREEMPTED, 0).status is Status.READY
        report = schedule.report()
        assert schedule.is_finished
        assert (list(report.failed), report.unstarted) == (["a"], ("b", "c"))

    @pytest.mark.parametrize("on_error", ["stop", "continue"])
    def test_during_a_pause_the_last_failure_stands(self, on_error: str) -> None:
        retries = RetryPolicy(max_retries=1, backoff=lambda failures: 60.0)
        schedule = schedule_of({"a": "", "b": "", "r": "a b"}, "r", retries=retries, on_error=on_error)
        schedule.take(0)
        schedule.finished("b", FAILED, 0, error="second")
        schedule.finished("a", FAILED, 0, error="first")
        schedule.stop()
        assert (schedule.is_finished, schedule.wake_at()) == (True, None)
        because = "compute failed, and the run stops"
        expected = {"a": Failure(FAILED, "first", 1, because), "b": Failure(FAILED, "second", 1, because)}
        assert (schedule.report().failed, schedule.report().skipped) == (expected, {"r": ("a", "b")})

    def test_external_owners_are_not_waited_for(self) -> None:
        schedule = schedule_of({"theirs": ""}, "theirs", external="theirs")
        assert (schedule.awaits_external(), schedule.is_finished) == (("theirs",), False)
        schedule.stop()
        assert (schedule.awaits_external(), schedule.is_finished) == ((), True)

    @pytest.mark.parametrize("on_error", ["stop", "continue"])
    def test_a_protocol_failure_is_never_tried_again(self, on_error: str) -> None:
        """With "stop" it ends the run; with "continue" it is the failure of that node."""
        schedule = schedule_of({"a": "", "b": ""}, "a b", on_error=on_error, retries=RetryPolicy(max_retries=9))
        schedule.take(0, 1)
        assert schedule.finished("a", Outcome.PROTOCOL_FAILED, 0).status is Status.FAILED
        assert taken(schedule) == ([] if on_error == "stop" else ["b"])


class TestContinue:
    def test_finishes_what_can_be_finished_and_names_every_cause(self) -> None:
        graph = {"a": "", "b": "", "c": "", "ab": "a b", "bc": "b c", "c2": "c", "abc": "ab bc"}
        schedule = schedule_of(graph, "abc c2", on_error="continue")
        run_one_by_one(schedule, failing="a b")
        report = schedule.report()
        assert (report.succeeded, list(report.failed), report.unstarted) == (("c", "c2"), ["a", "b"], ())
        assert report.skipped == {"ab": ("a", "b"), "bc": ("b",), "abc": ("a", "b")}


class TestAttempts:
    @pytest.mark.parametrize(
        ("outcome", "starts"),
        [
            pytest.param(FAILED, 3, id="2 retries after the first"),
            pytest.param(Outcome.INVALID, 2, id="one more try"),
            pytest.param(Outcome.WORKER_LOST, 4, id="3 workers lost"),
            pytest.param(Outcome.PREEMPTED, 6, id="5 interruptions"),
        ],
    )
    def test_are_bounded_for_each_kind_of_end(self, outcome: Outcome, starts: int) -> None:
        schedule = schedule_of({"a": ""}, "a", retries=RetryPolicy(max_retries=2, max_preemptions=5))
        for attempt in range(1, starts + 1):
            assert [start.attempt for start in schedule.take(0)] == [attempt]
            verdict = schedule.finished("a", outcome, 0)
        assert verdict.status is Status.FAILED
        assert (schedule.report().failed["a"].outcome, schedule.report().failed["a"].attempts) == (outcome, starts)

    def test_kinds_of_ends_do_not_use_up_each_others_budget(self) -> None:
        schedule = schedule_of({"a": ""}, "a", retries=RetryPolicy(max_retries=1))
        for outcome in [Outcome.WORKER_LOST, Outcome.PREEMPTED] * 3 + [FAILED]:
            assert taken(schedule) == ["a"]
            assert schedule.finished("a", outcome, 0).status is not Status.FAILED
        assert taken(schedule) == ["a"]
        assert schedule.finished("a", FAILED, 0).status is Status.FAILED

    def test_what_was_not_started_counts_for_nothing(self) -> None:
        schedule = schedule_of({"a": ""}, "a")
        for _ in range(200):
            assert schedule.take(0) == [Start("a", 1, "default", None)]
            assert schedule.finished("a", Outcome.NOT_STARTED, 0).status is Status.READY
