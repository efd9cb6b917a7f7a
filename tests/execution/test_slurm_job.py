"""The program of a batch job: signals, resuming, exit codes, the time that is left."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

import furu
from furu import clock
from furu.execution import submit_slurm_dag
from furu.execution.payload import FuruPayloadError
from furu.execution.slurm import job as slurm_job
from furu.execution.slurm import time_limit
from furu.execution.slurm import watch as slurm_watch
from furu.lifecycle.computable import artifact_paths
from furu.storage.records import EndedJobRecord, parse
from furu.testing import FakeSlurm, run_script
from tests.support.slurm_graphs import Hasty, Part, Slow, in_process, notes, root_file

SPECS = {"default": furu.SlurmSpec()}
PATIENCE_SEC = 30


@pytest.fixture(autouse=True)
def own_watch(monkeypatch):
    monkeypatch.setattr(slurm_watch, "WATCH", slurm_watch.SlurmWatch())


@pytest.fixture
def slurm(monkeypatch):
    """Jobs are processes; Slurm's commands are not to be had for them."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    slurm = FakeSlurm(body=run_script)
    yield slurm
    root_file("finish").touch()
    slurm.cancel(slurm.job_ids())


def wait_for(slurm, text):
    end = time.monotonic() + PATIENCE_SEC
    while text not in notes():
        assert time.monotonic() < end, notes()
        slurm.step()
        time.sleep(0.02)


def end_of(slurm, job_id):
    end = time.monotonic() + PATIENCE_SEC
    while not slurm.job(job_id).has_ended:
        assert time.monotonic() < end, notes()
        time.sleep(0.02)
    return slurm.job(job_id).exit_code.code


def endings(obj):
    return [path.name.rpartition(".")[2] for path in sorted(obj._base_furu_dir().glob("attempts/*"))]


class TestInterruptions:
    def test_after_a_requeue_it_goes_on_where_it_was_under_the_same_id(self, slurm):
        submit_slurm_dag([Slow()], specs=SPECS, slurm=slurm)
        wait_for(slurm, "slow from ''")
        slurm.requeue("1")
        wait_for(slurm, "slow from 'x'")
        root_file("finish").touch()
        assert 0 == end_of(slurm, "1")
        assert 1 == Slow().get()
        assert ["preempted", "ok"] == endings(Slow())
        owners = [
            json.loads(path.read_text()) for path in sorted(Slow()._base_furu_dir().glob("attempts/*/owner.json"))
        ]
        assert [("1", "0"), ("1", "1")] == [
            (owner["scheduler"]["job_id"], owner["scheduler"]["restart_count"]) for owner in owners
        ]

    @pytest.mark.parametrize(
        "numbers",
        [
            (signal.SIGTERM,),
            (signal.SIGTERM, signal.SIGTERM),
            (signal.SIGUSR2,),
            (signal.SIGUSR2, signal.SIGTERM),
            (signal.SIGTERM, signal.SIGUSR2, signal.SIGTERM),
        ],
        ids=lambda numbers: "+".join(number.name for number in numbers),
    )
    def test_however_often_it_is_told_it_has_time_to_save(self, slurm, numbers):
        submit_slurm_dag([Slow()], specs=SPECS, slurm=slurm)
        wait_for(slurm, "slow from ''")
        for number in numbers:
            os.kill(slurm.job("1").process.pid, number)
        assert 143 == end_of(slurm, "1")
        assert ["slow from ''", "slow saved"] == notes()
        assert ["preempted"] == endings(Slow())

    def test_a_time_limit_is_told_from_a_more_urgent_job(self, slurm, monkeypatch):
        monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(clock.unix()) + 60))
        submit_slurm_dag([Hasty()], specs=SPECS, slurm=slurm)
        wait_for(slurm, "hasty")
        os.kill(slurm.job("1").process.pid, signal.SIGUSR2)
        assert 143 == end_of(slurm, "1")
        path = artifact_paths(Hasty()).ended_job("1")
        assert "timed-out" == parse(EndedJobRecord, Path(path).read_bytes(), path).ending

    def test_a_job_that_runs_again_has_not_ended(self, slurm):
        submit_slurm_dag([Part()], specs=SPECS, slurm=slurm)
        path = Path(artifact_paths(Part()).ended_job("1"))
        path.write_text("{}")
        wait_for(slurm, "part 0")
        assert 0 == end_of(slurm, "1")
        assert not path.exists()


class TestExitCodes:
    def test_a_payload_that_is_not_there(self, tmp_path):
        with pytest.raises(FuruPayloadError, match="there is no payload"):
            slurm_job.main([str(tmp_path / "none")])

    @pytest.mark.parametrize("retry", ["0", "1"])
    def test_s083_a_sticky_failure(self, monkeypatch, retry):
        monkeypatch.setenv("FURU_RETRY_FAILED", retry)
        slurm = FakeSlurm(body=in_process)
        root_file("").mkdir(exist_ok=True)
        submit_slurm_dag([Part(n=1)], specs=SPECS, slurm=slurm)
        root_file("fail-1").touch()
        with pytest.raises(RuntimeError):
            Part(n=1)._worker_entry()
        root_file("fail-1").unlink()
        slurm.drain()
        assert ("COMPLETED" if retry == "1" else "FAILED") == slurm.job("1").state

    def test_s081_what_is_there_already_is_a_success(self):
        slurm = FakeSlurm(body=in_process)
        submit_slurm_dag([Part()], specs=SPECS, slurm=slurm)
        Part()._worker_entry()
        slurm.drain()
        assert "COMPLETED" == slurm.job("1").state
        assert ["part 0"] == notes()


class TestTimeLeft:
    @pytest.fixture(autouse=True)
    def outside(self, monkeypatch):
        for name in ("SLURM_JOB_ID", "SLURM_JOB_END_TIME"):
            monkeypatch.delenv(name, raising=False)
        time_limit._ends_at.cache_clear()

    def test_none_outside_of_a_job(self):
        assert furu.time_left() is None

    def test_told_by_the_environment(self, monkeypatch):
        monkeypatch.setenv("SLURM_JOB_ID", "7")
        monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(clock.unix()) + 100))
        left_sec = furu.time_left()
        assert left_sec is not None
        assert 98 < left_sec <= 100

    def test_none_where_nobody_knows(self, monkeypatch):
        monkeypatch.setenv("SLURM_JOB_ID", "7")
        monkeypatch.setenv("PATH", "/nonexistent")
        assert furu.time_left() is None

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("StartTime=2024-05-01T10:00:00 EndTime=1970-01-02T00:00:00 Deadline=N/A", True),
            ("EndTime=Unknown Deadline=N/A", False),
            ("slurm_load_jobs error: Invalid job id specified", False),
            ("", False),
        ],
        ids=["limit", "no-limit", "error", "nothing"],
    )
    def test_told_by_scontrol(self, text, expected):
        found = time_limit.parse_end_time(text)
        assert (found is not None) is expected
        assert found is None or abs(found - 86400) <= 14 * 3600  # local time
