"""FakeSlurm: the part that has no counterpart in `tests/contracts/test_slurm_contract.py`: hand, clock and troubles."""

from __future__ import annotations

import os

import pytest

import furu
from furu.execution.slurm import fake_script as fake_slurm_script
from furu.execution.slurm.client import FuruSlurmError, JobRequest
from furu.execution.slurm.fake import FakeSlurm, Trouble, run_script
from furu.execution.slurm.jobs import NEVER_SATISFIED, JobEnding, JobMemory
from furu.execution.slurm.text import SlurmLimits


class Clock:
    def __init__(self) -> None:
        self.sec = 1000.0

    def __call__(self) -> float:
        return self.sec


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def slurm(clock):
    return FakeSlurm(now=clock)


def test_one_that_turns_itself_needs_no_hand(clock):
    """Each command is a turn: what is submitted starts, and what ended makes room, without a `step()`."""
    ran = []
    slurm = FakeSlurm(now=clock, body=lambda job: ran.append(job.job_id) or 0, turns_itself=True)
    first = submit(slurm)
    assert [first] == ran
    second = submit(slurm, first)
    assert ["COMPLETED", "COMPLETED"] == states(slurm, first, second)
    assert [first, second] == ran


def submit(slurm: FakeSlurm, *after_ok: str, **more) -> str:
    return slurm.submit(JobRequest(script="true", after_ok=after_ok, **more))


def state(slurm: FakeSlurm, job_id: str) -> str:
    return slurm.jobs([job_id])[job_id].state


def states(slurm: FakeSlurm, *job_ids: str) -> list[str]:
    return [facts.state for facts in slurm.jobs(job_ids).values()]


class TestByHand:
    def test_a_job_waits_runs_and_ends_when_the_test_says_so(self, slurm):
        job_id = submit(slurm)
        assert "PENDING" == state(slurm, job_id)
        assert [job_id] == slurm.step()
        assert "RUNNING" == state(slurm, job_id)
        assert [] == slurm.step()
        slurm.finish(job_id)
        assert "COMPLETED" == state(slurm, job_id)

    def test_finish_starts_what_could_run(self, slurm):
        job_id = submit(slurm)
        slurm.finish(job_id, "FAILED", exit_code=143)
        assert JobEnding.PREEMPTED is slurm.jobs([job_id])[job_id].ending()

    def test_what_was_submitted_can_be_looked_at(self, slurm):
        job_id = slurm.submit(JobRequest(script="echo hi", options={"partition": "gpu", "time": 5}))
        job = slurm.job(job_id)
        assert ("echo hi", "gpu", "5") == (job.script, job.partition, job.options["time"])

    @pytest.mark.parametrize("ending", ["COMPLETED", "CANCELLED"])
    def test_an_ended_job_cannot_end_again(self, slurm, ending):
        job_id = submit(slurm)
        slurm.finish(job_id, ending)
        with pytest.raises(ValueError, match="only a running job can end"):
            slurm.finish(job_id)

    def test_a_job_cannot_end_in_a_state_that_is_no_end(self, slurm):
        with pytest.raises(ValueError, match="can't end as RUNNING"):
            slurm.finish(submit(slurm), "RUNNING")

    def test_a_waiting_job_cannot_be_preempted(self, slurm):
        with pytest.raises(ValueError, match="only a running job can be interrupted"):
            slurm.preempt(submit(slurm))

    def test_a_child_cannot_be_ended_before_its_parent(self, slurm):
        child = submit(slurm, submit(slurm))
        with pytest.raises(ValueError, match="can't start: PENDING, Dependency"):
            slurm.finish(child)

    def test_a_held_job_does_not_start(self, slurm):
        job_id = submit(slurm, options={"hold": True})
        assert [] == slurm.step()
        assert "JobHeldUser" == slurm.jobs([job_id])[job_id].reason

    def test_nodes_run_so_many_jobs_at_once(self, clock):
        slurm = FakeSlurm(now=clock, partitions={"cpu": ("c1", "c2")}, jobs_per_node=1)
        job_ids = [submit(slurm) for _ in range(3)]
        assert job_ids[:2] == slurm.step()
        assert {"c1", "c2"} == {slurm.job(job_id).node for job_id in job_ids[:2]}
        assert "Resources" == slurm.jobs(job_ids)[job_ids[2]].reason
        slurm.finish(job_ids[0])
        assert job_ids[2:] == slurm.step()

    def test_an_array_keeps_its_limit(self, slurm):
        base = submit(slurm, array_size=3, array_limit=2)
        assert [f"{base}_0", f"{base}_1"] == slurm.step()
        assert "JobArrayTaskLimit" == slurm.jobs([f"{base}_2"])[f"{base}_2"].reason
        slurm.finish(f"{base}_0")
        assert [f"{base}_2"] == slurm.step()


