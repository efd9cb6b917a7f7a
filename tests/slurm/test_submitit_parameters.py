"""SlurmSpec and submitit on a real cluster: the parameters arrive, and a child of a failure does not wait for ever."""

from __future__ import annotations

import operator
import os

import pytest
import submitit

from furu.execution.slurm.client import SlurmClient
from furu.execution.slurm.jobs import JobEnding
from furu.execution.slurm_spec import SlurmSpec
from tests.slurm.cluster.daemons import wait_until

pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.xdist_group("slurm")]


def make_executor(folder, spec: SlurmSpec, *parents: str) -> submitit.AutoExecutor:
    executor = submitit.AutoExecutor(folder=folder, cluster="slurm")
    executor.update_parameters(**spec.to_submitit_parameters(parent_job_ids=parents))
    return executor


def test_a_full_spec_is_what_the_job_gets(slurm_cluster, tmp_path):
    extra = {"slurm_additional_parameters": {"comment": "hello"}}
    spec = SlurmSpec(partition="gpu", gpus=1, cpus=2, mem_gb=0.5, time_min=30, extra=extra)
    job = make_executor(tmp_path, spec).submit(os.getenv, "CUDA_VISIBLE_DEVICES")
    told = slurm_cluster.run("scontrol", "-o", "show", "job", job.job_id)
    for fact in ("Partition=gpu", "CPUs/Task=2", "MinMemoryNode=512M", "TimeLimit=00:30:00", "Comment=hello"):
        assert fact in told
    assert "0" == job.result()


def test_children_of_a_failure_are_cancelled_within_seconds(slurm_cluster, tmp_path):
    parent = make_executor(tmp_path, SlurmSpec(time_min=60)).submit(operator.truediv, 1, 0)
    child = make_executor(tmp_path, SlurmSpec(time_min=60), parent.job_id).submit(operator.add, 1, 2)
    grandchild = make_executor(tmp_path, SlurmSpec(time_min=60), child.job_id).submit(operator.add, 1, 2)
    ids = [parent.job_id, child.job_id, grandchild.job_id]
    client = SlurmClient()

    def have_ended() -> bool:
        return all(facts.has_ended for facts in client.jobs(ids).values())

    assert wait_until(have_ended, timeout_sec=30, every_sec=0.2)
    never = JobEnding.DEPENDENCY_NEVER_SATISFIED
    assert [JobEnding.FAILED, never, never] == [facts.ending() for facts in client.jobs(ids).values()]
