"""The scheduler and others: nodes that somebody else computes, and backends that report what can't be."""

from __future__ import annotations

from typing import Any

import pytest

from furu.errors import FuruDependencyCycle
from furu.execution.scheduling.arguments import FuruArgumentError
from furu.execution.scheduling.graph import GraphMisuse
from furu.execution.scheduling.outcomes import Failure, Node, Outcome, ScheduleMisuse, Start, Status, Verdict
from furu.execution.scheduling.schedule import Schedule
from tests.execution.schedule_steps import DIAMOND, FAILED, run_one_by_one, schedule_of, succeed, taken


class TestOtherOwners:
    def test_are_waited_for_and_their_results_used(self) -> None:
        schedule = schedule_of({"r": "theirs mine", "theirs": "", "mine": ""}, "r", external="theirs")
        assert (taken(schedule), schedule.awaits_external()) == (["mine"], ("theirs",))
        succeed(schedule, "mine")
        assert (taken(schedule), schedule.is_finished) == ([], False)
        assert schedule.external_done("theirs").status is Status.SUCCEEDED
        assert (taken(schedule), schedule.awaits_external()) == (["r"], ())

    def test_are_asked_after_when_their_root_opens(self) -> None:
        graph = {"r1": "", "r2": "theirs", "theirs": ""}
        schedule = schedule_of(graph, "r1 r2", external="theirs", window_size="dfs")
        assert schedule.awaits_external() == ()
        schedule.take(0)
        succeed(schedule, "r1")
        assert schedule.awaits_external() == ("theirs",)

    def test_may_be_heard_of_before_their_root_opens(self) -> None:
        graph = {"r1": "", "r2": "x y", "x": "", "y": ""}
        schedule = schedule_of(graph, "r1 r2", external="x y", window_size="dfs")
        schedule.external_done("x")
        schedule.external_gone("y", [Node("y", ("below",)), Node("below")])
        assert run_one_by_one(schedule) == ["r1", "below", "y", "r2"]

    def test_that_failed_fail_the_node(self) -> None:
        schedule = schedule_of({"r": "theirs", "theirs": ""}, "r", external="theirs", on_error="continue")
        verdict = schedule.external_failed("theirs", error="out of memory")
        assert (verdict.status, verdict.skipped) == (Status.FAILED, ("r",))
        failure = Failure(FAILED, "out of memory", 0, "another owner failed")
        assert (schedule.report().failed, schedule.is_finished) == ({"theirs": failure}, True)

    def test_that_are_gone_leave_the_node_to_us(self) -> None:
        schedule = schedule_of({"r": "theirs", "theirs": ""}, "r", external="theirs")
        verdict = schedule.external_gone("theirs")
        assert verdict == Verdict(Status.READY, "the other owner is gone")
        assert run_one_by_one(schedule) == ["theirs", "r"]

    def test_that_are_gone_leave_the_dependencies_given_at_first(self) -> None:
        graph = {"r": "theirs", "theirs": "below", "below": ""}
        schedule = schedule_of(graph, "r", external="theirs")
        assert taken(schedule) == []
        schedule.external_gone("theirs")
        assert run_one_by_one(schedule) == ["below", "theirs", "r"]

    def test_that_are_gone_leave_what_a_new_plan_says(self) -> None:
        """A plan does not look behind what is being computed; what it finds then comes before all other work."""
        graph = {"first": "", "r": "theirs", "theirs": "", "known": "", "r2": "known"}
        schedule = schedule_of(graph, "first r r2", external="theirs")
        found = [Node("theirs", ("found", "known", "old")), Node("found", ("old",)), Node("known", ("other",))]
        assert schedule.external_gone("theirs", found, done={"old"}).status is Status.WAITING
        assert run_one_by_one(schedule) == ["found", "first", "known", "theirs", "r", "r2"]

    def test_that_are_gone_may_leave_more_owners(self) -> None:
        schedule = schedule_of({"r": "theirs", "theirs": ""}, "r", external="theirs")
        schedule.external_gone("theirs", [Node("theirs", ("below",)), Node("below", is_external=True)])
        assert schedule.awaits_external() == ("below",)
        schedule.external_done("below")
        assert run_one_by_one(schedule) == ["theirs", "r"]

    def test_that_are_gone_leave_a_node_that_needs_a_failed_one(self) -> None:
        graph = {"bad": "", "r": "theirs", "theirs": ""}
        schedule = schedule_of(graph, "bad r", external="theirs", on_error="continue")
        schedule.take(0)
        schedule.finished("bad", FAILED, 0)
        verdict = schedule.external_gone("theirs", [Node("theirs", ("bad",))])
        assert (verdict.status, verdict.skipped) == (Status.SKIPPED, ("theirs", "r"))
        assert schedule.is_finished
        assert schedule.report().skipped == {"theirs": ("bad",), "r": ("bad",)}

    def test_that_are_gone_may_leave_a_cycle(self) -> None:
        schedule = schedule_of({"r": "theirs", "theirs": ""}, "r", external="theirs")
        with pytest.raises(FuruDependencyCycle):
            schedule.external_gone("theirs", [Node("theirs", ("r",))])

    def test_that_are_gone_pull_work_of_later_roots_forward(self) -> None:
        """Their root would never open if this one had to wait for it."""
        graph = {"r1": "theirs", "theirs": "", "r2": "low", "low": "", "r3": ""}
        schedule = schedule_of(graph, "r1 r2 r3", external="theirs", window_size="dfs")
        schedule.external_gone("theirs", [Node("theirs", ("low",))])
        assert run_one_by_one(schedule) == ["low", "theirs", "r1", "r2", "r3"]

    def test_that_are_gone_pull_later_roots_forward(self) -> None:
        graph = {"r1": "theirs", "theirs": "", "r2": "low", "low": "", "r3": ""}
        schedule = schedule_of(graph, "r1 r2 r3", external="theirs", window_size="dfs")
        schedule.external_gone("theirs", [Node("theirs", ("r2",))])
        assert run_one_by_one(schedule) == ["low", "r2", "theirs", "r1", "r3"]

    def test_that_are_gone_pull_owners_of_later_roots_forward(self) -> None:
        graph = {"r1": "theirs", "theirs": "", "r2": "others", "others": ""}
        schedule = schedule_of(graph, "r1 r2", external="theirs others", window_size="dfs")
        schedule.external_gone("theirs", [Node("theirs", ("others",))])
        assert schedule.awaits_external() == ("others",)

    def test_what_was_pulled_forward_is_not_offered_again_when_its_root_opens(self) -> None:
        graph = {"r1": "theirs", "theirs": "", "r2": "", "r3": "low", "low": ""}
        schedule = schedule_of(graph, "r1 r2 r3", external="theirs", window_size=2)
        assert taken(schedule) == ["r2"]
        schedule.external_gone("theirs", [Node("theirs", ("low",))])
        succeed(schedule, "r2")
        assert schedule.open_roots == ["r1", "r3"]
        assert run_one_by_one(schedule) == ["low", "theirs", "r1", "r3"]

    def test_that_are_gone_and_leave_a_root_that_cannot_run_make_room(self) -> None:
        graph = {"bad": "", "r1": "theirs", "theirs": "", "r2": ""}
        schedule = schedule_of(graph, "bad r1 r2", external="theirs", on_error="continue", window_size="dfs")
        assert taken(schedule) == ["bad"]
        schedule.finished("bad", FAILED, 0)
        schedule.external_gone("theirs", [Node("theirs", ("bad",))])
        assert (schedule.open_roots, taken(schedule)) == (["r2"], ["r2"])

    def test_met_by_an_attempt_free_the_worker(self) -> None:
        schedule = schedule_of({"a": "", "b": ""}, "a b", max_running=1)
        assert taken(schedule) == ["a"]
        assert schedule.finished("a", Outcome.LEASED_ELSEWHERE, 0).status is Status.EXTERNAL
        assert (taken(schedule), schedule.awaits_external()) == (["b"], ("a",))
        succeed(schedule, "b")
        schedule.external_gone("a")
        assert schedule.take(0) == [Start("a", 1, "default", None)]


