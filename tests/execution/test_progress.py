"""What a run says while it works: which view, which lines, and when."""

from __future__ import annotations

import io
import logging
import sys

import pytest

import furu
from furu import logs
from furu.execution import build_plan, run_local
from furu.execution.reporting.progress import LINE_SEC, Lines, Progress, open_view
from furu.execution.reporting.tally import State
from furu.execution.scheduling.outcomes import Failure, Outcome, RunReport, Start, Status, Verdict
from furu.execution.worker import NodeEnd
from tests.support.graphs import DOES, Gate, Node, failing, leaf

NOTHING = RunReport((), {}, {}, ())
DONE = NodeEnd(Outcome.SUCCEEDED, 2.0, is_computed=True)
FAILED = NodeEnd(Outcome.COMPUTE_FAILED, 2.0, error_type="ValueError", error_text="boom\nmore")


class Noted:
    """A view with memory."""

    def __init__(self) -> None:
        self.take = None
        self.is_open = False
        self.changes: list[float] = []

    def __call__(self, run_id, take, now):
        self.take, self.is_open = take, True
        return self

    def changed(self, now):
        self.changes.append(now)

    def close(self):
        self.is_open = False


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def heard(caplog):
    """What a handler of the application hears of furu, from INFO on."""
    caplog.set_level(logging.INFO, "furu")
    return caplog


class Told:
    """A progress that is told by hand what happens."""

    def __init__(self, *roots, view=None):
        self.now = Clock()
        self.view = view or Noted()
        self.progress = Progress(self.view, self.now)
        logs.console()
        self.plan = build_plan(roots)
        self.progress.run_started("r1", self.plan)

    def node(self, obj, end, verdict, *, took=1.0):
        start = Start(obj.furu_hash, 1, "default", None)
        self.progress.node_started(start)
        self.now.at += took
        self.progress.node_ended(start, end, verdict)

    def count(self, state):
        return self.progress.snapshot().count(state)


@pytest.fixture
def tell():
    """Makes a progress that is told by hand what happens; its run is over after the test."""
    all_told = []

    def tell(*roots, view=None):
        all_told.append(Told(*roots, view=view))
        return all_told[-1]

    yield tell
    for told in all_told:
        told.progress.run_ended(NOTHING, KeyboardInterrupt())


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self):
        return True


@pytest.fixture
def console(monkeypatch):
    """Makes stderr furu's own, as where no application has set up logging; to be called by the test itself."""

    def console(stderr, level):
        monkeypatch.setenv("FURU_LOG_LEVEL", level)
        monkeypatch.setattr(logging.root, "handlers", [])  # pytest adds its own to them for each phase of a test
        monkeypatch.setattr(sys, "stderr", stderr)
        return stderr

    yield console
    monkeypatch.undo()
    logs.console()


class TestCounting:
    def test_nodes_that_were_done_count_as_done(self, tell):
        leaf("a").get()
        told = tell(Node(name="top", needs=(leaf("a"), leaf("b"))))
        assert (1, 2) == (told.count(State.DONE), told.count(State.WAITING))

    def test_ends_are_counted_and_shown(self, tell):
        told = tell(leaf("a"), leaf("b"))
        told.node(leaf("a"), DONE, Verdict(Status.SUCCEEDED))
        assert (1, 1) == (told.count(State.DONE), told.count(State.WAITING))
        assert [101.0] == told.view.changes

    def test_nodes_that_come_into_the_plan_later_count(self, tell):
        a = leaf("a")
        top = Node(name="top", needs=(a,))
        told = tell(a)
        told.plan.nodes = build_plan([top]).nodes
        told.progress._tally.expect([("tests/support/graphs/Node", State.ELSEWHERE)])
        told.progress.owner_ended(top.furu_hash, Verdict(Status.WAITING))
        assert 3 == told.progress.snapshot().total

    def test_durations_of_earlier_artifacts_are_looked_up(self, tell):
        leaf("earlier").get()
        told = tell(leaf("a"), leaf("b"))
        told.progress.node_started(Start(leaf("a").furu_hash, 1, "default", None))
        (entry,) = told.progress.snapshot().classes
        assert entry.typical_sec is not None
        assert entry.typical_sec < 5

    def test_a_run_with_nothing_to_do_opens_no_view(self, tell, heard):
        leaf("a").get()
        heard.clear()
        told = tell(leaf("a"))
        told.progress.run_ended(NOTHING, None)
        assert told.view.take is None
        assert [] == heard.messages


