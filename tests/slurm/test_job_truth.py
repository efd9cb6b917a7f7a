"""SlurmClient on a real cluster: what sacct says when squeue has forgotten, and what nobody says."""

from __future__ import annotations

import time

import pytest

from furu.execution.slurm.client import JobRequest, Outcome, SlurmClient, run_command
from furu.execution.slurm.jobs import JobEnding, JobFacts, JobMemory, JobState

pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.xdist_group("slurm")]


class Recorder:
    """Runs the real commands, except those that the test has silenced; counts them."""

    def __init__(self) -> None:
        self.silenced: set[str] = set()
        self.programs: list[str] = []

    def __call__(self, argv, stdin, timeout_sec):
        self.programs.append(argv[0])
        return Outcome(0) if argv[0] in self.silenced else run_command(argv, stdin, timeout_sec)


def submit(client: SlurmClient, script: str, *after_ok: str, **more) -> str:
    options = {"output": "/dev/null", **more.pop("options", {})}
    return client.submit(JobRequest(script=f"#!/bin/bash\n{script}\n", after_ok=after_ok, options=options, **more))


def wait_for(client: SlurmClient, job_ids: list[str], what, timeout_sec: float = 40) -> dict[str, JobFacts]:
    end = time.monotonic() + timeout_sec
    while time.monotonic() < end:
        jobs = client.jobs(job_ids)
        if all(what(facts) for facts in jobs.values()):
            return jobs
        time.sleep(0.1)
    raise AssertionError(f"after {timeout_sec} s: {jobs}")


def test_sacct_tells_the_same_endings_as_squeue(slurm_cluster):
    recorder = Recorder()
    client = SlurmClient(run=recorder)
    jobs = {"ok": submit(client, "true"), "killed": submit(client, "kill -9 $$")}
    # Still there when its child comes: of a child that never had a chance sacct may not say why it was cancelled.
    jobs["failed"] = submit(client, "sleep 2; exit 3")
    jobs["child"] = submit(client, "true", jobs["failed"])
    jobs["waiting"] = submit(client, "true", options={"hold": True})
    jobs["running"] = submit(client, "sleep 60")
    base = submit(client, "exit $SLURM_ARRAY_TASK_ID", array_size=2)
    jobs |= {"first": f"{base}_0", "second": f"{base}_1"}
    wait_for(client, [jobs["running"]], lambda facts: facts.state is JobState.RUNNING)
    client.cancel([jobs["waiting"], jobs["running"]])
    by_squeue = wait_for(client, list(jobs.values()), lambda facts: facts.has_ended)
    assert {"squeue"} == {facts.source for facts in by_squeue.values()}

    recorder.silenced = {"squeue"}
    by_sacct = wait_for(client, list(jobs.values()), lambda facts: facts.has_ended)
    assert {"sacct"} == {facts.source for facts in by_sacct.values()}
    expected = {
        "ok": JobEnding.OK,
        "failed": JobEnding.FAILED,
        "killed": JobEnding.FAILED,
        "child": JobEnding.DEPENDENCY_NEVER_SATISFIED,
        "waiting": JobEnding.CANCELLED,
        "running": JobEnding.CANCELLED,
        "first": JobEnding.OK,
        "second": JobEnding.FAILED,
    }
    assert expected == {name: by_squeue[job_id].ending() for name, job_id in jobs.items()}
    assert expected == {name: by_sacct[job_id].ending() for name, job_id in jobs.items()}
    assert 0 == by_sacct[jobs["running"]].cancelled_by


def test_without_accounting_a_forgotten_job_is_unknown_and_sacct_is_asked_once(slurm_cluster_without_accounting):
    recorder = Recorder()
    client = SlurmClient(run=recorder)
    job_id = submit(client, "true")
    wait_for(client, [job_id], lambda facts: facts.has_ended)
    recorder.silenced = {"squeue"}
    for _ in range(3):
        facts = client.jobs([job_id])[job_id]
        assert JobState.UNKNOWN is facts.state
        assert "accounting" in facts.because
    assert 1 == recorder.programs.count("sacct")


def test_waiting_elements_of_a_long_array_are_told_by_sacct(slurm_cluster):
    """sacct prints them on one line, which it would cut short."""
    recorder = Recorder()
    client = SlurmClient(run=recorder)
    base = submit(client, "true", array_size=400, options={"hold": True})
    ids = [f"{base}_{index}" for index in range(1, 400, 2)]
    client.cancel(f"{base}_{index}" for index in range(0, 400, 2))  # leaves a list that no range can shorten
    recorder.silenced = {"squeue"}
    jobs = wait_for(client, ids, lambda facts: facts.is_known)
    assert {JobState.PENDING} == {facts.state for facts in jobs.values()}


def test_a_preempted_job_runs_again_and_is_never_judged_meanwhile(slurm_cluster, tmp_path):
    """A job of partition `urgent` takes the node; a poll every 0.1 s never yields a verdict before the real end."""
    client, memory = SlurmClient(), JobMemory()
    script = f"echo run >> {tmp_path}/runs; sleep $((60 - 60 * SLURM_RESTART_COUNT))"
    victim = submit(client, script, options={"nodelist": "c1", "exclusive": True, "requeue": True})
    wait_for(client, [victim], lambda facts: facts.state is JobState.RUNNING)
    urgent = submit(client, "sleep 1", options={"partition": "urgent", "nodelist": "c1", "exclusive": True})
    verdicts, states = [], []
    end = time.monotonic() + 60
    while not verdicts and time.monotonic() < end:
        facts = client.jobs([victim])[victim]
        states.append(facts.state)
        memory.learn([facts], now=time.monotonic())
        verdict = memory.verdict(victim, now=time.monotonic())
        verdicts += [verdict] if verdict else []
        time.sleep(0.1)
    assert [JobEnding.OK] == verdicts, states
    assert JobState.PENDING in states
    assert 1 == memory.facts(victim).restarts
    assert JobEnding.OK is client.jobs([urgent])[urgent].ending()


def test_while_the_controller_is_away_every_job_is_unknown(slurm_cluster):
    client = SlurmClient()
    job_id = submit(client, "sleep 60")
    wait_for(client, [job_id], lambda facts: facts.state is JobState.RUNNING)
    slurm_cluster.stop_controller()
    facts = client.jobs([job_id])[job_id]
    assert JobState.UNKNOWN is facts.state
    assert "Unable to contact slurm controller" in facts.because
    assert "asked again in" in client.jobs([job_id])[job_id].because
    slurm_cluster.start_controller()
    wait_for(client, [job_id], lambda facts: facts.state is JobState.RUNNING)