class TestInterruptions:
    def test_a_preempted_job_is_queued_again_under_its_id(self, clock):
        slurm = FakeSlurm(now=clock, begin_delay_sec=5, rerun_delay_sec=2)
        job_id = submit(slurm)
        slurm.start(job_id)
        slurm.preempt(job_id)
        assert "PREEMPTED" == state(slurm, job_id)
        clock.sec += 2
        facts = slurm.jobs([job_id])[job_id]
        assert ("PENDING", "BeginTime", 1) == (facts.state, facts.reason, facts.restarts)
        assert [] == slurm.step()
        clock.sec += 5
        assert [job_id] == slurm.step()
        assert "1" == slurm.job(job_id).environ()["SLURM_RESTART_COUNT"]

    def test_a_job_is_told_when_its_time_is_over(self, slurm, monkeypatch):
        limited, unlimited = (slurm.job(submit(slurm, options=options)) for options in ({"time": 7}, {}))
        monkeypatch.setenv("SLURM_JOB_ID", limited.environ()["SLURM_JOB_ID"])
        monkeypatch.setenv("SLURM_JOB_END_TIME", limited.environ()["SLURM_JOB_END_TIME"])
        assert 6 * 60 < furu.time_left() <= 7 * 60
        assert "SLURM_JOB_END_TIME" not in unlimited.environ()

    def test_without_requeue_it_is_over(self, slurm):
        parent = submit(slurm, options={"no-requeue": True})
        child = submit(slurm, parent)
        slurm.start(parent)
        slurm.fail_node(slurm.job(parent).node)
        assert ["NODE_FAIL", "CANCELLED"] == states(slurm, parent, child)

    def test_children_wait_for_a_parent_that_will_run_again(self, clock):
        slurm = FakeSlurm(now=clock, rerun_delay_sec=2)
        parent = submit(slurm)
        child = submit(slurm, parent)
        slurm.start(parent)
        slurm.fail_node("c1")
        assert ["NODE_FAIL", "PENDING"] == states(slurm, parent, child)

    def test_nothing_starts_on_a_node_that_is_down(self, clock):
        slurm = FakeSlurm(now=clock, partitions={"cpu": ("c1",)})
        slurm.fail_node("c1")
        job_id = submit(slurm)
        assert [] == slurm.step()
        slurm.resume_node("c1")
        assert [job_id] == slurm.step()

    def test_a_verdict_comes_only_when_slurm_does_not_run_it_again(self, clock):
        slurm = FakeSlurm(now=clock, rerun_delay_sec=4)
        memory = JobMemory(rerun_grace_sec=60)
        job_id = submit(slurm)
        slurm.start(job_id)
        slurm.fail_node(slurm.job(job_id).node)
        for _ in range(20):
            memory.learn(slurm.jobs([job_id]).values(), now=clock.sec)
            assert memory.verdict(job_id, now=clock.sec) is None
            clock.sec += 10