class TestView:
    @pytest.mark.parametrize("error", [None, KeyboardInterrupt()])
    def test_it_is_closed_however_the_run_ends(self, tell, error):
        told = tell(leaf("a"))
        assert told.view.is_open
        assert logs.is_hushed()
        told.progress.run_ended(NOTHING, error)
        assert not told.view.is_open
        assert not logs.is_hushed()

    def test_it_is_closed_when_a_run_fails(self, monkeypatch):
        monkeypatch.setenv("FURU_MAX_COMPUTE_RETRIES", "0")
        DOES["a"] = failing()
        view = Noted()
        with pytest.raises(furu.FuruComputeError):
            run_local([leaf("a")], reporter=Progress(view))
        assert not view.is_open

    def test_it_is_closed_when_the_run_can_not_even_begin(self, own_store):
        (own_store / "runs").write_text("in the way")
        view = Noted()
        with pytest.raises(OSError, match="runs"):
            run_local([leaf("a")], workers="process", reporter=Progress(view))
        assert not view.is_open

    def test_others_may_look_while_nodes_run(self):
        gate = Gate()
        DOES["a"] = gate
        view = Noted()
        seen = []

        class Looking(Progress):
            def node_started(self, start):
                super().node_started(start)
                seen.append(view.take().oldest[0].node)
                gate.open()

        run_local([leaf("a")], reporter=Looking(view))
        assert [leaf("a").furu_hash] == seen


class TestFailures:
    @pytest.mark.parametrize(
        ("end", "verdict", "level", "expected"),
        [
            pytest.param(
                FAILED, Verdict(Status.FAILED, "enough"), "ERROR", "failed: ValueError: boom; see ", id="final"
            ),
            pytest.param(
                FAILED,
                Verdict(Status.DELAYED, "compute failed once of 2"),
                "WARNING",
                "is tried again (compute failed once of 2): ValueError: boom",
                id="retried",
            ),
            pytest.param(
                NodeEnd(Outcome.WORKER_LOST, 1.0, error_text="the executor lost it"),
                Verdict(Status.READY, "worker lost once of 4"),
                "WARNING",
                "is tried again (worker lost once of 4): the executor lost it",
                id="lost",
            ),
            pytest.param(
                NodeEnd(Outcome.INVALID, 1.0),
                Verdict(Status.FAILED, "invalid"),
                "ERROR",
                "failed: invalid; see ",
                id="invalid",
            ),
        ],
    )
    def test_they_are_said_at_once(self, tell, caplog, *, end, verdict, level, expected):
        a = leaf("a")
        told = tell(a, leaf("b"))
        told.node(a, end, verdict)
        ((_, said_level, said),) = caplog.record_tuples
        assert (level, True) == (logging.getLevelName(said_level), f"Node({a.furu_hash}) {expected}" in said)
        assert told.progress.snapshot().last_error.startswith(f"Node({a.furu_hash[:12]}…): ")

    def test_meeting_another_owner_is_none(self, tell, caplog):
        told = tell(leaf("a"), leaf("b"))
        told.node(leaf("a"), NodeEnd(Outcome.LEASED_ELSEWHERE, 0.0, error_type="X"), Verdict(Status.EXTERNAL))
        assert [] == caplog.messages
        assert "" == told.progress.snapshot().last_error


