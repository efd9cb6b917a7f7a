"""Threads, forks, stopped processes, and many that want one artifact at the same moment."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.reliability import processes
from tests.support.fresh import finish, run_fresh, spawn

QUICK = {"FURU_LEASE_SECS": "0.5", "FURU_HEARTBEAT_SECS": "0.1"}
DEFAULTS = {"FURU_FSYNC": "1", "FURU_RECORD_GIT": "full", "FURU_LOG_LEVEL": "INFO"}
"""Over what tests set for speed."""


@pytest.mark.parametrize("rounds", [3, pytest.param(25, marks=pytest.mark.slow)])
def test_f16_32_threads_and_20_keys(rounds: int, tmp_path: Path) -> None:
    """Each key is computed once, and all threads see the same results."""
    report = run_fresh(processes.get_in_threads, str(tmp_path), 32, 20, rounds)
    assert report == [{"computed": 20, "values": 1}] * rounds


@pytest.mark.parametrize(
    ("way", "status"),
    [
        pytest.param("_exit", "0", id="os._exit"),
        pytest.param("exit", "10", id="sys.exit"),
        pytest.param("raise", "11", id="an exception"),
        pytest.param("return", "12", id="comes out of _create"),
        pytest.param("delete", "13", id="tries to delete the artifact"),
        pytest.param("pool", "6", id="multiprocessing"),
    ],
)
def test_f11_f12_a_forked_child_never_ends_its_parents_lease(way: str, status: str, tmp_path: Path) -> None:
    """I15: nor does it publish, fail, or delete anything for it."""
    report = run_fresh(processes.fork_while_computing, str(tmp_path), way)
    assert report == {"seen": [status, "True", "True"], "is_whole": True, "endings": [".ok"]}


def test_files_that_only_a_forked_child_wrote_are_published() -> None:
    assert run_fresh(processes.get_files_of_a_child) == "by the child"


class TestStopped:
    """SIGSTOP while it computes; SIGCONT later."""

    def test_f07_on_this_kernel_it_keeps_its_lease(self, tmp_path: Path) -> None:
        owner = self.start_owner(tmp_path, "")
        owner.send_signal(signal.SIGSTOP)
        waiter = spawn(processes.get_stoppable, str(tmp_path), "", **QUICK)
        time.sleep(1.5)  # three leases
        assert waiter.poll() is None
        (tmp_path / "go").touch()
        owner.send_signal(signal.SIGCONT)
        assert finish(owner) == finish(waiter)
        assert len((tmp_path / "computed").read_text().splitlines()) == 1

    @pytest.mark.parametrize(
        ("owners_host", "lease_sec"), [("elsewhere", 0.4), ("", 0.1)], ids=["on another host", "for ten leases"]
    )
    def test_f08_a_zombie_changes_nothing(self, owners_host: str, lease_sec: float, tmp_path: Path) -> None:
        """I3-I5: what was published stays to the byte; the zombie returns the newer result."""
        quick = {"FURU_LEASE_SECS": str(lease_sec), "FURU_HEARTBEAT_SECS": str(lease_sec / 5)}
        owner = self.start_owner(tmp_path, owners_host, **quick)
        owner.send_signal(signal.SIGSTOP)
        token = run_fresh(processes.get_stoppable, str(tmp_path), "here", **quick) if owners_host else None
        token = token or run_fresh(processes.get_stoppable, str(tmp_path), "", **quick)
        before = snapshot(tmp_path)
        (tmp_path / "go").touch()
        owner.send_signal(signal.SIGCONT)
        assert finish(owner) == token
        assert snapshot(tmp_path) == before
        assert len((tmp_path / "computed").read_text().splitlines()) == 2
        assert sorted(path.suffix for path in base(tmp_path).glob("attempts/*")) == [".lost", ".ok"]
        assert not list(base(tmp_path).glob("lock/*"))

    def test_f29_an_owner_whose_heart_c_code_holds_up(self, tmp_path: Path) -> None:
        """Elsewhere it looks silent: it is replaced, and publishes nothing when it is through."""
        quick = {"FURU_LEASE_SECS": "0.3", "FURU_HEARTBEAT_SECS": "0.05"}
        owner = spawn(processes.get_stoppable, str(tmp_path), "elsewhere", True, **quick)
        processes.wait_for(tmp_path / "started")
        token = run_fresh(processes.get_stoppable, str(tmp_path), "here", **quick)
        before = snapshot(tmp_path)
        assert finish(owner) == token
        assert snapshot(tmp_path) == before

    def start_owner(self, meeting: Path, host: str, **quick: str):
        owner = spawn(processes.get_stoppable, str(meeting), host, **(quick or QUICK))
        processes.wait_for(meeting / "started")
        return owner


def base(meeting: Path) -> Path:
    return processes.Stoppable(meeting=meeting)._base_furu_dir()


def snapshot(meeting: Path) -> dict[str, tuple[bytes, int]]:
    """Bytes and times of what is published."""
    directory = processes.Stoppable(meeting=meeting).furu_dir
    files = [base(meeting) / "SUCCESS.json", *sorted(directory.iterdir())]
    return {path.name: (path.read_bytes(), os.stat(path).st_mtime_ns) for path in files}


@pytest.mark.parametrize("trials", [15, pytest.param(100, marks=pytest.mark.slow)])
def test_single_flight_at_a_simultaneous_start(trials: int, tmp_path: Path) -> None:
    """I12: 8 processes, default settings: one computes and publishes, all return its result."""
    report = run_fresh(processes.race, str(tmp_path), trials, 8, 0.01, False, **DEFAULTS)
    once = {"failed": 0, "values": 1, "computed": 1, "published": 1, "others": [], "is_whole": True}
    assert report == [once] * trials


def test_f23_single_flight_control(tmp_path: Path) -> None:
    """The same trials see it when nobody looks again under the lock."""
    report = run_fresh(processes.race_blindly, str(tmp_path), 15, 8)
    assert sum(trial["computed"] > 1 for trial in report) > 0


@pytest.mark.parametrize("trials", [15, pytest.param(100, marks=pytest.mark.slow)])
def test_single_flight_when_the_owner_is_killed(trials: int, tmp_path: Path) -> None:
    """One publish; another process computes at once what the killed one did not finish."""
    report = run_fresh(processes.race, str(tmp_path), trials, 8, 0.03, True, **DEFAULTS)
    once = {"failed": 0, "values": 1, "computed": 2, "published": 1, "others": ["crashed"], "is_whole": True}
    assert report == [once] * trials
