"""The record of a run: what is written, and what a reader makes of it, also of what a crash has left."""

from __future__ import annotations

import json
import os
import sys

import pytest

import furu
from furu.errors import FuruCorruptRecord, FuruFutureRecord, FuruStoreError
from furu.execution import Reporter, build_plan, run_local
from furu.execution.reporting.reporter import Reporters
from furu.execution.reporting.run_log import RunLog, render_plan
from furu.execution.reporting.run_record import EventKind, list_runs, read_run
from furu.execution.scheduling.outcomes import Outcome, RunReport, Start, Status, Verdict
from furu.execution.worker import NodeEnd
from furu.lifecycle.lease import Participant
from furu.storage.layout import RootPaths
from furu.storage.metadata import forget_environment
from tests.support.disks import Fault, FaultyDisk
from tests.support.graphs import DOES, Node, failing, leaf

RUN_ID = "20260124T101500-0123abcd"
NOTHING = RunReport((), {}, {}, ())
DONE = NodeEnd(Outcome.SUCCEEDED, 0.25, is_computed=True)


class Clock:
    """One second later each time."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        self.at += 1.0
        return self.at


@pytest.fixture
def paths(own_store):
    return RootPaths(str(own_store)).run(RUN_ID)


@pytest.fixture
def fresh_environment():
    """What a process gathers once is gathered anew."""
    forget_environment()
    yield
    forget_environment()


def record(roots, *steps, participant=None):
    """Record a run in which `steps` happen, each a method of the reporter with its arguments."""
    log = RunLog(Clock(), **({"participant": participant} if participant else {}))
    log.run_started(RUN_ID, build_plan(roots))
    for name, *arguments in steps:
        getattr(log, name)(*arguments)
    log.run_ended(NOTHING, None)


def start(obj, attempt=1):
    return Start(obj.furu_hash, attempt, "default", None)


class TestPlan:
    def test_it_says_who_asked_for_what(self, paths, fresh_environment, monkeypatch):
        monkeypatch.setattr(sys, "argv", ["train.py", "--api-key", "abc123"])
        a = leaf("a")
        top = Node(name="top", needs=(a,), key="gpu")
        record([top])
        seen = read_run(paths)
        assert (RUN_ID, 1001.0, (top.furu_hash,)) == (seen.run_id, seen.at, seen.roots)
        assert (os.getpid(), os.getcwd()) == (seen.process["pid"], seen.cwd)
        assert "train.py" == seen.argv[0]
        assert "abc123" not in str(seen.argv)

    def test_it_has_every_node_with_its_reason(self, paths):
        a, b = leaf("a"), leaf("b")
        b.get()
        top = Node(name="top", needs=(a, b), key="gpu")
        record([top])
        nodes = read_run(paths).nodes
        found = {node.name: (node.status, node.because, node.spec_key, node.deps_pending) for node in nodes.values()}
        assert {
            f"Node({top.furu_hash})": ("todo", "it is missing", "gpu", (a.furu_hash,)),
            f"Node({a.furu_hash})": ("todo", "it is missing", "default", ()),
            f"Node({b.furu_hash})": ("done", "it is published", "default", ()),
        } == found
        assert {"tests/support/graphs/Node"} == {node.namespace for node in nodes.values()}

    def test_its_environment_can_be_looked_up(self, own_store, paths):
        record([leaf("a")])
        environment = RootPaths(str(own_store)).environment(read_run(paths).environment)
        with open(environment, "rb") as file:
            assert json.load(file)["argv"]

    def test_each_node_has_a_line_of_its_own(self):
        lines = render_plan(build_plan([leaf("a"), leaf("b")]), {"run": RUN_ID}).decode().splitlines()
        assert 2 == sum(line.startswith('"') for line in lines)
        assert json.loads("\n".join(lines))["run"] == RUN_ID


class TestEvents:
    def test_they_tell_the_run(self, paths):
        a, top = leaf("a"), Node(name="top", needs=(leaf("a"),))
        error = NodeEnd(Outcome.COMPUTE_FAILED, 0.5, error_type="ValueError", error_text="boom")
        record(
            [top],
            ("node_started", start(a)),
            ("node_ended", start(a), error, Verdict(Status.DELAYED, "compute failed once of 2", 1.0)),
            ("node_started", start(a, 2)),
            ("node_ended", start(a, 2), error, Verdict(Status.FAILED, "enough", None, (top.furu_hash,))),
        )
        said = {"error_type": "ValueError", "error_text": "boom"}
        end = {"outcome": "compute failed", "wall_sec": 0.5, "is_computed": False, **said}
        expected = [
            ("run started", None, {}),
            ("node started", a.furu_hash, {"attempt": 1}),
            (
                "node ended",
                a.furu_hash,
                {"attempt": 1, "status": "delayed", "because": "compute failed once of 2", **end},
            ),
            ("node started", a.furu_hash, {"attempt": 2}),
            (
                "node ended",
                a.furu_hash,
                {"attempt": 2, "status": "failed", "because": "enough", "skipped": [top.furu_hash], **end},
            ),
            ("run ended", None, {"succeeded": 0, "failed": 0, "skipped": 0, "unstarted": 0}),
        ]
        seen = read_run(paths)
        assert expected == [(event.kind, event.node, event.facts) for event in seen.events]
        assert [1001.0, 1002.0, 1003.0, 1004.0, 1005.0, 1006.0] == [event.at for event in seen.events]
        assert [2] == [event.facts["attempt"] for event in seen.failures()]
        assert {a.furu_hash: EventKind.NODE_ENDED} == {node: event.kind for node, event in seen.last_events().items()}

    def test_a_run_that_is_interrupted_says_by_what(self, own_store, paths):
        log = RunLog(Clock())
        log.run_started(RUN_ID, build_plan([leaf("a")]))
        assert read_run(paths).end is None
        log.run_ended(NOTHING, KeyboardInterrupt("x" * 9999))
        end = read_run(paths).end
        assert end is not None
        assert ("KeyboardInterrupt", 2000) == (end.facts["error_type"], len(end.facts["error_text"]))

    def test_nodes_that_come_into_the_plan_later_are_part_of_it(self, paths):
        a = leaf("a")
        top = Node(name="top", needs=(a,))
        plan = build_plan([top])
        whole = plan.nodes
        plan.nodes = {top.furu_hash: whole[top.furu_hash]}
        log = RunLog(Clock())
        log.run_started(RUN_ID, plan)
        plan.nodes = whole
        log.owner_ended(top.furu_hash, Verdict(Status.WAITING, "the other owner is gone"))
        log.run_ended(NOTHING, None)
        seen = read_run(paths)
        assert {a.furu_hash, top.furu_hash} == set(seen.nodes)
        assert ["run started", "node added", "owner ended", "run ended"] == [event.kind for event in seen.events]


class TestRuns:
    def test_run_local_leaves_a_record(self, own_store):
        top = Node(name="top", needs=(leaf("a"), leaf("b")))
        run_local([top])
        (run_id,) = list_runs(str(own_store))
        seen = read_run(RootPaths(str(own_store)).run(run_id))
        assert seen.end is not None
        assert 3 == seen.end.facts["succeeded"]
        assert {"succeeded"} == {event.facts["status"] for event in seen.last_events().values()}
        assert all(event.facts["is_computed"] for event in seen.last_events().values())

    def test_failures_are_found_again(self, own_store, monkeypatch):
        monkeypatch.setenv("FURU_MAX_COMPUTE_RETRIES", "0")
        a = leaf("a")
        top = Node(name="top", needs=(a,))
        DOES["a"] = failing(ValueError("boom"))
        with pytest.raises(furu.FuruComputeError):
            run_local([top])
        (run_id,) = list_runs(str(own_store))
        (failure,) = read_run(RootPaths(str(own_store)).run(run_id)).failures()
        assert (a.furu_hash, "ValueError", "boom") == (
            failure.node,
            failure.facts["error_type"],
            failure.facts["error_text"],
        )
        assert [top.furu_hash] == failure.facts["skipped"]

    def test_a_run_that_finds_everything_done_leaves_nothing(self, own_store):
        leaf("a").get()
        run_local([leaf("a")])
        assert [] == list_runs(str(own_store))
        assert not (own_store / "runs").exists()

    def test_the_newest_comes_first(self, own_store):
        for number in range(3):
            log = RunLog(Clock())
            log.run_started(f"2026012{number}T101500-0123abcd", build_plan([leaf("a")]))
            log.run_ended(NOTHING, None)
        (own_store / "runs" / "20260123T101500-0123abcd").mkdir()
        (own_store / "runs" / "notes").mkdir()
        assert ["20260122", "20260121", "20260120"] == [name[:8] for name in list_runs(str(own_store))]

    def test_the_caller_can_do_without(self, own_store):
        run_local([leaf("a")], reporter=Reporters(Reporter()))
        assert [] == list_runs(str(own_store))


def append(paths, content: bytes) -> None:
    (name,) = (name for name in os.listdir(paths.base) if name.startswith("events-"))
    with open(f"{paths.base}/{name}", "ab") as file:
        file.write(content)


class TestReading:
    def test_a_torn_last_line_is_left_out(self, paths):
        record([leaf("a")])
        whole = read_run(paths).events
        append(paths, b'{"at":5.0,"event":"node sta')
        assert whole == read_run(paths).events

    def test_a_torn_line_with_others_behind_it_is_damage(self, paths):
        record([leaf("a")])
        append(paths, b'{"at":5.0,"event":"node sta\n{"at":6.0,"event":"run ended"}\n')
        with pytest.raises(FuruCorruptRecord, match=r"events-.* is damaged: line 4"):
            read_run(paths)

    def test_a_file_that_has_not_even_a_header_is_empty(self, paths):
        record([leaf("a")])
        events = read_run(paths).events
        with open(paths.events("elsewhere", 7), "wb") as file:
            file.write(b'{"v":1')
        assert events == read_run(paths).events

    def test_events_of_all_processes_are_in_order_of_time(self, paths):
        record([leaf("a")])
        with open(paths.events("elsewhere", 7), "wb") as file:
            file.write(b'{"v":1}\n{"at":1001.5,"event":"node started","node":"x"}\n')
        assert ["run started", "node started", "run ended"] == [event.kind for event in read_run(paths).events]

    def test_events_of_a_newer_furu_are_kept(self, paths):
        record([leaf("a")])
        append(paths, b'{"at":2000.0,"event":"node dreamt","node":"x","depth":3}\n')
        last = read_run(paths).events[-1]
        assert ("node dreamt", "x", {"depth": 3}) == (last.kind, last.node, last.facts)

    @pytest.mark.parametrize("name", ["plan.json", "events-elsewhere-7.jsonl"])
    def test_a_newer_version_is_refused_by_name(self, paths, name):
        record([leaf("a")])
        with open(f"{paths.base}/{name}", "wb") as file:
            file.write(b'{"v":2}\n')
        with pytest.raises(FuruFutureRecord, match=name):
            read_run(paths)

    @pytest.mark.parametrize("content", [b"", b"[]", b'{"v":1}', b'{"v":1,"nodes":[]}', b'{"v":1,"nodes":{"a":{}}}'])
    def test_damage_is_named(self, paths, content):
        record([leaf("a")])
        with open(paths.plan, "wb") as file:
            file.write(content)
        with pytest.raises(FuruCorruptRecord, match=r"plan\.json"):
            read_run(paths)

    def test_no_record_is_said_to_be_none(self, paths):
        with pytest.raises(FuruStoreError, match=f"no record of a run in .*{RUN_ID}"):
            read_run(paths)


class TestDiskThatFails:
    @pytest.mark.parametrize("call", ["make_directory", "rename", "append"])
    def test_it_costs_the_record_and_one_warning(self, own_store, caplog, call):
        disk = FaultyDisk(
            0, Fault("error", 30), only=lambda made: made.name == call and "/runs/" in str(made.arguments)
        )
        a = leaf("a")
        record(
            [a],
            ("node_started", start(a)),
            ("node_ended", start(a), DONE, Verdict(Status.SUCCEEDED)),
            participant=Participant(disk),
        )
        assert [f"run {RUN_ID} goes on without a record: [Errno 30] Read-only file system"] == caplog.messages

    def test_half_a_line_is_the_last_one(self, paths, caplog):
        disk = FaultyDisk(0, Fault("half", 28), only=lambda made: made.name == "append")
        record([leaf("a")], participant=Participant(disk))
        assert () == read_run(paths).events
        assert 1 == len(caplog.messages)

    def test_the_run_goes_on(self, own_store, caplog):
        (own_store / "runs").write_text("in the way")
        run_local([leaf("a")])
        assert leaf("a").exists()
        assert 1 == sum("goes on without a record" in message for message in caplog.messages)
