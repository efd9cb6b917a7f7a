"""Faults of the queue of a Slurm pool; its other failures are in `tests/behaviour/slurm_pool`."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from furu.errors import FuruError
from furu.execution import run_local
from furu.storage.pool_layout import PoolPaths
from tests.support import graphs
from tests.support.graphs import CREATED, DOES, failing, leaf
from tests.support.pools import LiveSlurm, ThreadJob, arguments_of, in_thread, pool

if TYPE_CHECKING:
    from furu.execution.slurm.fake_job import FakeJob


@pytest.fixture(autouse=True)
def no_orders():
    graphs.forget()
    yield
    graphs.forget()


def in_thread_when_all_is_old(job: FakeJob) -> ThreadJob:
    """A worker that comes when its tasks have waited since 1970, by the clock of the file server."""
    words = dict(word.removeprefix("--").split("=", 1) for word in arguments_of(job))
    aged = 0
    for directory, _, names in os.walk(PoolPaths(words["pool"]).todo):
        for name in names:
            os.utime(f"{directory}/{name}", (0, 0))
            aged += 1
    assert aged
    return in_thread(job)


def test_f42_queue_old_mtime() -> None:
    """Only a worker's own heartbeat counts, not for how long its task has waited: it is not requeued."""
    slurm = LiveSlurm(in_thread_when_all_is_old)
    DOES["a"] = lambda: time.sleep(1.0)
    pool([leaf("a")], slurm, stale_running_sec=0.4, heartbeat_grace_sec=0.2)
    slurm.end_all()
    assert ["a"] == CREATED


def test_f43_queue_done_but_failed() -> None:
    """An artifact whose attempt failed is not done."""
    DOES["a"] = failing()
    with pytest.raises(FuruError):
        run_local([leaf("a")], max_workers=1)
    failures = len(CREATED)
    assert not leaf("a").exists()
    del DOES["a"]
    slurm = LiveSlurm()
    pool([leaf("a")], slurm)
    slurm.end_all()
    assert len(CREATED) == failures + 1
    assert leaf("a").exists()