class TestMisuse:
    @pytest.mark.parametrize("verb", ["finished", "external_done", "external_failed", "external_gone", "status"])
    def test_of_an_unknown_node(self, verb: str) -> None:
        schedule = schedule_of(DIAMOND, "top")
        arguments = (Outcome.SUCCEEDED, 0) if verb == "finished" else ()
        with pytest.raises(ScheduleMisuse, match=r"^nobody is not in this schedule$"):
            getattr(schedule, verb)("nobody", *arguments)

    @pytest.mark.parametrize("outcome", list(Outcome))
    def test_an_end_of_what_does_not_run_changes_nothing(self, outcome: Outcome) -> None:
        schedule = schedule_of({"r": "theirs", "theirs": ""}, "r", external="theirs")
        for node in ("r", "theirs"):
            with pytest.raises(ScheduleMisuse, match=f"^{node} is {schedule.status(node)}: "):
                schedule.finished(node, outcome, 0)
        assert (schedule.running, schedule.status("r"), schedule.awaits_external()) == (0, "waiting", ("theirs",))

    @pytest.mark.parametrize("verb", ["external_done", "external_failed", "external_gone"])
    def test_an_owner_of_what_is_ours(self, verb: str) -> None:
        schedule = schedule_of({"a": ""}, "a")
        schedule.take(0)
        with pytest.raises(ScheduleMisuse, match=r"^a is running: 'the other owner "):
            getattr(schedule, verb)("a")

    def test_graphs_that_are_none(self) -> None:
        with pytest.raises(GraphMisuse, match="base was added twice"):
            Schedule([Node("base"), Node("base")], roots=["base"])
        with pytest.raises(GraphMisuse, match="nobody was never added"):
            schedule_of(DIAMOND, "nobody")
        with pytest.raises(GraphMisuse, match="a depends on nobody, which was never added"):
            schedule_of({"a": "nobody"}, "a")
        with pytest.raises(FuruDependencyCycle, match="a -> b -> a"):
            schedule_of({"a": "b", "b": "a"}, "a")

    @pytest.mark.parametrize(
        ("options", "argument"),
        [
            ({"window_size": 0}, "window_size"),
            ({"max_running": 0}, "max_running"),
            ({"limits": {"gpu": 0}}, "limits"),
            ({"on_error": "ignore"}, "on_error"),
        ],
    )
    def test_arguments_are_checked_by_name(self, options: dict[str, Any], argument: str) -> None:
        with pytest.raises(FuruArgumentError, match=f"^{argument}"):
            schedule_of({}, "", **options)
