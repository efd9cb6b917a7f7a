"""What worker processes print goes through whatever stands in for the driver's terminal, and only then."""

from __future__ import annotations

import io
import os
import sys

import pytest

from furu.execution.reporting.worker_output import WorkerOutput


class Own(io.StringIO):
    """The stream of the process itself."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.fixture
def streams(monkeypatch):
    """Sets the process's own stderr and what stands for it now; stdout is its own."""

    def streams(own, present):
        monkeypatch.setattr(sys, "__stderr__", own)
        monkeypatch.setattr(sys, "stderr", present)
        monkeypatch.setattr(sys, "__stdout__", sys.stdout)

    return streams


def test_lines_go_through_the_stand_in(streams):
    present = io.StringIO()
    streams(Own(is_terminal=True), present)
    output = WorkerOutput()
    assert [2] == list(output.far_ends)
    for content in (b"a line\n", b"\xce", b"\xbc"):  # a letter of two bytes comes in halves
        os.write(output.far_ends[2].fileno(), content)
    output.close()
    assert "a line\n\u03bc" == present.getvalue()


def test_a_stand_in_that_fails_blocks_nobody(streams):
    present = io.StringIO()
    present.close()
    streams(Own(is_terminal=True), present)
    output = WorkerOutput()
    for _ in range(40):
        os.write(output.far_ends[2].fileno(), b"x" * 4000)
    output.close()


OWN = Own(is_terminal=True)


@pytest.mark.parametrize(
    ("own", "present"),
    [
        pytest.param(OWN, OWN, id="nothing-stands-in"),
        pytest.param(Own(is_terminal=False), io.StringIO(), id="no-terminal"),
        pytest.param(OWN, None, id="no-stream"),
        pytest.param(None, io.StringIO(), id="no-stream-from-the-start"),
    ],
)
def test_otherwise_workers_write_where_the_driver_writes(streams, own, present):
    streams(own, present)
    output = WorkerOutput()
    assert {} == output.far_ends
    output.close()