class TestMemory:
    def test_ended_jobs_are_forgotten_by_squeue_but_not_by_sacct(self, slurm, clock):
        job_id = submit(slurm)
        slurm.finish(job_id, "TIMEOUT")
        clock.sec += 300
        assert "squeue" == slurm.jobs([job_id])[job_id].source
        clock.sec += 1
        facts = slurm.jobs([job_id])[job_id]
        assert ("sacct", JobEnding.TIMED_OUT) == (facts.source, facts.ending())

    def test_a_forgotten_failure_counts_as_a_success_for_new_children(self, slurm, clock):
        parent = submit(slurm)
        slurm.finish(parent, "FAILED")
        assert "CANCELLED" == state(slurm, submit(slurm, parent))
        clock.sec += 301
        child = submit(slurm, parent)
        assert [child] == slurm.step()

    def test_a_child_that_waits_in_vain_does_so_for_ever(self, slurm, clock):
        parent = submit(slurm)
        child = submit(slurm, options={"dependency": f"afterok:{parent}"})
        slurm.finish(parent, "FAILED")
        clock.sec += 10**6
        assert [] == slurm.step()
        assert NEVER_SATISFIED == slurm.jobs([child])[child].reason

    def test_a_parent_that_ended_well_may_be_forgotten_before_the_others_end(self, slurm, clock):
        first, second = submit(slurm), submit(slurm)
        child = submit(slurm, first, second)
        slurm.finish(first)
        clock.sec += 301
        assert "Dependency" == slurm.jobs([child])[child].reason
        slurm.finish(second)
        assert [child] == slurm.step()

    def test_who_cancelled_is_told_by_sacct(self, slurm, clock):
        parent = submit(slurm)
        child = submit(slurm, parent)
        slurm.cancel([parent])
        clock.sec += 301
        jobs = slurm.jobs([parent, child])
        assert [JobEnding.CANCELLED, JobEnding.DEPENDENCY_NEVER_SATISFIED] == [f.ending() for f in jobs.values()]
        assert (0, None) == (jobs[parent].cancelled_by, jobs[child].cancelled_by)

    def test_every_job_ever_submitted_is_listed(self, slurm, clock):
        first = submit(slurm)
        slurm.finish(first)
        clock.sec += 301
        base = submit(slurm, array_size=2)
        assert [first, f"{base}_0", f"{base}_1"] == slurm.job_ids()


class TestTroubles:
    def test_accounting_is_late(self, clock):
        slurm = FakeSlurm(now=clock, accounting_lag_sec=5)
        job_id = submit(slurm)
        clock.sec += 5
        slurm.finish(job_id)
        slurm.disturb(Trouble.SILENT, "squeue")
        assert "PENDING" == state(slurm, job_id)
        clock.sec += 5
        assert "COMPLETED" == state(slurm, job_id)

    def test_accounting_has_no_row_yet(self, clock):
        slurm = FakeSlurm(now=clock, accounting_lag_sec=5)
        slurm.disturb(Trouble.SILENT, "squeue")
        assert "UNKNOWN" == state(slurm, submit(slurm))

    def test_accounting_is_off(self, clock):
        slurm = FakeSlurm(now=clock, accounting=False)
        job_id = submit(slurm)
        slurm.finish(job_id, "FAILED")
        assert "FAILED" == state(slurm, job_id)
        clock.sec += 301
        assert "UNKNOWN" == state(slurm, job_id)
        assert not slurm.limits().has_accounting

    @pytest.mark.parametrize("trouble", Trouble)
    def test_trouble_is_unknown_and_passes(self, slurm, clock, trouble):
        job_id = submit(slurm)
        slurm.disturb(trouble)
        assert "UNKNOWN" == state(slurm, job_id)
        slurm.recover()
        clock.sec += 10
        assert "PENDING" == state(slurm, job_id)

    @pytest.mark.parametrize("trouble", [Trouble.UNREACHABLE, Trouble.HANGS])
    def test_commands_that_act_fail_loudly(self, slurm, trouble):
        job_id = submit(slurm)
        slurm.disturb(trouble)
        for act in (lambda: submit(slurm), lambda: slurm.cancel([job_id]), lambda: slurm.requeue(job_id), slurm.limits):
            with pytest.raises(FuruSlurmError):
                act()

    def test_too_many_jobs_are_refused(self, clock):
        slurm = FakeSlurm(now=clock, max_submit=3)
        submit(slurm, array_size=2)
        with pytest.raises(FuruSlurmError, match="job submit limit"):
            submit(slurm, array_size=2)
        slurm.finish(submit(slurm))
        submit(slurm)

    def test_too_large_arrays_are_refused(self, clock):
        slurm = FakeSlurm(now=clock, limits=SlurmLimits(max_array_size=10))
        submit(slurm, array_size=10)
        with pytest.raises(FuruSlurmError, match="Invalid job array specification"):
            submit(slurm, array_size=11)

    def test_commands_are_counted(self, slurm):
        base = submit(slurm, array_size=100)
        slurm.jobs(f"{base}_{index}" for index in range(100))
        assert ["sbatch", "squeue"] == [argv[0] for argv in slurm.commands]


