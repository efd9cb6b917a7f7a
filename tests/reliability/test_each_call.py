"""Something goes wrong at every single call that furu makes of the filesystem, one after the other."""

from __future__ import annotations

import errno
import signal
from pathlib import Path

import pytest

from tests.reliability import each_call
from tests.reliability.scenarios import SCENARIOS
from tests.support.fresh import run_fresh

ONCE = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.ESTALE, errno.EDQUOT, errno.EINTR, errno.ENOLCK)
EVERY_SCENARIO = pytest.mark.parametrize("name", SCENARIOS)


@EVERY_SCENARIO
def test_f01_kill9_each_call(name: str, tmp_path: Path) -> None:
    """I10: after SIGKILL at any call, the next process computes or loads a whole result, at once."""
    report = run_fresh(each_call.kill, str(tmp_path), name, "kill")
    assert report["problems"] == []
    assert len(report["calls"]) >= 10
    assert report["longest_wait_sec"] < each_call.AT_ONCE_SEC


@EVERY_SCENARIO
def test_f01_kill9_in_the_middle_of_each_write(name: str, tmp_path: Path) -> None:
    """I14: half a record is never seen under its name."""
    assert run_fresh(each_call.kill, str(tmp_path), name, "tear")["problems"] == []


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        *((name, ONCE if name in ("cold", "re-publish") else ONCE[:2]) for name in SCENARIOS),
        *(pytest.param(name, ONCE, marks=pytest.mark.slow) for name in SCENARIOS),
    ],
)
def test_f02_an_error_at_each_call(name: str, numbers: tuple[int, ...], tmp_path: Path) -> None:
    """I9: a clean error or success; no lease, no half-made lease, no temporary file is left."""
    report = run_fresh(each_call.fail, str(tmp_path), name, "error", numbers, False)
    assert report["problems"] == []
    assert 0 < report["raised"] < report["runs"]


@pytest.mark.parametrize("name", ["cold", "re-publish"])
def test_f02_an_error_in_the_middle_of_each_write(name: str, tmp_path: Path) -> None:
    """A disk that is full after half a record."""
    assert run_fresh(each_call.fail, str(tmp_path), name, "half", [errno.ENOSPC], False)["problems"] == []


@pytest.mark.parametrize("number", [errno.EIO, *(pytest.param(each, marks=pytest.mark.slow) for each in ONCE[1:])])
@pytest.mark.parametrize("name", ["cold", "re-publish", "delete"])
def test_f02_a_disk_that_fails_from_each_call_on(name: str, number: int, tmp_path: Path) -> None:
    """I9: what can't be put right while it lasts, is put right by the same process once it is over."""
    assert run_fresh(each_call.fail, str(tmp_path), name, "error", [number], True)["problems"] == []


@EVERY_SCENARIO
def test_f03_f04_a_late_reply_at_each_call(name: str, tmp_path: Path) -> None:
    """An error that comes after the effect, as when a network filesystem sends a call twice."""
    numbers = [errno.EIO, errno.ENOENT, errno.EEXIST]
    assert run_fresh(each_call.fail, str(tmp_path), name, "late", numbers, False)["problems"] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("name", ["cold", "re-publish", "nested"])
def test_f18_f21_a_signal_at_each_call(name: str, number: signal.Signals, tmp_path: Path) -> None:
    """The lock is free afterwards, the handlers are the old ones, and a publish that happened stays."""
    assert run_fresh(each_call.interrupt_calls, str(tmp_path), name, number)["problems"] == []


@pytest.mark.parametrize(
    ("step", "first"), [(11, 1), pytest.param(1, 1, marks=pytest.mark.slow)], ids=["some lines", "every line"]
)
def test_f21_a_signal_at_each_line_of_the_protocol(step: int, first: int, tmp_path: Path) -> None:
    """Between any two statements: no lease is leaked, no handler stays installed."""
    report = run_fresh(each_call.interrupt_lines, str(tmp_path), "cold", signal.SIGINT, step, first)
    assert report["problems"] == []
    assert report["lines"] > 100
