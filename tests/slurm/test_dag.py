"""A graph as jobs of a real Slurm: one job per node, through submitit and by sbatch itself."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path

import pytest

from furu import SlurmSpec
from furu.config import settings
from furu.execution import FuruRunError, Status, attach_slurm_dag, build_plan, run_local, submit_slurm_dag
from furu.execution.slurm import watch as slurm_watch
from furu.execution.slurm.client import SlurmClient
from furu.lifecycle.computable import artifact_paths
from furu.storage.records import EndedJobRecord, parse
from tests.slurm.cluster.daemons import wait_until
from tests.support.slurm_graphs import Facts, Hasty, Part, Slow, Sneaky, Total, notes, root_file

pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.xdist_group("slurm")]

HOUR = {"default": SlurmSpec(time_min=60), "gpu": SlurmSpec(partition="gpu", gpus=1, time_min=60)}
# Less than the time that a warning about the limit is given before it.
MINUTES = {"default": SlurmSpec(time_min=4)}
PATIENCE_SEC = 40
LOGS = {".log", ".err", ".out"}


@pytest.fixture(autouse=True)
def own_watch(monkeypatch):
    watch = slurm_watch.SlurmWatch()
    monkeypatch.setattr(slurm_watch, "WATCH", watch)
    monkeypatch.setattr("furu.execution.slurm.attach.WATCH", watch)


@pytest.fixture(params=["submitit", "sbatch"])
def submit(request, slurm_cluster):
    return partial(submit_slurm_dag, slurm=None if request.param == "submitit" else SlurmClient())


def wait(submission, timeout_sec=PATIENCE_SEC):
    return attach_slurm_dag(submission.run_id).wait(timeout_sec=timeout_sec)


def wait_for_note(text, count=1):
    assert wait_until(lambda: notes().count(text) >= count, timeout_sec=PATIENCE_SEC, every_sec=0.05), notes()


def endings(obj):
    names = [path.name for path in obj._base_furu_dir().glob("attempts/*")]
    return [name.rpartition(".")[2] for name in sorted(names)]


def ended(obj, job_id):
    path = artifact_paths(obj).ended_job(job_id)
    return parse(EndedJobRecord, Path(path).read_bytes(), path)


def log_of(submission):
    folders = list(settings().submitit_path.glob(f"nodes/*/{submission.run_id}"))
    return "\n".join(path.read_text() for folder in folders for path in folder.rglob("*") if path.suffix in LOGS)


class TestGraphs:
    def test_a_graph_over_two_partitions(self, submit):
        parts = [Part(n=n) for n in range(10)]
        total, facts = Total(parts=parts), Facts(key="gpu")
        root = Total(parts=[total, Total(parts=[Part(n=1)], key="gpu")], key="gpu")
        submission = submit([root, facts], specs=HOUR)
        assert {"done": 14} == {state.value: count for state, count in wait(submission).counts().items()}
        assert 46 == root.get()
        assert (10, 3) == (len(set(notes()) - {"total"}), notes().count("total"))
        told = facts.get()
        assert ("executor", "gpu", "submitit", facts.furu_hash) == (
            told["mode"],
            told["key"],
            told["backend"],
            told["hash"],
        )
        assert told["gpus"] in {"0", "1"}
        assert 3000 < told["time_left"] <= 3600
        owner = json.loads(next(facts._base_furu_dir().glob("attempts/*.ok/owner.json")).read_text())
        job = {"kind": "slurm", "job_id": submission.job_id_by_hash[facts.furu_hash], "node": "g1", "partition": "gpu"}
        assert job.items() <= owner["scheduler"].items()

    def test_without_accounting(self, slurm_cluster_without_accounting):
        root_file("fail-3").touch()
        good, bad = Total(parts=[Part(n=1)]), Total(parts=[Part(n=3)], key="gpu")
        submission = submit_slurm_dag([good, bad], specs=HOUR)
        with pytest.raises(FuruRunError) as caught:
            wait(submission)
        assert [f"Part({Part(n=3).furu_hash})"] == list(caught.value.failed)
        assert [f"Total({bad.furu_hash})"] == list(caught.value.skipped)
        assert 1 == good.get()
        again = submit_slurm_dag([good, bad], specs=HOUR)
        assert {Part(n=3).furu_hash, bad.furu_hash} == again.job_id_by_hash.keys()


class TestFailures:
    def test_a_job_is_strict_and_computes_nothing_else(self, submit):
        submission = submit([Sneaky()], specs=HOUR)
        with pytest.raises(FuruRunError, match="FuruMissingArtifact: Missing artifact Part"):
            wait(submission)
        assert [] == notes()
        assert "FuruMissingArtifact" in log_of(submission)

    def test_children_of_a_failure_are_cancelled_and_the_plan_says_why(self, submit):
        root_file("fail-1").touch()
        child = Total(parts=[Part(n=1)])
        root = Total(parts=[child], key="gpu")
        submission = submit([root], specs=HOUR)
        wait_for_note("part 1")
        began = time.monotonic()
        with pytest.raises(FuruRunError, match="RuntimeError: told to fail") as caught:
            wait(submission)
        assert time.monotonic() - began < 10
        assert 2 == len(caught.value.skipped)
        plan = build_plan([root])
        for node in (child, root):
            job_id = submission.job_id_by_hash[node.furu_hash]
            because = plan.nodes[node.furu_hash].because
            assert f"Slurm job {job_id} ended: dependency-never-satisfied" in because
        assert "its last attempt failed" in plan.nodes[Part(n=1).furu_hash].because
        root_file("fail-1").unlink()
        assert {Part(n=1).furu_hash, child.furu_hash, root.furu_hash} == submit(
            [root], specs=HOUR
        ).job_id_by_hash.keys()

    def test_scancel_of_a_running_node(self, submit, slurm_cluster):
        root = Total(parts=[Slow()])
        submission = submit([root], specs=HOUR)
        wait_for_note("slow from ''")
        slurm_cluster.run("scancel", job_id := submission.job_id_by_hash[Slow().furu_hash])
        wait_for_note("slow saved")
        with pytest.raises(FuruRunError):
            wait(submission)
        assert ["preempted"] == endings(Slow())
        assert "cancelled" == ended(Slow(), job_id).ending
        states = {node.name: node.state for node in submission.attach().look().nodes.values()}
        assert {f"Slow({Slow().furu_hash})": "failed", f"Total({root.furu_hash})": "skipped"} == states


class TestInterruptions:
    def test_requeue_goes_on_where_it_was(self, submit, slurm_cluster):
        root = Slow()
        submission = submit([root], specs=HOUR)
        wait_for_note("slow from ''")
        slurm_cluster.run("scontrol", "requeue", submission.root_job_ids[root.furu_hash])
        wait_for_note("slow from 'x'")
        root_file("finish").touch()
        wait(submission)
        assert ["preempted", "ok"] == endings(root)
        assert 1 == root.get()
        owners = [json.loads(path.read_text()) for path in sorted(root._base_furu_dir().glob("attempts/*/owner.json"))]
        assert ["0", "1"] == [owner["scheduler"]["restart_count"] for owner in owners]

    def test_a_more_urgent_job_takes_the_place(self, slurm_cluster):
        submission = submit_slurm_dag([Slow()], specs=HOUR)
        wait_for_note("slow from ''")
        job_id = submission.root_job_ids[Slow().furu_hash]
        node = SlurmClient().jobs([job_id])[job_id].node
        script = "#!/bin/sh\nsleep 1\n"
        slurm_cluster.run("sbatch", "-p", "urgent", "-w", node, "--exclusive", "-o", "/dev/null", stdin=script)
        wait_for_note("slow from 'x'")
        root_file("finish").touch()
        wait(submission)
        assert ["preempted", "ok"] == endings(Slow())

    @pytest.mark.parametrize(("cls", "is_run_again"), [(Slow, True), (Hasty, False)], ids=["resumable", "not"])
    def test_a_warning_that_the_time_is_up(self, submit, slurm_cluster, cls, is_run_again):
        submission = submit([cls()], specs=MINUTES)
        wait_for_note("slow from ''" if is_run_again else "hasty")
        job_id = submission.root_job_ids[cls().furu_hash]
        # As Slurm does: to the steps, or where the job asked for it (B:) to the batch step.
        is_step = submit.keywords["slurm"] is None
        slurm_cluster.run("scancel", *([] if is_step else ["--batch"]), "--signal=USR2", job_id)
        if is_run_again:
            wait_for_note("slow from 'x'")
            root_file("finish").touch()
            wait(submission)
            assert ["preempted", "ok"] == endings(cls())
        else:
            with pytest.raises(FuruRunError, match="timed-out"):
                wait(submission)
            assert "timed-out" == ended(cls(), job_id).ending
            assert ["preempted"] == endings(cls())

    def test_a_node_that_goes_down(self, slurm_cluster):
        submission = submit_slurm_dag([Slow()], specs=HOUR)
        wait_for_note("slow from ''")
        job_id = submission.root_job_ids[Slow().furu_hash]
        slurm_cluster.set_node_down(SlurmClient().jobs([job_id])[job_id].node)
        assert wait_until(lambda: len(notes()) >= 3 or notes().count("slow from ''") == 2, timeout_sec=PATIENCE_SEC)
        root_file("finish").touch()
        wait(submission)
        assert 2 == len(endings(Slow()))
        assert "ok" == endings(Slow())[-1]


class TestSharing:
    def test_what_is_queued_or_runs_is_reused_and_waited_for(self, submit):
        root = Total(parts=[Slow()])
        first = submit([root], specs=HOUR)
        wait_for_note("slow from ''")
        again = submit([root, Total(parts=[Part(n=2)])], specs=HOUR)
        assert first.root_job_ids.items() <= again.root_job_ids.items()
        assert 3 == len(again.job_id_by_hash)
        plan = build_plan([root])
        assert {Status.IN_PROGRESS: 1} == plan.counts()
        assert "Slurm job" in plan.nodes[root.furu_hash].because
        root_file("finish").touch()
        run_local([root], poll_interval_sec=0.1)
        wait(again)
        assert 1 == notes().count("total") - 1
        assert ["ok"] == endings(Slow())