class TestLines:
    def test_there_is_one_at_the_start_and_one_at_the_end(self, tell, heard):
        told = tell(leaf("a"), view=open_view)
        told.node(leaf("a"), DONE, Verdict(Status.SUCCEEDED))
        told.progress.run_ended(RunReport((leaf("a").furu_hash,), {}, {}, ()), None)
        assert [
            "run r1 begins: 1 node to compute (Node 1)",
            "run r1 is over after 1.0 s: 1 node done",
        ] == heard.messages

    @pytest.mark.parametrize(
        ("took", "expected"), [(LINE_SEC / 10, 1), (LINE_SEC - 0.1, 5), (LINE_SEC, 10)], ids=["many", "few", "each"]
    )
    def test_between_them_they_are_rare(self, tell, heard, took, expected):
        nodes = [leaf(f"n{number}") for number in range(11)]
        told = tell(*nodes, view=open_view)
        heard.clear()
        for node in nodes[:10]:
            told.node(node, DONE, Verdict(Status.SUCCEEDED), took=took)
        assert expected == len(heard.messages)
        assert all(line.startswith("run r1: ") for line in heard.messages)

    def test_whoever_ends_a_run_before_its_time_has_the_last_word(self, tell, heard):
        told = tell(leaf("a"), view=open_view)
        heard.clear()
        told.progress.run_ended(NOTHING, KeyboardInterrupt())
        assert [] == heard.messages

    def test_a_run_says_no_line_for_each_node_on_the_console(self, console):
        stderr = console(io.StringIO(), "INFO")
        top = Node(name="top", needs=(leaf("a"), leaf("b")))
        run_local([top])
        said = stderr.getvalue().splitlines()
        assert 2 == len(said)
        assert "begins: 3 nodes" in said[0]
        leaf("c").get()
        assert f"get Node {leaf('c').furu_hash}" in stderr.getvalue()

    @pytest.mark.parametrize(
        ("level", "expected"), [("WARNING", ["is tried again", "failed"]), ("ERROR", ["failed"]), ("CRITICAL", [])]
    )
    def test_quiet_is_quiet(self, console, monkeypatch, level, expected):
        stderr = console(io.StringIO(), level)
        monkeypatch.setenv("FURU_MAX_COMPUTE_RETRIES", "1")
        DOES["a"] = failing()
        with pytest.raises(furu.FuruComputeError):
            run_local([leaf("a")])
        said = stderr.getvalue().splitlines()
        assert len(expected) == len(said)
        assert all(word in line for word, line in zip(expected, said, strict=True))

    def test_an_application_that_wants_no_info_is_spared_the_counting(self, caplog):
        caplog.set_level(logging.WARNING, "furu")
        assert open_view("r1", pytest.fail, 0.0) is None


@pytest.mark.parametrize(
    ("term", "stderr", "is_live"),
    [
        pytest.param("xterm", Terminal(), True, id="terminal"),
        pytest.param("dumb", Terminal(), False, id="dumb-terminal"),
        pytest.param("xterm", io.StringIO(), False, id="pipe"),
    ],
)
def test_the_live_view_is_for_terminals(tell, console, monkeypatch, *, term, stderr, is_live):
    monkeypatch.setenv("TERM", term)
    console(stderr, "INFO")
    told = tell(leaf("a"), view=open_view)
    try:
        assert is_live is not isinstance(told.progress._view, Lines)
        assert is_live is (sys.stderr is not stderr)
    finally:
        told.progress.run_ended(RunReport((), {"a": Failure(Outcome.INVALID, None, 1, "")}, {}, ()), None)
    assert sys.stderr is stderr
    assert "1 failed" in stderr.getvalue()


def test_without_rich_a_terminal_gets_lines(tell, console, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    console(Terminal(), "INFO")
    monkeypatch.setattr("furu.execution.reporting.progress.find_spec", lambda name: None)
    told = tell(leaf("a"), view=open_view)
    assert isinstance(told.progress._view, Lines)
    told.progress.run_ended(NOTHING, None)