class TestBodies:
    def test_a_body_that_returns_ends_the_job(self, clock):
        ran = []

        def body(job):
            ran.append(job.job_id)
            return 0 if len(ran) < 3 else 3

        slurm = FakeSlurm(now=clock, body=body)
        first = submit(slurm)
        second = submit(slurm, first)
        third = submit(slurm, second)
        fourth = submit(slurm, third)
        slurm.drain()
        assert [first, second, third] == ran
        assert ["COMPLETED", "COMPLETED", "FAILED", "CANCELLED"] == states(slurm, first, second, third, fourth)
        assert 3 == slurm.jobs([third])[third].exit_code.code

    def test_a_process_ends_the_job_when_it_ends(self, clock, tmp_path):
        processes = []

        def body(job):
            processes.append(run_script(job))
            return processes[-1]

        slurm = FakeSlurm(now=clock, body=body)
        script = "echo $SLURM_ARRAY_JOB_ID.$SLURM_ARRAY_TASK_ID $SLURM_JOB_PARTITION; exit $SLURM_ARRAY_TASK_ID"
        options = {"output": f"{tmp_path}/%A_%a.log"}
        base = slurm.submit(JobRequest(script=script, array_size=2, options=options))
        slurm.step()
        assert [0, 1] == [process.wait(20) for process in processes]
        assert ["COMPLETED", "FAILED"] == states(slurm, f"{base}_0", f"{base}_1")
        assert f"{base}.1 cpu\n" == (tmp_path / f"{base}_1.log").read_text()

    def test_cancel_ends_the_process(self, clock):
        slurm = FakeSlurm(now=clock, body=run_script)
        job_id = slurm.submit(JobRequest(script="exec sleep 60"))
        slurm.step()
        process = slurm.job(job_id).process
        slurm.cancel([job_id])
        assert -15 == process.wait(20)
        assert "CANCELLED" == state(slurm, job_id)

    def test_a_script_that_ignores_sigterm_is_killed(self, clock, monkeypatch, tmp_path):
        monkeypatch.setattr(fake_slurm_script, "KILL_WAIT_SEC", 0.2)
        slurm = FakeSlurm(now=clock, body=run_script)
        os.mkfifo(tmp_path / "ready")
        job_id = slurm.submit(JobRequest(script=f"trap '' TERM; echo > {tmp_path}/ready; while :; do sleep 0.1; done"))
        slurm.step()
        (tmp_path / "ready").read_text()
        process = slurm.job(job_id).process
        slurm.cancel([job_id])
        assert -9 == process.poll()

    def test_an_endless_body_is_noticed(self, clock):
        slurm = FakeSlurm(now=clock, body=lambda job: slurm.submit(JobRequest(script="true")) and 0)
        submit(slurm)
        with pytest.raises(RuntimeError, match="still start after 50 steps"):
            slurm.drain(max_steps=50)


def test_many_children_of_a_failed_parent_are_cancelled_at_once(slurm):
    parent = submit(slurm)
    children = [submit(slurm, parent) for _ in range(300)]
    slurm.finish(parent, "FAILED")
    assert {"CANCELLED"} == set(states(slurm, *children))
