"""The live view: what it draws, and that a terminal is as it was when it is gone."""

from __future__ import annotations

import io
import os
import sys
from collections import Counter

import pytest
from rich.console import Console

from furu.execution.reporting.live_view import choose_classes, open_live_view, render
from furu.execution.reporting.tally import ClassCount, Eta, Running, Snapshot, State
from tests.support.deeds import Deed
from tests.support.terminals import Terminal


def a_class(namespace: str, typical_sec: float | None = None, **found: int) -> ClassCount:
    return ClassCount(namespace, Counter({State(state): count for state, count in found.items()}), typical_sec)


def snapshot(*classes, oldest=(), rate=None, eta=None, last_error=""):
    return Snapshot(12.0, classes, tuple(oldest), rate, eta, last_error)


def draw(seen, *, width=100, rows=30):
    """What is on the screen, line by line, without bars."""
    console = Console(file=io.StringIO(), width=width, height=rows, markup=False)
    console.print(render("r1", seen, console.size))
    lines = console.file.getvalue().splitlines()
    return [" ".join(line.replace("━", "").replace("╸", "").replace("╺", "").split()) for line in lines]


class TestPicture:
    def test_it_shows_all_there_is_to_know(self):
        seen = snapshot(
            a_class("m/Train", 10.0, done=3, running=2, waiting=4, failed=1),
            a_class("m/Data", done=5),
            oldest=[Running("3f2a91c4d0e8" + "0" * 20, "m/Train", 72.0)],
            rate=0.5,
            eta=Eta(20.0, False),
            last_error="Train(x): ValueError: [bold]boom[/bold]",
        )
        assert [
            "furu 8/15 done 12 s 30.0 nodes/min ETA > 20 s run r1",
            "Data 5/5",
            "Train 3/10 2 running, 4 waiting, 1 failed, 10 s each",
            "longest running:",
            "Train(3f2a91c4d0e8…) 1 m 12 s",
            "last error: Train(x): ValueError: [bold]boom[/bold]",
        ] == draw(seen)

    def test_what_is_unknown_is_a_question_mark(self):
        assert ["furu 0/1 done 12 s ETA ? run r1", "Train 0/1 1 waiting"] == draw(
            snapshot(a_class("m/Train", waiting=1))
        )

    @pytest.mark.parametrize("width", [20, 40, 80])
    def test_no_line_is_wider_than_the_terminal(self, width):
        seen = snapshot(
            a_class("m/AVeryLongNameOfAClass", 10.0, waiting=4, failed=1),
            oldest=[Running("0" * 32, "m/AVeryLongNameOfAClass", 72.0)],
            last_error="x" * 400,
        )
        console = Console(file=io.StringIO(), width=width)
        console.print(render("r1", seen, console.size))
        lines = console.file.getvalue().splitlines()
        assert max(map(len, lines)) <= width
        assert 5 == len(lines)

    @pytest.mark.parametrize(("rows", "expected"), [(50, 12), (12, 5), (5, 1)])
    def test_it_is_no_higher_than_the_terminal(self, rows, expected):
        seen = snapshot(*(a_class(f"m/C{number}", waiting=1) for number in range(30)))
        lines = draw(seen, rows=rows)
        assert f"classes not shown: {30 - expected}" == lines[-1]
        assert expected + 2 == len(lines)


class TestChoice:
    CLASSES = (
        a_class("m/Root", waiting=1),
        a_class("m/Failed", failed=1, done=3),
        a_class("m/Running", running=1),
        a_class("m/Done", done=9),
        a_class("m/Leaf", waiting=9),
    )

    @pytest.mark.parametrize(
        ("count", "expected"),
        [
            pytest.param(9, ["Leaf", "Done", "Running", "Failed", "Root"], id="all"),
            pytest.param(4, ["Leaf", "Running", "Failed", "Root"], id="without-the-done"),
            pytest.param(2, ["Running", "Failed"], id="the-most-urgent"),
        ],
    )
    def test_what_comes_first_in_the_work_stands_on_top(self, count, expected):
        assert [f"m/{name}" for name in expected] == [each.namespace for each in choose_classes(self.CLASSES, count)]


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def screen(monkeypatch):
    """Makes stderr a terminal; to be called by the test itself, since pytest replaces it for each phase."""

    def screen():
        stream = Screen()
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setattr(sys, "stdout", io.StringIO())
        return stream

    monkeypatch.setenv("TERM", "xterm")
    return screen


