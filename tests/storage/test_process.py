"""Which process is which, and whether it still runs."""

from __future__ import annotations

import os
import subprocess

from furu.storage.process import is_running, start_ticks, this_process


def test_this_one_runs():
    me = this_process()
    assert (os.getpid(), start_ticks(os.getpid())) == (me.pid, me.started)
    assert is_running(me.pid, me.started)
    assert not is_running(me.pid, "1")


def test_one_whose_pipes_have_closed_is_gone():
    """Pools hear of a killed worker by its pipe, and the kernel closes that a moment before there is a zombie."""
    for _ in range(40):
        with subprocess.Popen(["sleep", "60"], stdout=subprocess.PIPE) as process:
            started = start_ticks(process.pid)
            assert is_running(process.pid, started)
            process.kill()
            assert process.stdout is not None
            assert b"" == process.stdout.read()
            assert not is_running(process.pid, started)
