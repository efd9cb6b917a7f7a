"""Stores of other users, full disks, power cuts; and owners that can or can't be proven dead."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from furu.errors import FuruComputeError, FuruError
from furu.lifecycle.artifact import Artifact, Terms
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.lease import Lease, Participant
from furu.storage.layout import Ending
from furu.storage.process import this_process
from furu.storage.records import SuccessRecord
from tests.reliability import stores
from tests.reliability.configs import Failing, Number
from tests.support.disks import Fault, FaultyDisk, NumberedDisk
from tests.support.fresh import finish, run_fresh, spawn

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user or mount a disk")


@needs_root
def test_f13_f14_a_store_of_another_user() -> None:
    """I13: a hit works and writes nothing; a miss says what to do."""
    assert run_fresh(stores.use_as_nobody) == {"hit": 0, "miss": 0, "is_unchanged": True}


@needs_root
def test_another_users_process_is_not_dead_because_proc_hides_it() -> None:
    assert run_fresh(stores.look_for_hidden_process) == {"status": 0}


@pytest.fixture
def small_disk(tmp_path: Path):
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "furu-test", str(tmp_path)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"can't mount a small disk: {mounted.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


@needs_root
def test_f17_a_disk_that_is_really_full(small_disk: Path) -> None:
    """The attempt has failed, the lock is free, and the same process computes when there is room."""
    report = run_fresh(stores.fill, str(small_disk))
    assert report == {"caught": os.strerror(errno.ENOSPC), "full": [["failed"], []], "after": 1}


@pytest.mark.parametrize("name", ["cold", "no files", "nested", "re-publish"])
def test_f37_before_a_publish_all_of_it_has_reached_the_disk(name: str, tmp_path: Path) -> None:
    """I3: a power cut after the publish can't show a result without its bytes."""
    report = run_fresh(stores.publish_with_ledger, str(tmp_path), name)
    assert report["missing"] == []
    assert report["is_publish_synced"]
    assert report["publishes"] == (3 if name == "nested" else 1)


def test_f39_failed_waiters(own_store: Path) -> None:
    """With retrying off, those who waited for a failure share it: one computation, eight errors."""
    trace = own_store / "trace"
    waiting = [spawn(get_failing, str(trace), FURU_RETRY_FAILED="0") for _ in range(8)]
    assert [finish(process) for process in waiting].count("failed before") == 7
    assert len(trace.read_text().splitlines()) == 1


def get_failing(trace: str) -> str:
    try:
        Failing(trace=Path(trace)).get()
    except FuruComputeError:
        return "failed before"
    except RuntimeError:
        return "failed here"
    return "computed"


def refuse_to_start(thread: threading.Thread) -> None:
    raise RuntimeError("no more threads")


class VirtualDisk(FaultyDisk):
    """A disk with a clock that only the test moves."""

    def __init__(self) -> None:
        super().__init__(0, Fault("error", errno.EIO), only=lambda call: self.is_failing and call.name == "beat")
        self.is_failing = False
        self.clock_sec = 50.0

    def now(self) -> float:
        return self.clock_sec


class TestOwners:
    """Two participants on one artifact: who keeps the lease."""

    def setup_method(self) -> None:
        self.disk = VirtualDisk()
        self.owner = Participant(self.disk, lambda: replace(this_process(), host="a", machine="a", boot="a"))
        self.other = Participant(self.disk, lambda: replace(this_process(), host="b", machine="b", boot="b"))
        self.paths = artifact_paths(Number(key=7))
        self.artifact = Artifact(self.paths, self.other)

    def acquire(self) -> Lease:
        lease = Artifact(self.paths, self.owner).acquire(Terms("Number", lease_sec=10.0, heartbeat_sec=9.0))
        assert isinstance(lease, Lease)
        return lease

    @pytest.mark.parametrize("hours", [-1, 1])
    def test_f26_a_host_whose_clock_is_wrong(self, hours: int) -> None:
        """I16: only whether the heartbeat changes counts, not what time it says."""
        lease = self.acquire()
        for beat in range(4):
            wrong = 1_700_000_000 + hours * 3600 + beat
            os.utime(self.paths.lease(lease.token).owner, (wrong, wrong))
            assert self.artifact.holder() is not None
            self.disk.clock_sec += 9.0
        assert self.artifact.holder() is not None
        self.disk.clock_sec += 10.1
        assert self.artifact.holder() is None
        self.owner.end(lease, Ending.LOST)

    def test_f28_a_heartbeat_that_fails_for_a_while(self) -> None:
        lease = self.acquire()
        self.disk.is_failing = True
        lease.beat()
        assert self.artifact.holder() is not None
        self.disk.clock_sec += 9.0
        self.disk.is_failing = False
        lease.beat()
        assert self.artifact.holder() is not None
        self.disk.clock_sec += 9.0
        assert self.artifact.holder() is not None
        assert not lease.is_lost
        self.owner.end(lease, Ending.PREEMPTED)

    def test_f06_i05_a_revoked_owner_can_do_nothing_any_more(self) -> None:
        lease = self.acquire()
        assert self.artifact.holder() is not None
        self.disk.clock_sec += 10.1
        assert self.artifact.holder() is None
        successor = self.artifact.acquire(Terms("Number", lease_sec=10.0, heartbeat_sec=9.0))
        assert isinstance(successor, Lease)
        owner = self.paths.lease(successor.token).owner
        before = os.stat(owner).st_mtime_ns
        lease.beat()
        assert lease.is_lost
        assert not lease.lock.publish(SuccessRecord(lease.token, None, 0.0, [1]), replaces=False, sync=False)
        assert not self.owner.end(lease, Ending.FAILED)
        assert os.listdir(self.paths.lock) == [successor.token]
        assert os.stat(owner).st_mtime_ns == before
        assert self.artifact.success() is None
        self.other.end(successor, Ending.PREEMPTED)

    def test_a_heart_that_could_not_be_started_is_started_by_the_next(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse_to_start)
            with pytest.raises(FuruError, match="no more threads"):
                self.acquire()
        assert not os.path.exists(self.paths.base)
        assert self.owner.heart.leases() == []
        lease = self.acquire()
        assert "furu-heart" in [thread.name for thread in threading.enumerate()]
        assert self.owner.heart.leases() == [lease]
        self.owner.end(lease, Ending.PREEMPTED)

    def test_f34_one_of_two_takers_wins(self) -> None:
        lease = self.acquire()
        third = Artifact(self.paths, Participant(NumberedDisk(), lambda: replace(this_process(), host="c", boot="c")))
        assert self.artifact.lock.end(lease.token, Ending.LOST)
        assert not third.lock.end(lease.token, Ending.CRASHED)
        assert [attempt.ending for attempt in third.lock.ended()] == [Ending.LOST]
        self.owner.end(lease, Ending.LOST)