class TestStreams:
    def test_they_are_put_back(self, screen):
        stderr = screen()
        stdout = sys.stdout
        view = open_live_view("r1", snapshot)
        assert view is not None
        assert sys.stderr is not stderr
        assert sys.stdout is stdout  # no terminal: it leads to a file
        print("a line", file=sys.stderr)
        view.close()
        assert sys.stderr is stderr
        assert "a line\n" in stderr.getvalue()

    def test_there_is_one_view_at_a_time(self, screen):
        screen()
        view = open_live_view("r1", snapshot)
        assert view is not None
        assert open_live_view("r2", snapshot) is None
        view.close()
        again = open_live_view("r2", snapshot)
        assert again is not None
        again.close()

    def test_what_others_put_in_their_place_stays(self, screen, monkeypatch):
        screen()
        view = open_live_view("r1", snapshot)
        assert view is not None
        other = io.StringIO()
        monkeypatch.setattr(sys, "stderr", other)
        view.close()
        assert sys.stderr is other

    def test_a_terminal_that_is_gone_takes_nobody_with_it(self, screen, monkeypatch):
        stderr = screen()
        view = open_live_view("r1", snapshot)
        assert view is not None

        def fail(*_):
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(stderr, "write", fail)
        view.close()
        assert sys.stderr is stderr

    @pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
    def test_a_forked_child_writes_to_the_real_ones(self, screen):
        stderr = screen()
        view = open_live_view("r1", snapshot)
        assert view is not None
        child = os.fork()
        if child == 0:
            os._exit(0 if sys.stderr is stderr else 1)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        view.close()
        assert 0 == code


SCRIPT = """
from furu.execution import run_local
from tests.support.deeds import Deed
top = Deed(name="top", needs=(Deed(name="a", deed="{deed}"),))
if __name__ == "__main__":
    run_local([top], workers="{workers}", max_workers=1)
    print("the script goes on")
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Starts a run on a terminal whose first node does a deed."""
    monkeypatch.setenv("FURU_LOG_LEVEL", "INFO")
    terminals = []

    def start(deed, workers, **options):
        terminals.append(Terminal(SCRIPT.format(deed=deed, workers=workers), **options))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


class TestTerminal:
    """With a real one, and a process of its own."""

    @pytest.mark.parametrize("workers", ["thread", "process"])
    def test_a_run_is_seen_while_it_runs_and_leaves_a_line(self, start, tmp_path, workers):
        terminal = start("await go", workers)
        terminal.expect("longest running:")
        assert "get Deed" not in terminal.seen
        (tmp_path / "go").touch()
        assert 0 == terminal.finish()
        for said in ("creating a\r\n", "still creating a\r\n", "2 nodes done\x1b[0m\r\nthe script goes on\r\n"):
            assert said in terminal.seen
        assert terminal.has_cursor

    @pytest.mark.parametrize("workers", ["thread", "process"])
    def test_ctrl_c_says_how_to_go_on(self, start, workers):
        terminal = start("wait", workers)
        terminal.expect("creating a")
        terminal.expect("longest running:")
        terminal.interrupt()
        assert 130 == terminal.finish()
        assert "was interrupted: 0 of 2 nodes are done; run the same again" in terminal.text
        assert "Traceback" not in terminal.seen
        assert terminal.has_cursor
        a = Deed(name="a")
        assert ["preempted"] == [path.suffix[1:] for path in (a._base_furu_dir() / "attempts").iterdir()]

    def test_ctrl_c_while_a_worker_process_starts_is_no_crash(self, start):
        terminal = start("wait", "process")
        terminal.expect("longest running:")
        terminal.interrupt()
        assert 130 == terminal.finish()
        assert "Traceback" not in terminal.seen

    def test_killed_it_leaves_the_cursor(self, start):
        terminal = start("wait", "thread")
        terminal.expect("longest running:")
        terminal.kill()
        assert terminal.has_cursor

    @pytest.mark.parametrize("workers", ["thread", "process"])
    def test_what_is_sent_to_a_file_arrives_there(self, start, tmp_path, workers):
        with (tmp_path / "out").open("wb") as out:
            terminal = start("await go", workers, stdout=out)
        terminal.expect("longest running:")
        (tmp_path / "go").touch()
        assert 0 == terminal.finish()
        assert "creating a\nthe script goes on\n" == (tmp_path / "out").read_text()
        assert "still creating a\r\n" in terminal.seen
